/** Which results count (spec mapreduce.md 3.4): the first of each key, (event, origin). Kept as intervals per origin. Pure. */

import { Intervals } from '../../intervals.ts';

export class AcceptedKeys {
  readonly #byOrigin = new Map<string, Intervals>();
  count = 0;

  has(event: number, origin: string): boolean {
    return this.#byOrigin.get(origin)?.has(event) ?? false;
  }

  /** @returns false if it was there already */
  add(event: number, origin: string): boolean {
    let own = this.#byOrigin.get(origin);
    if (!own) this.#byOrigin.set(origin, (own = new Intervals()));
    const isNew = own.add(event);
    if (isNew) this.count++;
    return isNew;
  }

  addAll(keys: ReadonlyMap<string, Intervals>): void {
    for (const [origin, { ends }] of keys)
      for (const [from, to] of ends) for (let event = from; event <= to; event++) this.add(event, origin);
  }
}
