/** Events at a rate, evenly: bursts would find the queues of the clients full. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Longer waits are left to the event loop, whose timers are this coarse (milliseconds). */
const TIMER_MS = 2;
/** What is caught up (milliseconds): timers are late by as much, more would be a burst. */
const CAUGHT_UP_MS = 2;

export class Pacer {
  private readonly period: number;
  private next = 0;
  private readonly pause = new Int32Array(new SharedArrayBuffer(4));

  /** @param rate events per second */
  constructor(rate: number) {
    this.period = 1000 / rate;
  }

  /** Waits until the next event is due. */
  async turn(signal: AbortSignal | undefined): Promise<void> {
    const now = performance.now();
    this.next = Math.max(this.next + this.period, now - CAUGHT_UP_MS);
    const wait = this.next - now;
    if (wait > TIMER_MS) {
      await sleep(wait - TIMER_MS / 2, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
    const rest = this.next - performance.now();
    // Sleeps exactly, for less than a timer can; nobody is served meanwhile, so the loop gets a turn after it.
    if (rest > 0 && rest <= TIMER_MS) Atomics.wait(this.pause, 0, 0, rest);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
