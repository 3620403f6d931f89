/** Messages of constants: received = used + duplicate + refused + unused + those that wait for their run. */

export class CalibCounters {
  received = 0;
  /** Sets that a run got. */
  used = 0;
  duplicate = 0;
  /** Wrong, or gone before they could be opened. */
  refused = 0;
  /** Overtaken by newer ones, or never asked for. */
  unused = 0;
  /** Of the used ones: the last valid ones of an earlier run. */
  stale = 0;
  /** Runs without constants. */
  missing = 0;

  /** Some run was analysed with other constants than its own. */
  get lossy(): boolean {
    return this.stale + this.missing > 0;
  }

  /** For the balance. */
  info(): Record<string, number> {
    return {
      'calib-received': this.received,
      'calib-used': this.used,
      'calib-duplicate': this.duplicate,
      'calib-refused': this.refused,
      'calib-unused': this.unused,
      'calib-stale': this.stale,
      'calib-missing': this.missing,
    };
  }
}
