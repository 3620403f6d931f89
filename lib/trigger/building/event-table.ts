/**
 * Memory of the event builder: slots of events as columns of numbers, linked in increasing pid while they are open. Nothing is allocated
 * per contribution; slots are used again last freed first, so that a builder that keeps up works in the nearest cache.
 *
 * Contributions are not copied: a slot refers to the block of each record and lets go of it when it is freed.
 */

import { SERVICE } from '../../xtc/service.ts';
import { type Milliseconds, type PulseId, WHYS, type Why } from '../types.ts';
import type { EbDgram } from '../wire/eb-dgram.ts';
import { EBDGRAM, ENV } from '../wire/layout.ts';
import { hasSource } from '../wire/masks.ts';
import type { BuiltEvent } from './built-event.ts';
import { type Contracts, FOREIGN } from './contracts.ts';

/** Numbers of WHYS. */
export const WHY = { complete: 0, watermark: 1, eof: 2, skew: 3, timeout: 4 } as const satisfies Record<Why, number>;
/** No slot. */
export const NONE = -1;
const FIRST_CAPACITY = 256;

export class EventTable {
  readonly contracts: Contracts;
  readonly sources: number;
  /** Oldest and newest open event. */
  head = NONE;
  tail = NONE;
  capacity = 0;
  private freeSlots = new Int32Array(0);
  private freeCount = 0;

  pid = new Float64Array(0);
  env = new Int32Array(0);
  expectedLow = new Int32Array(0);
  expectedHigh = new Int32Array(0);
  presentLow = new Int32Array(0);
  presentHigh = new Int32Array(0);
  damage = new Int32Array(0);
  /** Index in WHYS. */
  why = new Uint8Array(0);
  firstSeen = new Float64Array(0);
  /** Index of the source whose contribution came first. */
  firstIndex = new Uint8Array(0);
  next = new Int32Array(0);
  previous = new Int32Array(0);

  /** Of source index i in slot s: at `s * sources + i`. */
  readonly blocks: (Buffer | undefined)[] = [];
  starts = new Int32Array(0);
  lengths = new Int32Array(0);
  private readonly views: EventView[] = [];

  constructor(contracts: Contracts) {
    this.contracts = contracts;
    this.sources = contracts.sources.length;
    this.grow();
  }

  /** Slots in use. */
  get used(): number {
    return this.capacity - this.freeCount;
  }

  /** The slot as others see it; always the same object for a slot. */
  view(slot: number): BuiltEvent {
    return this.views[slot]!;
  }

  /** Begins an event before the open event `before`, or as the newest if that is NONE. */
  open(pid: PulseId, env: number, index: number, before: number, now: Milliseconds): number {
    if (this.freeCount === 0) this.grow();
    const slot = this.freeSlots[--this.freeCount]!;
    this.pid[slot] = pid;
    this.env[slot] = env;
    this.expectedLow[slot] = this.contracts.expectedLow(env);
    this.expectedHigh[slot] = this.contracts.expectedHigh(env);
    this.presentLow[slot] = 0;
    this.presentHigh[slot] = 0;
    this.damage[slot] = 0;
    this.firstSeen[slot] = now;
    this.firstIndex[slot] = index;
    const after = before === NONE ? this.tail : this.previous[before]!;
    this.previous[slot] = after;
    this.next[slot] = before;
    if (after === NONE) this.head = slot;
    else this.next[after] = slot;
    if (before === NONE) this.tail = slot;
    else this.previous[before] = slot;
    return slot;
  }

  /** Adds the record of a source. */
  add(slot: number, index: number, source: number, record: EbDgram): void {
    const at = slot * this.sources + index;
    this.blocks[at] = record.block;
    this.starts[at] = record.at;
    this.lengths[at] = record.length;
    if (record.damage !== 0) this.damage[slot]! |= record.damage;
    if (source < 32) this.presentLow[slot]! |= 1 << source;
    else this.presentHigh[slot]! |= 1 << (source - 32);
  }

  has(slot: number, source: number): boolean {
    return hasSource(this.presentLow[slot]!, this.presentHigh[slot]!, source);
  }

  /** Takes the oldest event out of the list; its slot stays in use. */
  unlinkHead(): void {
    this.head = this.next[this.head]!;
    if (this.head === NONE) this.tail = NONE;
    else this.previous[this.head] = NONE;
  }

  /** Gives the slot back, and its blocks. */
  free(slot: number): void {
    const { blocks, sources } = this;
    const from = slot * sources;
    for (let at = from; at < from + sources; at++) blocks[at] = undefined;
    this.pid[slot] = NONE;
    this.freeSlots[this.freeCount++] = slot;
  }

