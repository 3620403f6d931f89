/** Which event a numbered frame belongs to (spec mapreduce.md 3.6). Pure. */

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
  readonly #missing = new Set<number>();

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
    if (index < this.#next) return { kind: 'dropped', reason: this.#missing.has(index) ? 'late' : 'repeated' };
    const missingFrom = this.#next;
    for (let lost = missingFrom; lost < index; lost++) this.#missing.add(lost);
    this.#next = index + 1;
    return { kind: 'frame', index, missingFrom };
  }
}
