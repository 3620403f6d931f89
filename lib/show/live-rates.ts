/** Rates of growing counts: the last second, and a history for sparklines. Pure: the time comes as an argument. */

/** Milliseconds per sample. */
const SAMPLE_MS = 1000;
const HISTORY = 60;

export class RateMeter {
  count = 0;
  private sampled = 0;
  private last: number | undefined;
  private readonly samples: number[] = [];

  /** @param milliseconds since the last sample */
  sample(milliseconds: number): void {
    this.last = ((this.count - this.sampled) * 1000) / milliseconds;
    this.sampled = this.count;
    this.samples.push(this.last);
    if (this.samples.length > HISTORY) this.samples.shift();
  }

  /**
   * Per second: of the last sample, or from the start while there is none.
   * @param elapsed milliseconds since the start
   */
  rate(elapsed: number): number {
    return this.last ?? this.mean(elapsed);
  }

  /** Per second, from the start. */
  mean(elapsed: number): number {
    return elapsed > 0 ? (this.count * 1000) / elapsed : 0;
  }

  /** One value per sample, oldest first. */
  get history(): readonly number[] {
    return [...this.samples];
  }
}

/** Says when the next sample is due. */
export class SampleClock {
  private at: number;

  constructor(start: number) {
    this.at = start;
  }

  /** Milliseconds since the last sample if a new one is due, else undefined. */
  due(now: number): number | undefined {
    const passed = now - this.at;
    if (passed < SAMPLE_MS) return undefined;
    this.at = now;
    return passed;
  }
}
