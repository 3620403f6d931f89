/** The last values of a scalar, for a histogram whose range follows them. Pure. */

const REMEMBERED = 8192;
const BINS = 80;

export interface Histogram {
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  readonly values: number;
}

export class RecentValues {
  private readonly ring = new Float64Array(REMEMBERED);
  private added = 0;

  /** What is not finite is passed over. */
  add(value: number): void {
    if (Number.isFinite(value)) this.ring[this.added++ % REMEMBERED] = value;
  }

  /** From the least to the largest value; whole numbers in whole bins. Undefined while there is none. */
  histogram(): Histogram | undefined {
    const values = this.ring.subarray(0, Math.min(this.added, REMEMBERED));
    if (values.length === 0) return undefined;
    let from = values[0]!;
    let to = from;
    for (const value of values) {
      if (value < from) from = value;
      if (value > to) to = value;
    }
    let bins = BINS;
    if (values.every(Number.isInteger)) {
      const width = Math.ceil((to - from + 1) / BINS);
      bins = Math.ceil((to - from + 1) / width);
      from -= 0.5;
      to = from + bins * width;
    } else if (from === to) {
      // A constant still has a bar, in the middle.
      from -= Math.abs(from) / 2;
      to += Math.abs(to) / 2;
    }
    const counts = new Array<number>(bins).fill(0);
    const scale = bins / (to - from);
    for (const value of values) counts[Math.min(bins - 1, Math.floor((value - from) * scale))]!++;
    return { from, to, counts, values: values.length };
  }
}
