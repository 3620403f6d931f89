/** How old events were when clients had finished with them: the last ones, for quantiles. */

const REMEMBERED = 1024;

export class Ages {
  private readonly ring = new Float64Array(REMEMBERED);
  private count = 0;

  add(seconds: number): void {
    this.ring[this.count++ % REMEMBERED] = seconds;
  }

  /** Seconds; 0 while there is nothing. @param q 0 to 1 */
  quantile(q: number): number {
    const sorted = this.ring.slice(0, Math.min(this.count, REMEMBERED)).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  }
}
