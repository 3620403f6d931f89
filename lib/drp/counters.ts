/** What drp-python counts; the balance of spec drp-python.md, section 6. */

import type { Balance } from '../cli/balance.ts';
import type { CalibCounters } from './constants/calib-counters.ts';

export class Counters {
  in = 0;
  out = 0;
  changed = 0;
  unchanged = 0;
  damagedOversize = 0;
  damagedFailure = 0;
  passedFailure = 0;
  stale = 0;
  droppedScript = 0;
  droppedFailure = 0;
  /** Read, but not emitted because the command gave up. */
  aborted = 0;
  retried = 0;
  restarts = 0;
  lateAnswers = 0;
  badResults = 0;
  timeBack = 0;
  rawKept = 0;
  triggerOut = 0;
  /** Trigger data left out because it was too large (teb.md, section 3.1). */
  triggerOverrun = 0;
  /** With --calib. */
  calib: CalibCounters | undefined;
  /** Seconds in the user's code, and in waiting for answers, over all workers. */
  scriptSeconds = 0;

  private firstEvent = 0;
  private lastEvent = 0;
  private events = 0;

  /** For the rate: called for every event that is taken. */
  eventTaken(): void {
    if (this.events++ === 0) this.firstEvent = performance.now();
  }

  /** Called when results have been written. */
  written(): void {
    this.lastEvent = performance.now();
  }

  /** Events per second from the first one taken to the last one written; undefined for fewer than two. */
  get eventRate(): number | undefined {
    const seconds = (this.lastEvent - this.firstEvent) / 1000;
    return this.events > 1 && seconds > 0 ? this.events / seconds : undefined;
  }

  balance(): Balance {
    return {
      in: this.in,
      out: this.out,
      losses: { 'dropped-script': this.droppedScript, 'dropped-failure': this.droppedFailure, aborted: this.aborted },
      info: {
        changed: this.changed,
        unchanged: this.unchanged,
        'damaged-oversize': this.damagedOversize,
        'damaged-failure': this.damagedFailure,
        'passed-failure': this.passedFailure,
        stale: this.stale,
        retried: this.retried,
        restarts: this.restarts,
        'late-discarded': this.lateAnswers,
        'bad-results': this.badResults,
        'time-back': this.timeBack,
        triggers: this.triggerOut,
        prim_overrun: this.triggerOverrun,
        ...this.calib?.info(),
      },
    };
  }

  /** True if something is not as the input and the script wanted it: exit status 3. */
  get lossy(): boolean {
    return (
      this.calib?.lossy ||
      this.damagedOversize +
        this.damagedFailure +
        this.passedFailure +
        this.stale +
        this.droppedFailure +
        this.aborted >
        0
    );
  }
}
