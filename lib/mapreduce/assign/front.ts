/** The front: events are published in order, each as soon as every entry has its workers (spec mapreduce.md 3). Pure. */

import { dealtOut } from './deal-out.ts';
import type { Events, Instance, LaidEntry, LaidEvent } from './events.ts';
import type { Ledger, Share } from './ledger.ts';
import type { Again, Assignment } from './types.ts';
import { hasTags, type Seat, type WorkerTable } from './workers.ts';

interface FrontParts {
  readonly events: Events;
  readonly ledger: Ledger;
  readonly workers: WorkerTable;
}

export class Front {
  /** Number of the first event that is not published. */
  at = 0;
  /** Which workers are listed for each entry without a constraint, of events from the front on. */
  readonly listed = new Map<number, Set<string>[]>();
  /** What was given since the last `take`. */
  given: (Assignment | Again)[] = [];
  readonly #events: Events;
  readonly #ledger: Ledger;
  readonly #workers: WorkerTable;

  constructor({ events, ledger, workers }: FrontParts) {
    this.#events = events;
    this.#ledger = ledger;
    this.#workers = workers;
  }

  take(): readonly (Assignment | Again)[] {
    const { given } = this;
    this.given = [];
    return given;
  }

  /** The lists of an event, one per entry without a constraint. */
  lists(event: number, barriers: readonly LaidEntry[]): Set<string>[] {
    let lists = this.listed.get(event);
    if (!lists) {
      lists = barriers.map(() => new Set<string>());
      this.listed.set(event, lists);
    }
    return lists;
  }

  /** A worker that is gone is listed nowhere. */
  unlist(name: string): void {
    for (const lists of this.listed.values()) for (const list of lists) list.delete(name);
  }

  /** Publishes what is filled. With no live worker nothing advances. */
  advance(): void {
    const { live } = this.#workers;
    if (live.length === 0) return;
    while (this.at < this.#events.total) {
      const instance = this.#events.instance(this.at);
      const laid = instance.event(this.at);
      if (!this.#isFilled(this.at, instance, laid, live)) return;
      this.#publish(this.at, instance, laid);
      this.at++;
    }
  }

  #isFilled(
    event: number,
    { holders }: Instance,
    { constraints, barriers }: LaidEvent,
    live: readonly Seat[],
  ): boolean {
    for (const constraint of constraints) if (holders[constraint]! < 0) return false;
    if (barriers.length === 0) return true;
    const lists = this.listed.get(event);
    return barriers.every(({ barrier, tags }) => {
      const wanted = live.filter((seat) => hasTags(seat, tags));
      return wanted.length === (lists?.[barrier]?.size ?? 0);
    });
  }

  #publish(event: number, instance: Instance, { streams, entries, constraints }: LaidEvent): void {
    const workers = this.#workers;
    const lists = this.listed.get(event);
    const { byStream, byWorker } = dealtOut({ streams, entries }, (entry) =>
      entry.barrier >= 0
        ? (lists?.[entry.barrier] ?? [])
        : [workers.byNumber(instance.holders[entry.constraint]!).name],
    );
    for (const [name, own] of byWorker) {
      workers.mustFind(name).grants -= own.filter(({ barrier }) => barrier >= 0).length;
    }
    for (const constraint of constraints) {
      if (instance.begun[constraint] === 0) workers.byNumber(instance.holders[constraint]!).grants--;
      instance.begun[constraint] = 1;
    }
    this.listed.delete(event);
    const made = [...byWorker].map(([origin, own]): Share => {
      return { event, origin, instance, entries: own, state: 'out', hasResult: false, reporter: undefined, attempt: 1 };
    });
    for (const share of made) workers.deliver(workers.mustFind(share.origin), { share, attempt: 1 });
    this.#ledger.publish(event, made);
    this.given.push({ event_number: event, assignments: byStream });
  }
}
