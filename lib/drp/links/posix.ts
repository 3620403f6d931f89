/**
 * `--ipc posix`: the protocol of the existing Python side, byte for byte (spec drp-python.md, section 2). One dgram at a time; no sizes, no
 * sequence numbers, so an answer that comes late is recognised only because its process has been replaced.
 */

import type { Watch } from 'posix-ipc-shim';
import { UsageError } from '../../errors.ts';
import type { PosixObjects } from '../../ipc/types.ts';
import { DGRAM, XTC } from '../../xtc/layout.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { Answer, Outcome } from '../outcome.ts';
import type { DrpOptions, Launch, Post, WorkerLink } from '../types.ts';
import { TriggerSplitter } from './trig.ts';

const PAGE = 4096;
const MESSAGE_LIMIT = 512;
const PRIORITY = 31;
/** One for transitions, and events that wait their turn while the worker has another: the protocol itself takes one at a time. */
const SLOTS = 4;

/** Bytes of each of the two segments of a worker (section 2.3). */
export function posixSegmentBytes(options: Pick<DrpOptions, 'pebble' | 'maxTransition'>): number {
  return Math.ceil(Math.max(options.pebble, options.maxTransition) / PAGE) * PAGE;
}

type Awaiting =
  | { kind: 'script' }
  | { kind: 'stop' }
  | { kind: 'dgrams'; slot: number; sequence: number; service: number; input: Buffer };

export class PosixLink implements WorkerLink {
  readonly greets = false;
  readonly payloadOffset = 0;
  readonly perSlot = 1;
  readonly slots = SLOTS;
  onAnswer: (answer: Answer) => void = () => {};
  private readonly options: DrpOptions;
  private readonly worker: number;
  private objects: PosixObjects;
  private readonly renew: () => PosixObjects;
  private watch: Watch | undefined;
  private awaiting: Awaiting | undefined;
  private readonly backlog: Post[] = [];
  private readonly inputs: Buffer[];
  private readonly results: Buffer[];
  private readonly triggers = new TriggerSplitter();

  /** @param renew unlinks and makes the four objects again, so that a late answer of the old process reaches nobody */
  constructor(options: DrpOptions, worker: number, objects: PosixObjects, renew: () => PosixObjects) {
    this.options = options;
    this.worker = worker;
    this.objects = objects;
    this.renew = renew;
    this.inputs = Array.from({ length: SLOTS }, () => Buffer.alloc(posixSegmentBytes(options)));
    this.results = Array.from({ length: SLOTS }, () => Buffer.alloc(0));
    this.checkScript();
  }

  input(slot: number): Buffer {
    return this.inputs[slot]!;
  }

  launch(): Launch {
    const { options } = this;
    const { identity } = options;
    const args = [
      identity.partition,
      options.pebble,
      options.maxTransition,
      posixSegmentBytes(options),
      identity.detName,
      identity.detType,
      identity.detId,
      identity.segment,
      this.worker,
      options.verbose,
      identity.instrument.replace(/:.*$/, ''),
      process.env.DAQPIPE_PROMETHEUS_DIR ?? '',
    ];
    return {
      args: ['-u', '-m', 'psdaq.drp.drp_python', ...args.map(String)],
      env: scriptArguments(options),
      pipes: false,
    };
  }

  attach(): void {
    this.watch = this.objects.fromWorker.watch(
      (buffer, length) => this.received(buffer.toString('latin1', 0, length)),
      {
        onError: (error) => this.onAnswer({ kind: 'garbage', why: `its queue failed: ${error.message}` }),
      },
    );
  }

  post(post: Post): void {
    if (this.awaiting === undefined) this.send(post);
    else this.backlog.push(post);
  }

  private send(post: Post): void {
    if (post.kind === 'script') this.ask(this.scriptMessage(), { kind: 'script' });
    else if (post.kind === 'stop') this.ask('s', { kind: 'stop' });
    else {
      const { offset, size } = post.entries[0]!;
      this.inputs[post.slot]!.copy(this.objects.input.bytes, 0, offset, offset + size);
      const { slot, sequence, service } = post;
      const input = this.inputs[slot]!.subarray(offset, offset + size);
      this.ask(service === SERVICE.Unconfigure ? 's' : 'g', { kind: 'dgrams', slot, sequence, service, input });
    }
  }

