/** One number over time: its value, its rate, its history. Pure: the time comes as an argument. */

const HISTORY = 60;

export class Series {
  readonly counter: boolean;
  value = 0;
  /** Per second since the look before; undefined until there have been two, and for gauges. */
  rate: number | undefined;
  private seconds = Number.NaN;
  private readonly past: number[] = [];

  constructor(counter: boolean) {
    this.counter = counter;
  }

  /** @param seconds any origin */
  add(value: number, seconds: number): void {
    const passed = seconds - this.seconds;
    const grown = value - this.value;
    // A counter that shrinks is that of a new process.
    this.rate = this.counter && passed > 0 && grown >= 0 ? grown / passed : undefined;
    this.value = value;
    this.seconds = seconds;
    const seen = this.counter ? this.rate : value;
    if (seen === undefined) return;
    this.past.push(seen);
    if (this.past.length > HISTORY) this.past.shift();
  }

  /** Rates of a counter, values of a gauge; oldest first. */
  get history(): readonly number[] {
    return [...this.past];
  }
}