  private grow(): void {
    const old = this.capacity;
    const capacity = Math.max(FIRST_CAPACITY, 2 * old);
    this.pid = larger(this.pid, capacity);
    this.firstSeen = larger(this.firstSeen, capacity);
    this.env = larger(this.env, capacity);
    this.expectedLow = larger(this.expectedLow, capacity);
    this.expectedHigh = larger(this.expectedHigh, capacity);
    this.presentLow = larger(this.presentLow, capacity);
    this.presentHigh = larger(this.presentHigh, capacity);
    this.damage = larger(this.damage, capacity);
    this.next = larger(this.next, capacity);
    this.previous = larger(this.previous, capacity);
    this.why = larger(this.why, capacity);
    this.firstIndex = larger(this.firstIndex, capacity);
    this.starts = larger(this.starts, capacity * this.sources);
    this.lengths = larger(this.lengths, capacity * this.sources);
    this.freeSlots = larger(this.freeSlots, capacity);
    for (let slot = capacity - 1; slot >= old; slot--) this.freeSlots[this.freeCount++] = slot;
    for (let slot = old; slot < capacity; slot++) this.views.push(new EventView(this, slot));
    // One push after the other keeps the array dense, which reads faster than one with holes.
    for (let at = old * this.sources; at < capacity * this.sources; at++) this.blocks.push(undefined);
    this.capacity = capacity;
  }
}

type Column = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

function larger<T extends Column>(column: T, length: number): T {
  const grown = new (column.constructor as new (length: number) => T)(length);
  grown.set(column);
  return grown;
}

/** One slot, seen as an event. */
class EventView implements BuiltEvent {
  private readonly table: EventTable;
  private readonly slot: number;

  constructor(table: EventTable, slot: number) {
    this.table = table;
    this.slot = slot;
  }

  get pid(): PulseId {
    return this.table.pid[this.slot]!;
  }
  get env(): number {
    return this.table.env[this.slot]!;
  }
  get service(): number {
    return (this.env >>> ENV.serviceShift) & 0xf;
  }
  get rogs(): number {
    return this.env & ENV.groups;
  }
  get keep(): boolean {
    return (this.env & ENV.keepRaw) !== 0;
  }
  get seconds(): number {
    return this.headerWord(EBDGRAM.seconds);
  }
  get nanoseconds(): number {
    return this.headerWord(EBDGRAM.nanoseconds);
  }
  get damage(): number {
    return this.table.damage[this.slot]!;
  }
  get why(): Why {
    return WHYS[this.table.why[this.slot]!]!;
  }
  get isL1(): boolean {
    return this.service === SERVICE.L1Accept;
  }
  get slow(): boolean {
    const { commonBit, slowGroups } = this.table.contracts;
    return this.isL1 && (this.env & commonBit) !== 0 && (this.env & slowGroups) !== 0;
  }
  get presentLow(): number {
    return this.table.presentLow[this.slot]!;
  }
  get presentHigh(): number {
    return this.table.presentHigh[this.slot]!;
  }
  get missingLow(): number {
    return this.table.expectedLow[this.slot]! & ~this.presentLow;
  }
  get missingHigh(): number {
    return this.table.expectedHigh[this.slot]! & ~this.presentHigh;
  }
  get receiversLow(): number {
    return this.table.contracts.receiversLow(this.env);
  }
  get receiversHigh(): number {
    return this.table.contracts.receiversHigh(this.env);
  }
  get firstSeen(): Milliseconds {
    return this.table.firstSeen[this.slot]!;
  }

  has(source: number): boolean {
    return this.table.has(this.slot, source);
  }

  record(source: number, cursor: EbDgram): boolean {
    if (!this.has(source)) return false;
    const at = this.place(source);
    cursor.move(this.table.blocks[at]!, this.table.starts[at]!, this.table.lengths[at]!);
    return true;
  }

  bytes(source: number): Buffer | undefined {
    if (!this.has(source)) return undefined;
    const at = this.place(source);
    const start = this.table.starts[at]!;
    return this.table.blocks[at]!.subarray(start, start + this.table.lengths[at]!);
  }

  private place(source: number): number {
    const index = this.table.contracts.indexOf(source);
    if (index === FOREIGN) throw new RangeError(`source ${source} is not configured`);
    return this.slot * this.table.sources + index;
  }

  private headerWord(offset: number): number {
    const { table, slot } = this;
    const at = slot * table.sources + table.firstIndex[slot]!;
    return table.blocks[at]!.readUInt32LE(table.starts[at]! + offset);
  }
}
