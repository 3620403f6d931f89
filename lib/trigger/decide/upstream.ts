/**
 * `--ipc upstream`: the protocol of the existing trigger runtime (spec teb.md, 6), one event at a time. Its answers carry no pid: what tells
 * right from wrong is that exactly one is outstanding, and how the extent in the result memory has grown.
 */

import { UsageError } from '../../errors.ts';
import type { PythonProcess, PythonProcessOptions } from '../../python/process.ts';
import { EBDGRAM, EXTENT_BASE, LEVEL, RESULT as RESULT_DGRAM, TYPE_DATA } from '../wire/layout.ts';
import { Contributions, ENTRY, type EventBatch } from './batch.ts';
import { connectInfo, slotSizes } from './connect.ts';
import { RESULT, STATUS, writePid } from './frames.ts';
import type { DeciderLink, LinkEvents } from './link.ts';
import type { DeciderSetup } from './types.ts';

/** Queues and memories of one process, however they are made. */
export interface UpstreamChannel {
  /** Environment with which the process finds them. */
  readonly env: Record<string, string>;
  readonly pipes: boolean;
  attach(process: PythonProcess, onMessage: (text: string) => void, onError: (why: string) => void): void;
  /** Sends when there is room. */
  send(text: string): void;
  /** False if the last message is known to be unread. */
  taken(): boolean;
  putInput(from: Buffer, start: number, end: number, at: number): void;
  putResult(from: Buffer): void;
  /** Reads the 40 bytes of the result. */
  getResult(into: Buffer): void;
  /** Removes everything. Also twice. */
  close(): void;
}

export type MakeChannel = (names: UpstreamNames, inputBytes: number, resultBytes: number) => UpstreamChannel;

export interface UpstreamNames {
  toPython: string;
  fromPython: string;
  inputs: string;
  result: string;
}

export interface UpstreamOptions {
  setup: DeciderSetup;
  /** Interpreter, and arguments before `-p` and `-b`. */
  python: string;
  args: readonly string[];
  env?: Record<string, string>;
  makeChannel: MakeChannel;
  /** For the key base; called for every process. */
  freshKey: () => string;
}

const PAGE = 4096;
const MESSAGE_LIMIT = 512;
const ONE_RESULT = 8;

export function upstreamNames(key: string): UpstreamNames {
  return {
    toPython: `/mqtebinp_${key}`,
    fromPython: `/mqtebres_${key}`,
    inputs: `/shmtebinp_${key}`,
    result: `/shmtebres_${key}`,
  };
}

type Step = 'inputs' | 'connect' | 'configure' | 'up';

export class UpstreamLink implements DeciderLink {
  readonly inFlight = 1;
  readonly perMessage = 1;
  private readonly options: UpstreamOptions;
  private readonly slots: { at: number; size: number }[] = [];
  /** Slot by source number. */
  private readonly slotOf = new Map<number, number>();
  private readonly inputBytes: number;
  private channel: UpstreamChannel | undefined;
  private events: LinkEvents | undefined;
  private names: UpstreamNames = upstreamNames('');
  private step: Step = 'inputs';
  private connect = Buffer.alloc(0);
  private outstanding: { frame: number; pid: number } | undefined;
  /** Answers that a second result() has sent besides. */
  private extra = 0;
  private next: (() => void) | undefined;
  private readonly primBad: Record<string, number> = {};
  private readonly contributions = new Contributions();
  private readonly result = Buffer.alloc(RESULT_DGRAM.size);
  private readonly row = Buffer.alloc(RESULT.size);

  /** @throws UsageError if the sources do not fit into the first message */
  constructor(options: UpstreamOptions) {
    this.options = options;
    const byNumber = [...options.setup.drps].sort((a, b) => a.id - b.id);
    let at = 0;
    for (const [slot, size] of slotSizes(options.setup).entries()) {
      this.slotOf.set(byNumber[slot]!.id, slot);
      this.slots.push({ at, size });
      at += size;
    }
    this.inputBytes = Math.max(PAGE, Math.ceil(at / PAGE) * PAGE);
    this.names = upstreamNames('p7_teb3_00000000');
    const length = this.inputsMessage().length;
    if (length > MESSAGE_LIMIT) {
      throw new UsageError(
        `--ipc upstream: the sizes of ${byNumber.length} sources make a message of ${length} bytes; the existing protocol has ${MESSAGE_LIMIT}`,
      );
    }
  }

  launch(): Omit<PythonProcessOptions, 'prefix'> {
    const { options } = this;
    const key = options.freshKey();
    this.names = upstreamNames(key);
    // Before the process starts: a fast one that does not find its queues gives up.
    this.channel = options.makeChannel(this.names, this.inputBytes, PAGE);
    const args = ['-u', ...options.args, `-p ${options.setup.common}`, `-b ${key}`];
    return { command: options.python, args, env: { ...options.env, ...this.channel.env }, pipes: this.channel.pipes };
  }

