/** Giving: what one worker gets next, and how much of it (spec mapreduce.md 3: step, load, fill; 3.3). Pure. */

import { type Bundles, constraintsOf, type HeldConstraint } from './bundles.ts';
import { type Events, FREE, type Instance, type LaidEvent } from './events.ts';
import type { Front } from './front.ts';
import type { Ledger, Share } from './ledger.ts';
import { hasTags, type Seat, type WorkerTable } from './workers.ts';

interface GivingParts {
  readonly events: Events;
  readonly ledger: Ledger;
  readonly bundles: Bundles;
  readonly workers: WorkerTable;
  readonly front: Front;
  /** How far beyond the front a worker may be bound. */
  readonly future: number;
}

export class Giving {
  readonly #parts: GivingParts;

  constructor(parts: GivingParts) {
    this.#parts = parts;
  }

  /** As much as the worker may hold; if it got nothing and could hold more, it waits. */
  fill(seat: Seat): void {
    let granted = false;
    while (load(seat) < seat.depth && (!granted || seat.grants === 0)) {
      if (!this.step(seat)) break;
      granted = true;
    }
    if (granted) this.#parts.workers.stopWaiting(seat);
    else if (load(seat) < seat.depth) this.#parts.workers.wait(seat);
  }

  /** Gives the worker one thing. @returns true if something was given */
  step(seat: Seat): boolean {
    const { bundles, events, front, future } = this.#parts;
    const bundle = seat.takesAgain ? bundles.takeFor(seat.tags) : undefined;
    if (bundle) {
      this.#take(seat, bundle.deliveries, bundle.constraints);
      return true;
    }
    const end = Math.min(events.total, front.at + future);
    // Behind the cursor there is nothing for this worker.
    for (let event = Math.max(front.at, seat.cursor); event < end; event++) {
      seat.cursor = event;
      const instance = events.instance(event);
      const laid = instance.event(event);
      const wasListed = this.#list(seat, event, laid);
      const bound = bindFirst(seat, instance, laid);
      if (!wasListed && !bound) continue;
      front.advance();
      return true;
    }
    seat.cursor = Math.max(seat.cursor, end);
    return false;
  }

  /** Lists the worker for all entries without a constraint whose tags it has. */
  #list(seat: Seat, event: number, { barriers }: LaidEvent): boolean {
    let any = false;
    for (const { barrier, tags } of barriers) {
      const list = this.#parts.front.lists(event, barriers)[barrier]!;
      if (list.has(seat.name) || !hasTags(seat, tags)) continue;
      list.add(seat.name);
      seat.grants++;
      any = true;
    }
    return any;
  }

  /** A bundle, or the start event for a newcomer. */
  #take(seat: Seat, deliveries: readonly Share[], constraints: readonly HeldConstraint[]): void {
    for (const { instance, constraint } of constraints) {
      instance.holders[constraint] = seat.number;
      if (instance.begun[constraint] === 0) seat.grants++;
    }
    for (const share of deliveries) {
      share.attempt++;
      if (share.state === 'orphan') this.#parts.ledger.move(share, 'out');
      this.#give(seat, share, constraints);
    }
  }

  #give(seat: Seat, share: Share, constraints: readonly HeldConstraint[]): void {
    const own = constraintsOf(share);
    const wanted = new Set(
      constraints.filter(({ instance }) => instance === share.instance).map(({ constraint }) => constraint),
    );
    // The frames for everybody of a share with constraints are dropped: others have them (spec 3.2).
    const entries = share.entries.filter(({ constraint }) =>
      constraint < 0 ? own.length === 0 : wanted.size === 0 || wanted.has(constraint),
    );
    const streams = [...new Set(entries.map(({ stream }) => stream))];
    this.#parts.workers.deliver(seat, { share, attempt: share.attempt, given: streams });
    this.#parts.front.given.push({
      event_number: share.event,
      assignments: new Map(streams.map((stream) => [stream, [seat.name]])),
      attempt: share.attempt,
      origin: share.origin,
    });
  }

  /** The start event for a worker that came after it (spec 3.3). */
  startAgain(seat: Seat): void {
    const { events, ledger } = this.#parts;
    const instance = events.instances[0];
    if (!instance) return;
    const entries = instance.event(0).entries.filter(({ tags }) => hasTags(seat, tags));
    if (entries.length === 0) return;
    let share = ledger.shares(0).find(({ origin }) => origin === seat.name);
    if (share) {
      if (share.state === 'dropped') ledger.move(share, 'out');
    } else {
      const fresh = { state: 'out', hasResult: false, reporter: undefined, attempt: 0 } as const;
      share = { event: 0, origin: seat.name, instance, entries, ...fresh };
      ledger.add(share);
    }
    share.attempt++;
    this.#give(seat, share, []);
  }
}

function load(seat: Seat): number {
  return seat.deliveries.length + seat.grants;
}

function bindFirst(seat: Seat, { holders, laid: part }: Instance, { constraints }: LaidEvent): boolean {
  for (const constraint of constraints) {
    if (holders[constraint] !== FREE || !hasTags(seat, part.constraints[constraint]!.tags)) continue;
    holders[constraint] = seat.number;
    seat.grants++;
    return true;
  }
  return false;
}
