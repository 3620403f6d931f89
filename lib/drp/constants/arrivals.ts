/** Which sets of constants have come, and which one a run gets. Pure: announcements in, choices out. */

import type { RunInfo } from '../../xtc/run-info.ts';
import type { Announcement } from './header.ts';

/** Publishers may be ahead of a stream that waits; every set takes its memory. */
const MOST_WAITING = 8;

export class Arrivals<Set extends Announcement> {
  /** In the order in which they came; the first one may be the one in use. */
  private readonly sets: Set[] = [];
  private inUse: Set | undefined;
  private last: Announcement | undefined;

  /** The last one that came. */
  get newest(): Set | undefined {
    return this.sets.at(-1);
  }

  /** Whether a message repeats the last one that was taken (docs/calib.md, "exactly once"). */
  isRepeat(announced: Announcement): boolean {
    const { last } = this;
    const same = last?.origin === announced.origin;
    if (last === undefined || same) return last !== undefined && announced.seq <= last.seq;
    const { exp, run, hash } = announced;
    const repeat = exp !== undefined && exp === last.exp && run === last.run && hash === last.hash;
    // Started again inside a run: from now on its numbers count.
    if (repeat) this.last = announced;
    return repeat;
  }

  /** @returns sets that nobody will get any more */
  add(set: Set): Set[] {
    this.sets.push(set);
    this.last = set;
    const oldest = this.sets[0] === this.inUse ? 1 : 0;
    return this.sets.length - oldest > MOST_WAITING ? this.sets.splice(oldest, 1) : [];
  }

  /**
   * The newest set for a run: that of its number and experiment, as far as the stream says them; without a number the newest one.
   * What came before it is not wanted any more.
   */
  take(wanted: RunInfo): { set: Set; passed: Set[] } | undefined {
    const at = this.sets.findLastIndex((set) => suits(set, wanted));
    if (at < 0) return undefined;
    const passed = this.sets.splice(0, at);
    this.inUse = this.sets[0]!;
    return { set: this.inUse, passed };
  }

  /** Everything, at the end. */
  clear(): Set[] {
    return this.sets.splice(0);
  }
}

function suits(set: Announcement, { exp, run }: RunInfo): boolean {
  return run === undefined || (set.run === run && (exp === undefined || set.exp === undefined || set.exp === exp));
}
