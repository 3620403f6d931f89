/** Frames of a file at the pace of a detector. */

import { setTimeout as sleep } from 'node:timers/promises';

export class Pace {
  readonly #rate: number | undefined;
  readonly #stop: AbortSignal;
  readonly #begin = performance.now();
  #given = 0;

  /** @param rate per second; undefined: as fast as they are taken */
  constructor(rate: number | undefined, stop: AbortSignal) {
    this.#rate = rate;
    this.#stop = stop;
  }

  /** Waits until the next one is due, or until it is stopped. */
  async next(): Promise<void> {
    if (this.#rate === undefined) return;
    const due = this.#begin + (1000 * this.#given++) / this.#rate - performance.now();
    if (due > 1) await sleep(due, undefined, { signal: this.#stop }).catch(() => {});
  }
}
