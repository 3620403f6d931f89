/**
 * Events on their way to a decider, and its answers. A batch owns a copy of the contributions, laid out as an EVENTS frame carries them
 * (spec teb.md, 5.3), so every decider reads the same bytes, a frame is written without further copies, and events can be repeated.
 */

import type { BuiltEvent } from '../building/built-event.ts';
import { EbDgram } from '../wire/eb-dgram.ts';
import { EBDGRAM, EXTENT_BASE, SRC_NUMBER_MASK } from '../wire/layout.ts';
import { lowestBit } from '../wire/masks.ts';
import { FREE_BYTES, writePid } from './frames.ts';

/** One entry: pid, contributions, damage, bytes of the records behind it. */
export const ENTRY = { size: 16, offset: { pid: 0, contributions: 8, damage: 10, bytes: 12 } } as const;
/** Bits of `flags`. */
export const ANSWER_FLAG = { forced: 1, primitiveRejected: 2 } as const;

const FIRST_BYTES = 1 << 14;

export class EventBatch {
  /** Most events. */
  readonly capacity: number;
  count = 0;
  readonly pids: Float64Array;
  /** Where the entries begin; one more than there are events. */
  readonly offsets: Uint32Array;
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Free buffers per MEB when the batch was sent, as the scripts see them. */
  readonly free: Buffer = Buffer.alloc(FREE_BYTES);

  /** Answers: data words without the prescale bit, and flags. */
  readonly data: Uint32Array;
  readonly flags: Uint8Array;
  /** Events answered; they are answered in order. */
  answered = 0;
  /** Where the entry of the event begun last begins. */
  private entry = 0;
  private readonly cursor = new EbDgram();

  constructor(capacity: number) {
    this.capacity = capacity;
    this.pids = new Float64Array(capacity);
    this.offsets = new Uint32Array(capacity + 1);
    this.data = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** Empties it for the next events. */
  reset(): void {
    this.count = 0;
    this.answered = 0;
  }

  /** Copies an event of the builder. */
  add(event: BuiltEvent): void {
    this.begin(event.pid, event.damage);
    this.addSources(event, event.presentLow, 0);
    if (event.presentHigh !== 0) this.addSources(event, event.presentHigh, 32);
  }

  /** Begins an event; its contributions follow in increasing source number. */
  begin(pid: number, damage: number): void {
    const at = this.offsets[this.count]!;
    this.reserve(at + ENTRY.size);
    writePid(this.bytes, pid, at);
    this.bytes.writeUInt32LE((damage << 16) >>> 0, at + ENTRY.offset.contributions);
    this.bytes.writeUInt32LE(0, at + ENTRY.offset.bytes);
    this.entry = at;
    this.pids[this.count] = pid;
    this.count++;
    this.offsets[this.count] = at + ENTRY.size;
  }

  /** Adds a whole record (EbDgram) to the event begun last. */
  contribution(from: Buffer, start: number, end: number): void {
    const at = this.offsets[this.count]!;
    const next = at + end - start;
    this.reserve(next);
    const { bytes, entry } = this;
    from.copy(bytes, at, start, end);
    bytes[entry + ENTRY.offset.contributions]!++;
    bytes.writeUInt32LE(next - entry - ENTRY.size, entry + ENTRY.offset.bytes);
    this.offsets[this.count] = next;
  }

  /** Bytes of the entries `from` to `from + count`, a view. */
  entries(from: number, count: number): Buffer {
    return this.bytes.subarray(this.offsets[from], this.offsets[from + count]);
  }

  /** Answers the oldest open event. */
  answer(data: number, flags: number): void {
    this.data[this.answered] = data;
    this.flags[this.answered] = flags;
    this.answered++;
  }

  private addSources(event: BuiltEvent, mask: number, first: number): void {
    const { cursor } = this;
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      if (event.record(first + lowestBit(rest), cursor)) {
        this.contribution(cursor.block, cursor.at, cursor.at + cursor.length);
      }
    }
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.bytes.length));
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}

/** A cursor over the contributions of one event of a batch. */
export class Contributions {
  bytes: Buffer = Buffer.alloc(0);
  /** Where the record of the present contribution begins. */
  at = 0;
  private left = 0;
  private next = 0;

  /** Places it before the first contribution of an event. */
  of(batch: EventBatch, event: number): this {
    const entry = batch.offsets[event]!;
    this.bytes = batch.bytes;
    this.left = batch.bytes.readUInt16LE(entry + ENTRY.offset.contributions);
    this.next = entry + ENTRY.size;
    return this;
  }

  /** Goes to the next contribution; false behind the last. */
  advance(): boolean {
    if (this.left === 0) return false;
    this.left--;
    this.at = this.next;
    this.next = this.at + EBDGRAM.size - EXTENT_BASE + this.bytes.readUInt32LE(this.at + EBDGRAM.extent);
    return true;
  }

  get source(): number {
    return this.bytes.readUInt32LE(this.at + EBDGRAM.src) & SRC_NUMBER_MASK;
  }

  get env(): number {
    return this.bytes.readUInt32LE(this.at + EBDGRAM.env);
  }

  /** Where the primitive begins and ends. */
  get payloadAt(): number {
    return this.at + EBDGRAM.size;
  }

  get end(): number {
    return this.next;
  }
}
