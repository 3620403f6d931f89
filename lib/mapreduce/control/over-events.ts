/** Events whose frames nobody waits or will ask for again, as the ingesters are told (spec mapreduce.md 6.4: retention). Pure. */

import { Intervals } from '../../intervals.ts';
import type { Assigner } from '../assign/assigner.ts';
import type { Instance } from '../assign/events.ts';
import type { FeedNews, Run } from '../transport/types.ts';

/**
 * With redo "rest" an event is over when it is settled: complete, and no result is waited for. With redo "group" what a dead worker did of
 * a constraint is done again, so an event is over when all events of its constraints are settled, and no successor is yet to be given it. With
 * both, who has been given it again waits for its frames, also if the one before, who was only taken for dead, has done it meanwhile.
 */
export class OverEvents {
  readonly #assigner: Assigner;
  /** redo "group": by constraint of an instance, events that are not settled. */
  readonly #left = new Map<Instance, Int32Array>();
  readonly #all = new Intervals();
  /** Over but for a bundle that nobody has taken, or a worker that does it again. */
  readonly #redone = new Set<number>();
  #news = new Intervals();
  /** Complete and not over: for less than a second, for less than two, and those to tell of. */
  #young = new Set<number>();
  #old = new Set<number>();
  #spare: Run[] = [];

  /** @param assigner new, or restored: then what is over by now is news */
  constructor(assigner: Assigner) {
    this.#assigner = assigner;
    const { records } = assigner.ledger;
    for (let event = 0; event < assigner.front; event++) {
      const record = records.get(event);
      if (record === undefined || record.settled) this.#settle(event);
      if (record?.complete) this.completed([event]);
    }
  }

  /** What `Outcome.complete` says; before `settled`. */
  completed(events: readonly number[]): void {
    for (const event of events) if (!this.#all.has(event)) this.#young.add(event);
  }

  /** Called once a second: what is complete for long, and not over, can go if there is no room. Results may wait for a reducer. */
  age(): void {
    for (const event of this.#old) this.#spare.push([event, event]);
    this.#old = this.#young;
    this.#young = new Set();
  }

  /** What `Outcome.settled` says, each event once; called after every operation. */
  settled(events: readonly number[]): void {
    for (const event of events) this.#settle(event);
    for (const event of this.#redone) this.#over(event);
  }

  #settle(event: number): void {
    const { events, options } = this.#assigner;
    if (options.redo === 'rest') return this.#over(event);
    const instance = events.instance(event);
    const { constraints } = instance.event(event);
    if (constraints.length === 0) return this.#over(event);
    const left = this.#leftOf(instance);
    for (const constraint of constraints) {
      if (--left[constraint]! > 0) continue;
      for (const offset of instance.laid.constraints[constraint]!.events) {
        const others = instance.laid.events[offset]!.constraints;
        if (others.every((other) => left[other] === 0)) this.#over(instance.start + offset);
      }
    }
  }

  #leftOf(instance: Instance): Int32Array {
    let left = this.#left.get(instance);
    if (!left) {
      left = Int32Array.from(instance.laid.constraints, ({ events }) => events.length);
      this.#left.set(instance, left);
    }
    return left;
  }

  #over(event: number): void {
    const { bundles, workers } = this.#assigner;
    if (bundles.has(event) || (event > 0 && workers.isRedone(event))) {
      this.#redone.add(event);
      return;
    }
    this.#redone.delete(event);
    this.#young.delete(event);
    this.#old.delete(event);
    if (this.#all.add(event)) this.#news.add(event);
  }

  get anyNews(): boolean {
    return this.#news.ends.length > 0 || this.#spare.length > 0;
  }

  /** What has not been taken yet. */
  takeNews(): Pick<FeedNews, 'over' | 'spare'> {
    const news = { over: this.#news.ends, spare: this.#spare };
    this.#news = new Intervals();
    this.#spare = [];
    return news;
  }

  /** Everything, for an ingester that asks after a crash. */
  get all(): readonly Run[] {
    return this.#all.ends;
  }
}