  attach(process: PythonProcess, events: LinkEvents): void {
    this.events = events;
    this.step = 'inputs';
    this.outstanding = undefined;
    this.extra = 0;
    this.next = undefined;
    this.connect = Buffer.from(JSON.stringify(connectInfo(this.options.setup)));
    this.channel!.attach(process, (text) => this.received(text), events.broken);
    this.channel!.send(this.inputsMessage());
  }

  post(frame: number, batch: EventBatch, from: number): void {
    if (this.extra > 0) this.next = () => this.ask(frame, batch, from);
    else this.ask(frame, batch, from);
  }

  stop(): void {
    this.channel?.send('s');
  }

  release(): void {
    this.events = undefined;
    this.channel?.close();
    this.channel = undefined;
  }

  private inputsMessage(): string {
    return `i,${this.names.inputs},${this.inputBytes},${this.slots.map(({ size }) => size).join(',')}`;
  }

  private received(text: string): void {
    if (this.events === undefined) return;
    const letter = text[0];
    if (this.step === 'up') {
      if (letter === 'g') this.answered();
      else this.events.broken(`it sent ${JSON.stringify(text.slice(0, 40))} instead of "g"`);
    } else if (this.step === 'inputs' && letter === 'g') {
      this.channel!.send(`r,${this.names.result},${PAGE}`);
      this.step = 'connect';
      this.sendConnect();
    } else if (this.step === 'connect' && letter === 'c') this.sendConnect();
    else if (this.step === 'connect' && letter === 'd') {
      this.step = 'configure';
      this.channel!.send(`g${'0'.repeat(16)}`);
    } else if (this.step === 'configure' && letter === 'g') {
      this.step = 'up';
      this.events.ready({ stateless: false });
    } else this.events.broken(`it sent ${JSON.stringify(text.slice(0, 40))} during the ${this.step} step`);
  }

  /** The next piece of the connect information. */
  private sendConnect(): void {
    const piece = this.connect.subarray(0, this.inputBytes);
    this.connect = this.connect.subarray(piece.length);
    this.channel!.putInput(piece, 0, piece.length, 0);
    this.channel!.send(`${this.connect.length > 0 ? 'c' : 'd'},${piece.length}`);
  }

  private ask(frame: number, batch: EventBatch, from: number): void {
    const { contributions, channel } = this;
    if (channel === undefined) return;
    const pid = batch.pids[from]!;
    let mask = 0n;
    let header: Buffer | undefined;
    contributions.of(batch, from);
    while (contributions.advance()) {
      const { bytes, at, end, source } = contributions;
      header ??= bytes.subarray(at, at + EBDGRAM.size);
      const slot = this.slotOf.get(source);
      if (slot === undefined) continue;
      if (end - at > this.slots[slot]!.size) this.tooLong(source);
      else {
        channel.putInput(bytes, at, end, this.slots[slot]!.at);
        mask |= 1n << BigInt(slot);
      }
    }
    const { result } = this;
    result.fill(0);
    header?.copy(result, 0, 0, EBDGRAM.size);
    writePid(result, pid, EBDGRAM.pid);
    result.writeUInt32LE(((LEVEL.event << 28) | this.options.setup.id) >>> 0, EBDGRAM.src);
    result.writeUInt16LE(batch.bytes.readUInt16LE(batch.offsets[from]! + ENTRY.offset.damage), EBDGRAM.damage);
    result.writeUInt16LE(TYPE_DATA, EBDGRAM.typeId);
    result.writeUInt32LE(EXTENT_BASE, EBDGRAM.extent);
    channel.putResult(result);
    this.outstanding = { frame, pid };
    channel.send(`g${mask.toString(16).padStart(16, '0')}`);
  }

  private answered(): void {
    const { outstanding, channel, events } = this;
    if (this.extra > 0) {
      this.extra--;
      const { next } = this;
      if (this.extra > 0 || next === undefined) return;
      this.next = undefined;
      next();
      return;
    }
    if (outstanding === undefined || !channel!.taken()) {
      events!.stale(1);
      events!.broken('it answered without having been asked');
      return;
    }
    this.outstanding = undefined;
    channel!.getResult(this.result);
    const results = (this.result.readUInt32LE(EBDGRAM.extent) - EXTENT_BASE) / ONE_RESULT;
    const status = results === 1 ? STATUS.ok : results === 0 ? STATUS.noResult : STATUS.secondResult;
    if (!Number.isInteger(results) || results < 0 || results > 1000) {
      events!.broken('the extent of its result makes no sense');
      return;
    }
    // Each result() has sent its own answer.
    if (results > 1) this.extra = results - 1;
    writePid(this.row, outstanding.pid, RESULT.offset.pid);
    this.row.writeUInt32LE(this.result.readUInt32LE(RESULT_DGRAM.data), RESULT.offset.data);
    this.row.writeUInt32LE(status, RESULT.offset.status);
    events!.answers(outstanding.frame, 1, this.row, false);
  }

  /** A primitive that has no room in its slot is missing for the script. */
  private tooLong(source: number): void {
    const alias = this.options.setup.drps.find(({ id }) => id === source)?.alias ?? String(source);
    this.primBad[alias] = (this.primBad[alias] ?? 0) + 1;
    this.events?.counted({ primBad: this.primBad, missingKeys: {} });
  }
}
