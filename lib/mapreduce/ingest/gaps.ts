/** Which event a numbered frame belongs to (spec mapreduce.md 3.6). Pure. */

import { Intervals } from '../../intervals.ts';

export type GapPolicy = 'mark' | 'stop' | 'ignore';

export type FrameFate =
  /** The frame belongs to the stream's data event number `index`; those from `missingFrom` up to it have lost their frames. */
  | { readonly kind: 'frame'; readonly index: number; readonly missingFrom: number }
  | { readonly kind: 'dropped'; readonly reason: 'repeated' | 'late' };

/** Follows the numbers of one stream. */
export class FrameNumbers {
  readonly #first: number;
  /** Data frames that have been placed or found missing. */
  #next = 0;
  /** Those that came: a wrong number far ahead must not cost memory for all in between. */
  readonly #came = new Intervals();

  /** @param first number of the first frame */
  constructor(first: number) {
    this.#first = first;
  }

  /** Data events before this index are settled. */
  get next(): number {
    return this.#next;
  }

  /** @param number as the source counts */
  place(number: number): FrameFate {
    const index = number - this.#first;
    if (index < this.#next)
      return { kind: 'dropped', reason: this.#came.has(index) || index < 0 ? 'repeated' : 'late' };
    const missingFrom = this.#next;
    this.#came.add(index);
    this.#next = index + 1;
    return { kind: 'frame', index, missingFrom };
  }
}
