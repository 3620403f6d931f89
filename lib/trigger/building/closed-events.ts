/** What the builder remembers of events that have left, to tell `duplicate`, `late` and `back` apart (spec teb.md, section 4.1). */

import type { Milliseconds, PulseId } from '../types.ts';

/** Events that are always remembered. */
export const REMEMBERED = 65_536;
/**
 * Events remembered at most. At the full rate the timeout is longer than this; what is older is then named by the source's own
 * progress, which only changes the name of a rejection, never a decision.
 */
export const REMEMBERED_AT_MOST = 1 << 20;

/** A ring in increasing pid. Looked up by binary search, which happens for rejected contributions only. */
export class ClosedEvents {
  private readonly atLeast: number;
  private readonly keepMs: Milliseconds;
  private capacity: number;
  /** Position of the next entry; entries are at `(end - count .. end - 1) mod capacity`. */
  private end = 0;
  private count = 0;
  private pids: Float64Array;
  private closedAt: Float64Array;
  /** Four words an event: present low and high, missing low and high. */
  private masks: Int32Array;

  /** @param keepMs how long events are remembered beyond the number that always is */
  constructor(keepMs: Milliseconds, atLeast = REMEMBERED) {
    this.atLeast = atLeast;
    this.keepMs = keepMs;
    this.capacity = Math.min(1024, atLeast);
    this.pids = new Float64Array(this.capacity);
    this.closedAt = new Float64Array(this.capacity);
    this.masks = new Int32Array(4 * this.capacity);
  }

  /** Events must come in increasing pid. */
  add(
    pid: PulseId,
    presentLow: number,
    presentHigh: number,
    missingLow: number,
    missingHigh: number,
    now: number,
  ): void {
    if (this.count === this.capacity && !this.mayForget(now)) this.grow();
    const { end, masks } = this;
    this.pids[end] = pid;
    this.closedAt[end] = now;
    masks[4 * end] = presentLow;
    masks[4 * end + 1] = presentHigh;
    masks[4 * end + 2] = missingLow;
    masks[4 * end + 3] = missingHigh;
    this.end = end + 1 === this.capacity ? 0 : end + 1;
    if (this.count < this.capacity) this.count++;
  }

  clear(): void {
    this.count = 0;
  }

  /** Entry of an event, or -1 if it is not remembered. */
  find(pid: PulseId): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const entry = this.entry(middle);
      if (this.pids[entry] === pid) return entry;
      if (this.pids[entry]! < pid) from = middle + 1;
      else to = middle;
    }
    return -1;
  }

  wasPresent(entry: number, source: number): boolean {
    return this.bit(entry, source) === 1;
  }

  wasMissing(entry: number, source: number): boolean {
    return this.bit(entry, source + 64) === 1;
  }

  private bit(entry: number, position: number): number {
    return (this.masks[4 * entry + (position >>> 5)]! >>> (position & 31)) & 1;
  }

  private entry(i: number): number {
    const at = this.end - this.count + i;
    return at < 0 ? at + this.capacity : at;
  }

  private mayForget(now: Milliseconds): boolean {
    if (this.capacity < this.atLeast) return false;
    return this.capacity >= REMEMBERED_AT_MOST || now - this.closedAt[this.end]! > this.keepMs;
  }

  /** Doubles the ring, oldest first. */
  private grow(): void {
    const { capacity, end, pids, closedAt, masks } = this;
    this.capacity = 2 * capacity;
    this.pids = new Float64Array(this.capacity);
    this.closedAt = new Float64Array(this.capacity);
    this.masks = new Int32Array(4 * this.capacity);
    this.pids.set(pids.subarray(end));
    this.pids.set(pids.subarray(0, end), capacity - end);
    this.closedAt.set(closedAt.subarray(end));
    this.closedAt.set(closedAt.subarray(0, end), capacity - end);
    this.masks.set(masks.subarray(4 * end));
    this.masks.set(masks.subarray(0, 4 * end), 4 * (capacity - end));
    this.end = capacity;
  }
}
