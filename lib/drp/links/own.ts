/** What the two transports of our own runtime share: messages, launch, sequence numbers and generations. */

import { ownPythonPath } from '../../python/own-path.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { Told } from '../constants/told.ts';
import { NOTHING_TOLD } from '../constants/told.ts';
import type { Answer } from '../outcome.ts';
import {
  decodeMessage,
  encodeMessage,
  FROM_WORKER,
  INPUT_SLOT,
  MAX_PER_SLOT,
  MESSAGE,
  type Message,
  readConstantsCheck,
  TO_WORKER,
  writeConstantsText,
  writeInputTable,
} from '../protocol.ts';
import type { DrpOptions, Launch, Post, WorkerLink } from '../types.ts';
import { decodeResults } from './decode-results.ts';

export abstract class OwnLink implements WorkerLink {
  readonly greets = true;
  readonly payloadOffset = INPUT_SLOT.payload;
  readonly perSlot = MAX_PER_SLOT;
  readonly slots: number;
  onAnswer: (answer: Answer) => void = () => {};
  protected readonly options: DrpOptions;
  protected readonly worker: number;
  private readonly message = Buffer.alloc(MESSAGE.size);
  private generation = 0;
  /** Sequence number of what was posted for each slot last. */
  private readonly posted: number[];
  private readonly constants: () => Told;
  /** What the result of the BeginRun under way must say of its constants. */
  private check: number | undefined;

  /** @param constants of the run that begins */
  constructor(options: DrpOptions, worker: number, constants: () => Told = () => NOTHING_TOLD) {
    this.constants = constants;
    this.options = options;
    this.worker = worker;
    this.slots = options.slots;
    this.posted = new Array<number>(options.slots).fill(-1);
  }

  abstract input(slot: number): Buffer;
  abstract attach(process: { toProcess: NodeJS.WritableStream; fromProcess: NodeJS.ReadableStream }): void;
  abstract reset(): void;
  abstract close(): void;
  /** What the worker must know about the transport. */
  protected abstract transportArguments(): object;
  /** Sends a message and, if the transport has no shared memory, the used part of the input slot. */
  protected abstract send(message: Buffer, slot: Buffer | undefined): void;
  /** The result slot, its first `bytes` bytes; undefined if the transport has none such. */
  protected abstract results(slot: number, bytes: number): Buffer | undefined;
  /** Text of the last ERROR. */
  protected abstract errorText(bytes: number): string;

  launch(generation: number): Launch {
    this.generation = generation;
    const { options } = this;
    const argument = {
      ...this.transportArguments(),
      transport: options.transport,
      slots: options.slots,
      pebble: options.pebble,
      transition: options.maxTransition,
      script: options.script,
      args: options.scriptArgs,
      ...options.identity,
      worker: this.worker,
      workers: options.workers,
      generation,
      parentPid: process.pid,
      triggerBytes: options.triggerBytes,
      raw: options.raw,
      oversize: options.onOversize === 'abort' ? 'abort' : options.oversizeKeep,
      allowDrop: options.allowDrop,
      constants: options.constants ?? null,
      verbose: options.verbose,
    };
    return {
      args: ['-u', '-m', 'daqpipe.worker', JSON.stringify(argument)],
      env: { PYTHONPATH: ownPythonPath() },
      pipes: options.transport === 'pipe',
    };
  }

  post(post: Post): void {
    const { message, generation } = this;
    if (post.kind !== 'dgrams') {
      this.send(
        encodeMessage(message, { type: post.kind === 'script' ? TO_WORKER.SCRIPT : TO_WORKER.STOP, generation }),
        undefined,
      );
      return;
    }
    const slot = this.input(post.slot);
    writeInputTable(slot, post.entries);
    const bytes = post.entries.reduce<number>(
      (end, entry) => Math.max(end, entry.offset + entry.size),
      INPUT_SLOT.payload,
    );
    this.posted[post.slot] = post.sequence;
    this.check = undefined;
    if (post.service === SERVICE.BeginRun) {
      const { text, check } = this.constants();
      writeConstantsText(slot, text);
      this.check = check;
    }
    const { sequence } = post;
    this.send(
      encodeMessage(message, {
        type: TO_WORKER.DGRAMS,
        sequence,
        generation,
        slot: post.slot,
        count: post.entries.length,
        bytes,
      }),
      slot.subarray(0, bytes),
    );
  }

  /** Takes a message apart and answers it. */
  protected received(bytes: Buffer, length: number, payload?: Buffer): void {
    const message = decodeMessage(bytes, length);
    if (!message) this.onAnswer({ kind: 'garbage', why: `a message of ${length} bytes that is none of ours` });
    else if (message.generation !== this.generation) this.onAnswer({ kind: 'late' });
    else this.onAnswer(this.answerOf(message, payload));
  }

  private answerOf(message: Message, payload: Buffer | undefined): Answer {
    switch (message.type) {
      case FROM_WORKER.HELLO:
        return { kind: 'hello' };
      case FROM_WORKER.READY:
        return { kind: 'ready' };
      case FROM_WORKER.STOPPED:
        return { kind: 'stopped' };
      case FROM_WORKER.ERROR:
        return {
          kind: 'error',
          text: payload ? payload.toString('utf8') : this.errorText(message.bytes),
          sequence: message.sequence,
        };
      case FROM_WORKER.RESULTS:
        return this.resultsOf(message, payload);
      default:
        return { kind: 'garbage', why: `a message of the unknown type ${message.type}` };
    }
  }

  private resultsOf({ slot, sequence, count, bytes, micros }: Message, payload: Buffer | undefined): Answer {
    if (slot >= this.slots || this.posted[slot] !== sequence) {
      return { kind: 'garbage', why: `results for slot ${slot}, sequence ${sequence}, which nobody asked for` };
    }
    const memory = payload ?? this.results(slot, bytes);
    if (memory === undefined) return { kind: 'garbage', why: `results of ${bytes} bytes are larger than a slot` };
    const outcomes = decodeResults(memory, count);
    if (this.check !== undefined && count > 0 && readConstantsCheck(memory) !== this.check)
      return { kind: 'garbage', why: 'it has other calibration constants than it was given' };
    return typeof outcomes === 'string'
      ? { kind: 'garbage', why: outcomes }
      : { kind: 'results', sequence, outcomes, micros };
  }
}
