/** Results of one decider that wait for their events: a ring of numbers, so that nothing is allocated per result. */

import type { PulseId } from '../types.ts';
import type { ResultRecord } from '../wire/result.ts';

const FIRST_CAPACITY = 1024;

/** One result, as numbers. */
export interface ResultView {
  pid: PulseId;
  service: number;
  data: number;
  monBufNo: number;
  damage: number;
  flags: number;
  meb: number;
  missingLow: number;
  missingHigh: number;
}

/** Whole numbers of a result beside its pid, in this order. */
const WORDS = ['service', 'data', 'monBufNo', 'damage', 'flags', 'meb', 'missingLow', 'missingHigh'] as const;

export class ResultQueue {
  /** The stream has ended: nothing comes any more. */
  ended = false;
  private pids = new Float64Array(FIRST_CAPACITY);
  private words = new Int32Array(FIRST_CAPACITY * WORDS.length);
  private first = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(record: ResultRecord): void {
    if (this.count === this.pids.length) this.grow();
    const at = (this.first + this.count++) & (this.pids.length - 1);
    this.pids[at] = record.pid;
    const { words } = this;
    let word = at * WORDS.length;
    words[word++] = record.service;
    words[word++] = record.data;
    words[word++] = record.monBufNo;
    words[word++] = record.damage;
    words[word++] = record.flags;
    words[word++] = record.meb;
    words[word++] = record.missingLow;
    words[word] = record.missingHigh;
  }

  /** Of the oldest, or of the one `behind` it. */
  pid(behind = 0): PulseId {
    return this.pids[(this.first + behind) & (this.pids.length - 1)]!;
  }

  service(behind = 0): number {
    return this.words[((this.first + behind) & (this.pids.length - 1)) * WORDS.length]!;
  }

  /** Takes the oldest away, and copies it if somebody wants it. */
  shift(into?: ResultView): void {
    if (into) {
      const { words } = this;
      let word = this.first * WORDS.length;
      into.pid = this.pids[this.first]!;
      into.service = words[word++]!;
      into.data = words[word++]! >>> 0;
      into.monBufNo = words[word++]! >>> 0;
      into.damage = words[word++]!;
      into.flags = words[word++]!;
      into.meb = words[word++]!;
      into.missingLow = words[word++]!;
      into.missingHigh = words[word]!;
    }
    this.first = (this.first + 1) & (this.pids.length - 1);
    this.count--;
  }

  private grow(): void {
    const { pids, words, first, count } = this;
    this.pids = new Float64Array(2 * count);
    this.words = new Int32Array(2 * count * WORDS.length);
    // The ring is full, so it is two pieces.
    this.pids.set(pids.subarray(first));
    this.pids.set(pids.subarray(0, first), count - first);
    this.words.set(words.subarray(first * WORDS.length));
    this.words.set(words.subarray(0, first * WORDS.length), (count - first) * WORDS.length);
    this.first = 0;
  }
}
