/** Failures of user code in the log: each distinct place once, with its traceback, then only counted (spec mapreduce.md 8). */

import type { Failure } from './types.ts';

const MOST_PLACES = 1000;

export class FailureLog {
  readonly #say: (message: string) => void;
  readonly #counts = new Map<string, number>();

  constructor(say: (message: string) => void) {
    this.#say = say;
  }

  /** @param what `event 17` */
  add(what: string, { text, place, traceback }: Failure): void {
    const key = place === '' ? text : place;
    const count = this.#counts.get(key) ?? 0;
    if (count > 0 || this.#counts.size < MOST_PLACES) this.#counts.set(key, count + 1);
    if (count > 0) return;
    this.#say(`${what}: ${text}${place === '' ? '' : ` (${place})`}; further failures there are only counted`);
    const rest = traceback.trimEnd();
    if (rest !== '' && rest !== text) this.#say(rest);
  }

  /** By place. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
