/** Which results count (spec mapreduce.md 3.4): the first of each key, (event, origin). Kept as intervals per origin. Pure. */

import { Intervals } from '../../intervals.ts';
import type { Accepted } from '../redis/accepted.ts';

/** Intervals above which it is worth while to ask the controller which events are over. */
const MANY = 1000;

export class AcceptedKeys {
  readonly #byOrigin = new Map<string, Intervals>();
  /** Keys that were accepted indeed. */
  count: number;

  /** @param before what another process has accepted */
  constructor(before: Accepted = { keys: new Map(), results: 0 }) {
    this.learn(before);
    this.count = before.results;
  }

  /** Workers that take turns leave an interval per event; those of events that are over can be joined. */
  get isScattered(): boolean {
    let intervals = 0;
    for (const { ends } of this.#byOrigin.values()) intervals += ends.length;
    return intervals > MANY;
  }

  has(event: number, origin: string): boolean {
    return this.#byOrigin.get(origin)?.has(event) ?? false;
  }

  /** @returns false if it was there already */
  add(event: number, origin: string): boolean {
    const isNew = this.#of(origin).add(event);
    if (isNew) this.count++;
    return isNew;
  }

  /** What the controller counts as accepted: with all keys of events that are over. */
  learn({ keys }: Pick<Accepted, 'keys'>): void {
    for (const [origin, { ends }] of keys) for (const [from, to] of ends) this.#of(origin).fill(from, to);
  }

  #of(origin: string): Intervals {
    let own = this.#byOrigin.get(origin);
    if (!own) this.#byOrigin.set(origin, (own = new Intervals()));
    return own;
  }
}
