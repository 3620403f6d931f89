/** Real-time pacing: when a moment is due on the clock of the machine. Pure; time comes in as a number. */

import { SERVICE } from '../xtc/service.ts';
import type { Moment } from './moment.ts';

export type Pace =
  | { kind: 'rate' /** L1Accepts per second. */; hz: number }
  /** As fast as the pulses themselves. */
  | { kind: 'realtime' };

export class Pacer {
  private readonly pace: Pace;
  private started = Number.NaN;
  private sec0 = 0;
  private nsec0 = 0;
  private events = 0;

  constructor(pace: Pace) {
    this.pace = pace;
  }

  /** Milliseconds until this moment is due, negative if it is late. The first moment is due at once. @param now milliseconds */
  untilDue(moment: Moment, now: number): number {
    if (Number.isNaN(this.started)) {
      this.started = now;
      this.sec0 = moment.sec;
      this.nsec0 = moment.nsec;
    }
    if (this.pace.kind === 'realtime') {
      const elapsed = (moment.sec - this.sec0) * 1e3 + (moment.nsec - this.nsec0) / 1e6;
      return this.started + elapsed - now;
    }
    if (moment.service !== SERVICE.L1Accept) return 0;
    return this.started + (this.events++ / this.pace.hz) * 1e3 - now;
  }
}
