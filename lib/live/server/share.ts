/** Shares of the event buffers: events of a slow readout group keep some that others can neither take nor steal (spec live.md, "Slow detectors"). */

export interface Reserve {
  /** Readout groups, as in the env word. */
  mask: number;
  /** Buffers kept for events that have one of them. */
  buffers: number;
}

/**
 * Counts, not places: any buffer may hold any event. At all times the free buffers are at least as many as all shares together still
 * lack, so an event of a class below its share finds one.
 */
export class Shares {
  private readonly reserves: readonly Reserve[];
  /** Buffers in use by class; class 0 has no share. */
  private readonly inUse: number[];

  constructor(reserves: readonly Reserve[]) {
    this.reserves = reserves;
    this.inUse = [0, ...reserves.map(() => 0)];
  }

  /** 0, or 1 + the number of the first share that the groups of an event belong to. */
  classOf(groups: number): number {
    return this.reserves.findIndex(({ mask }) => (groups & mask) !== 0) + 1;
  }

  /** Whether an event of a class may have one of `free` buffers. */
  mayTake(kind: number, free: number): boolean {
    let kept = 0;
    for (let other = 1; other < this.inUse.length; other++) if (other !== kind) kept += this.lacks(other);
    return free > kept;
  }

  /** Whether an event of class `kind` may have the buffer of a queued one of class `victim`. */
  maySteal(kind: number, victim: number): boolean {
    return victim === 0 || victim === kind || this.inUse[victim]! > this.reserves[victim - 1]!.buffers;
  }

  taken(kind: number): void {
    this.inUse[kind]!++;
  }

  freed(kind: number): void {
    this.inUse[kind]!--;
  }

  private lacks(kind: number): number {
    return Math.max(0, this.reserves[kind - 1]!.buffers - this.inUse[kind]!);
  }
}
