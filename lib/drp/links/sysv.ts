/** `--ipc sysv`: System V queues for messages, System V segments for slots; the default and the fast path. */

import type { Watch } from 'posix-ipc-shim';
import type { SysvObjects } from '../../ipc/types.ts';
import type { Told } from '../constants/told.ts';
import { ERROR_TEXT, LAYOUT_VERSION, SEGMENT_HEADER, SEGMENT_MAGIC, slotBytes } from '../protocol.ts';
import type { DrpOptions } from '../types.ts';
import { OwnLink } from './own.ts';

/** Bytes of each of the two segments of a worker. */
export function sysvSegmentBytes(
  options: Pick<DrpOptions, 'slots' | 'pebble' | 'maxTransition' | 'triggerBytes'>,
): number {
  return (
    SEGMENT_HEADER + options.slots * slotBytes(Math.max(options.pebble, options.maxTransition), options.triggerBytes)
  );
}

export class SysvLink extends OwnLink {
  private readonly slot: number;
  private objects: SysvObjects;
  private readonly renew: () => SysvObjects;
  private watch: Watch | undefined;
  private views: Buffer[] = [];

  /** @param renew new queues for a restarted worker; the segments stay, with the dgrams that are under way */
  constructor(
    options: DrpOptions,
    worker: number,
    objects: SysvObjects,
    renew: () => SysvObjects,
    constants?: () => Told,
  ) {
    super(options, worker, constants);
    this.slot = slotBytes(Math.max(options.pebble, options.maxTransition), options.triggerBytes);
    this.objects = objects;
    this.renew = renew;
    this.prepare();
  }

  input(slot: number): Buffer {
    return this.views[slot]!;
  }

  attach(): void {
    this.watch = this.objects.fromWorker.watch((buffer, length) => this.received(buffer, length), {
      onError: (error) => this.onAnswer({ kind: 'garbage', why: `its queue failed: ${error.message}` }),
    });
  }

  reset(): void {
    this.watch?.close();
    this.watch = undefined;
    this.objects = this.renew();
    this.prepare();
  }

  close(): void {
    this.watch?.close();
    this.watch = undefined;
  }

  protected transportArguments(): object {
    const { input, result, toWorker, fromWorker } = this.objects;
    return {
      inSegment: input.id,
      resSegment: result.id,
      inQueue: toWorker.id,
      resQueue: fromWorker.id,
      slotBytes: this.slot,
    };
  }

  protected send(message: Buffer): void {
    // At most one message per slot and one for control are ever waiting: far less than a queue holds.
    if (!this.objects.toWorker.trySend(message, 1)) {
      this.onAnswer({ kind: 'garbage', why: 'its queue is full, although hardly anything was sent' });
    }
  }

  protected results(slot: number, bytes: number): Buffer | undefined {
    if (bytes > this.slot) return undefined;
    const at = SEGMENT_HEADER + slot * this.slot;
    return this.objects.result.bytes.subarray(at, at + bytes);
  }

  protected errorText(): string {
    const { bytes } = this.objects.result;
    const length = Math.min(bytes.readUInt32LE(ERROR_TEXT), SEGMENT_HEADER - ERROR_TEXT - 4);
    return bytes.toString('utf8', ERROR_TEXT + 4, ERROR_TEXT + 4 + length);
  }

  /** Header pages, and one view per slot. */
  private prepare(): void {
    for (const segment of [this.objects.input, this.objects.result]) {
      segment.bytes.write(SEGMENT_MAGIC, 0, 'latin1');
      segment.bytes.writeUInt32LE(LAYOUT_VERSION, 4);
      segment.bytes.writeUInt32LE(this.options.slots, 8);
      segment.bytes.writeUInt32LE(this.slot, 12);
    }
    const { bytes } = this.objects.input;
    this.views = Array.from({ length: this.options.slots }, (_, k) => {
      const at = SEGMENT_HEADER + k * this.slot;
      return bytes.subarray(at, at + this.slot);
    });
  }
}
