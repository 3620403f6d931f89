/** `--ipc pipe`: messages and slots through fd 3 and fd 4, where no IPC is allowed. */

import type { Told } from '../constants/told.ts';
import { INPUT_SLOT, MESSAGE, slotBytes } from '../protocol.ts';
import type { DrpOptions } from '../types.ts';
import { OwnLink } from './own.ts';

/** Type and length are where `encodeMessage` puts them. */
const CARRIES_PAYLOAD: ReadonlySet<number> = new Set([18, 20]);

export class PipeLink extends OwnLink {
  private readonly inputs: Buffer[];
  private readonly limit: number;
  private writer: NodeJS.WritableStream | undefined;
  private reader: NodeJS.ReadableStream | undefined;
  private pieces: Buffer[] = [];
  private have = 0;

  constructor(options: DrpOptions, worker: number, constants?: () => Told) {
    super(options, worker, constants);
    const limit = Math.max(options.pebble, options.maxTransition);
    this.limit = slotBytes(limit, options.triggerBytes);
    // Only the transition slot must hold the largest transition; zeroed memory is not touched before it is used.
    this.inputs = Array.from({ length: options.slots }, () => Buffer.alloc(INPUT_SLOT.payload + limit));
  }

  input(slot: number): Buffer {
    return this.inputs[slot]!;
  }

  attach({ toProcess, fromProcess }: { toProcess: NodeJS.WritableStream; fromProcess: NodeJS.ReadableStream }): void {
    this.writer = toProcess;
    this.reader = fromProcess;
    // A process that dies breaks its pipes; its exit says so better than the pipe does.
    toProcess.on('error', () => {});
    fromProcess.on('error', () => {});
    fromProcess.on('data', (bytes: Buffer) => this.arrived(bytes));
  }

  reset(): void {
    this.reader?.removeAllListeners('data');
    this.reader = undefined;
    this.writer = undefined;
    this.pieces = [];
    this.have = 0;
  }

  close(): void {
    this.writer?.end();
    this.reset();
  }

  protected transportArguments(): object {
    return { slotBytes: this.limit };
  }

  protected send(message: Buffer, slot: Buffer | undefined): void {
    this.writer?.write(Buffer.from(message));
    // The slot stays as it is until its results are back, so it need not be copied.
    if (slot) this.writer?.write(slot);
  }

  protected results(): undefined {
    return undefined;
  }

  protected errorText(): string {
    return '';
  }

  private arrived(bytes: Buffer): void {
    this.pieces.push(bytes);
    this.have += bytes.length;
    for (;;) {
      const head = this.peek(MESSAGE.size);
      if (!head) return;
      const size = CARRIES_PAYLOAD.has(head.readUInt8(MESSAGE.offset.type))
        ? head.readUInt32LE(MESSAGE.offset.bytes)
        : 0;
      if (size > this.limit) {
        this.pieces = [];
        this.have = 0;
        this.onAnswer({ kind: 'garbage', why: `an answer of ${size} bytes is larger than a slot` });
        return;
      }
      const whole = this.peek(MESSAGE.size + size);
      if (!whole) return;
      this.drop(MESSAGE.size + size);
      this.received(whole.subarray(0, MESSAGE.size), MESSAGE.size, size > 0 ? whole.subarray(MESSAGE.size) : undefined);
    }
  }

  /** The first `size` bytes in one piece, or undefined while they have not arrived. */
  private peek(size: number): Buffer | undefined {
    if (this.have < size) return undefined;
    if (this.pieces[0]!.length < size) this.pieces = [Buffer.concat(this.pieces)];
    return this.pieces[0]!.subarray(0, size);
  }

  private drop(size: number): void {
    this.have -= size;
    const rest = this.pieces[0]!.subarray(size);
    if (rest.length > 0) this.pieces[0] = rest;
    else this.pieces.shift();
  }
}
