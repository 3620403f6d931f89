/** A scalar over time: a window of buckets that moves with the newest value. Pure. */

export interface TrendPoints {
  /** Middle of each bucket that holds something, oldest first. */
  readonly x: Float64Array;
  readonly mean: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export class Trend {
  private readonly width: number;
  private readonly size: number;
  /** Number of the bucket that lies in a slot now. */
  private readonly numbers: Float64Array;
  private readonly counts: Float64Array;
  private readonly sums: Float64Array;
  private readonly lows: Float64Array;
  private readonly highs: Float64Array;
  private newest = Number.NEGATIVE_INFINITY;
  private newestSlot = 0;

  /** @param span of x that is kept @param buckets resolution of the window */
  constructor(span: number, buckets = 600) {
    this.width = span / buckets;
    this.size = buckets;
    this.numbers = new Float64Array(buckets).fill(Number.NaN);
    this.counts = new Float64Array(buckets);
    this.sums = new Float64Array(buckets);
    this.lows = new Float64Array(buckets);
    this.highs = new Float64Array(buckets);
  }

  /** What is no number is passed over. A step back of more than the window is a new beginning. */
  add(x: number, value: number): void {
    if (Number.isNaN(value)) return;
    const number = Math.floor(x / this.width);
    if (number <= this.newest - this.size) {
      this.numbers.fill(Number.NaN);
      this.newest = Number.NEGATIVE_INFINITY;
    }
    // Nearly all values fall into the newest bucket, and the remainder of large numbers is slow.
    const slot = number === this.newest ? this.newestSlot : this.slotOf(number);
    if (number >= this.newest) {
      this.newest = number;
      this.newestSlot = slot;
    }
    if (this.numbers[slot] !== number) {
      this.numbers[slot] = number;
      this.counts[slot] = 0;
      this.sums[slot] = 0;
      this.lows[slot] = value;
      this.highs[slot] = value;
    }
    this.counts[slot]!++;
    this.sums[slot]! += value;
    if (value < this.lows[slot]!) this.lows[slot] = value;
    if (value > this.highs[slot]!) this.highs[slot] = value;
  }

  private slotOf(number: number): number {
    return ((number % this.size) + this.size) % this.size;
  }

  points(): TrendPoints {
    const slots: number[] = [];
    for (let back = this.size - 1; back >= 0; back--) {
      const number = this.newest - back;
      const slot = this.slotOf(number);
      if (this.numbers[slot] === number) slots.push(slot);
    }
    return {
      x: Float64Array.from(slots, (slot) => (this.numbers[slot]! + 0.5) * this.width),
      mean: Float64Array.from(slots, (slot) => this.sums[slot]! / this.counts[slot]!),
      low: Float64Array.from(slots, (slot) => this.lows[slot]!),
      high: Float64Array.from(slots, (slot) => this.highs[slot]!),
    };
  }
}