  reset(): void {
    this.watch?.close();
    this.watch = undefined;
    this.awaiting = undefined;
    this.backlog.length = 0;
    this.objects = this.renew();
  }

  close(): void {
    this.watch?.close();
    this.watch = undefined;
  }

  private ask(text: string, awaiting: Awaiting): void {
    this.awaiting = awaiting;
    if (!this.objects.toWorker.trySend(Buffer.from(text), PRIORITY)) {
      this.onAnswer({ kind: 'garbage', why: 'it has not taken its last message' });
    }
  }

  private received(text: string): void {
    const { awaiting } = this;
    const word = text.replace(/\n$/, '');
    if (awaiting === undefined) {
      this.onAnswer({ kind: 'late' });
      return;
    }
    // The late answer of a busy worker may come before the answer to a stop (section 2.7, check 2).
    if (word === 'g' && isStop(awaiting)) return;
    const expected = awaiting.kind === 'script' ? 'r' : isStop(awaiting) ? 's' : 'g';
    this.awaiting = undefined;
    if (word !== expected) {
      this.onAnswer({
        kind: 'garbage',
        why: `it answered ${JSON.stringify(text.slice(0, 40))} instead of "${expected}"`,
      });
    } else if (awaiting.kind === 'script') this.onAnswer({ kind: 'ready' });
    else if (awaiting.kind === 'stop') this.onAnswer({ kind: 'stopped' });
    else if (awaiting.kind === 'dgrams') this.resultOf(awaiting);
  }

  /** The result is copied out: the segment is overwritten by the next one. */
  private resultOf({ slot, sequence, service, input }: Extract<Awaiting, { kind: 'dgrams' }>): void {
    const { bytes } = this.objects.result;
    const size = 12 + bytes.readUInt32LE(DGRAM.extent);
    const limit =
      service === SERVICE.L1Accept || service === SERVICE.Unused_11 ? this.options.pebble : this.options.maxTransition;
    if (size < 12 + XTC.size || size > Math.min(limit, bytes.length)) {
      this.onAnswer({ kind: 'garbage', why: `its result says that it has ${size} bytes; the limit is ${limit}` });
      return;
    }
    if (this.results[slot]!.length < size) this.results[slot] = Buffer.allocUnsafeSlow(Math.ceil(size / PAGE) * PAGE);
    const result = this.results[slot]!.subarray(0, size);
    bytes.copy(result, 0, 0, size);
    const { bytes: data, trigger } = this.triggers.split(input, result, service);
    const { triggerBytes } = this.options;
    if (this.triggers.used && triggerBytes === 0) {
      const text = 'the script describes trigger data (trig), and there is no --trigger-out';
      this.onAnswer({ kind: 'error', text, sequence });
      return;
    }
    const overrun = trigger !== undefined && trigger.length > triggerBytes;
    const outcome: Outcome = { kind: 'changed', bytes: data, trigger: overrun ? undefined : trigger, overrun };
    // The worker gets its next dgram before this result is looked at: it computes while we write.
    const next = this.backlog.shift();
    if (next) this.send(next);
    this.onAnswer({ kind: 'results', sequence, outcomes: [outcome], micros: 0 });
  }

  /** Who publishes constants: another process, or worker 0 (sections 2.4 and 2.11). */
  private scriptMessage(): string {
    const { script, calib, supervisor } = this.options;
    return calib === undefined ? `${script},supervisor,${supervisor}` : `${script},,${calib.replace('tcp://', '')}`;
  }

  private checkScript(): void {
    if (this.options.script.includes(',')) {
      throw new UsageError(
        `the path of the script has a comma, which ends it in the existing protocol: ${this.options.script}`,
      );
    }
    if (Buffer.byteLength(this.scriptMessage()) > MESSAGE_LIMIT) {
      throw new UsageError(
        `the path of the script is too long: the existing protocol has ${MESSAGE_LIMIT} bytes for it`,
      );
    }
  }
}

function isStop(awaiting: Awaiting): boolean {
  return awaiting.kind === 'stop' || (awaiting.kind === 'dgrams' && awaiting.service === SERVICE.Unconfigure);
}

/** The existing runtime hands no arguments on; scripts find them in the environment. */
function scriptArguments({ scriptArgs }: DrpOptions): Record<string, string> {
  if (scriptArgs.length === 0) return {};
  return { DRP_ARGS: scriptArgs.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ') };
}
