/**
 * Who gets which event (spec mapreduce.md 3; exact). Pure: no clock, no socket. Operations come in; what they bring about is taken with
 * `takeOutcome`.
 */

import type { Part, TriggerMap } from '../map/types.ts';
import { Bundles, constraintsOf, type HeldConstraint } from './bundles.ts';
import { dealtOut } from './deal-out.ts';
import { Events, FREE, type Instance, type LaidEntry, type LaidEvent, layOut } from './events.ts';
import { Inheritance } from './inheritance.ts';
import { Ledger, type Share } from './ledger.ts';
import { restoreState, type SavedAssigner, saveState } from './saved.ts';
import type { Again, AssignerOptions, Assignment, Outcome, WorkerOptions } from './types.ts';
import { type Seat, WorkerTable } from './workers.ts';
import { startEnd } from './wrap.ts';

export class Assigner {
  readonly options: AssignerOptions;
  readonly events = new Events();
  readonly ledger: Ledger;
  readonly bundles = new Bundles();
  readonly workers: WorkerTable;
  readonly parts: Map<string, Part>;
  /** Which workers are listed for each entry without a constraint, of events from the front on. */
  readonly listed = new Map<number, Set<string>[]>();
  readonly #inheritance: Inheritance;
  readonly #map: TriggerMap;
  #open: boolean;
  #front = 0;
  #evicted = -1;
  #finished = false;
  #stopped = false;
  #given: (Assignment | Again)[] = [];

  constructor(map: TriggerMap, options: AssignerOptions) {
    this.options = options;
    this.#map = map;
    this.#open = map.open;
    this.parts = new Map(map.parts);
    this.ledger = new Ledger(options.redo === 'group');
    this.workers = new WorkerTable();
    const { events, ledger, bundles } = this;
    this.#inheritance = new Inheritance({
      ...{ events, ledger, bundles, redo: options.redo },
      framesHeld: (share) => this.#framesHeld(share),
      isStart: (event) => this.#isStart(event),
    });
    if (options.wrap) this.events.append(layOut(startEnd(map)));
    for (const name of map.sequence) this.#use(name);
    if (options.wrap && !map.open) this.events.append(layOut(startEnd(map)));
  }

  #use(name: string): void {
    this.events.append(layOut(this.parts.get(name) as Part));
  }

  get front(): number {
    return this.#front;
  }

  get open(): boolean {
    return this.#open;
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** What has happened since the last call. */
  takeOutcome(): Outcome {
    const done = this.#isDone();
    const finished = done && !this.#finished;
    this.#finished ||= done;
    const given = this.#given;
    this.#given = [];
    const again = given.filter((one) => 'attempt' in one);
    const assign = again.length === 0 ? given : given.filter((one) => !('attempt' in one));
    return { assign, again, given, ...this.ledger.takeChanges(), finished };
  }

  #isDone(): boolean {
    if (this.#stopped) return true;
    const { ledger, events } = this;
    return !this.#open && this.#front === events.total && ledger.openShares === 0 && !ledger.anyOutstanding;
  }

  /** Everything that must survive a crash, as a value (spec mapreduce.md 3.5). */
  save(): SavedAssigner {
    const { events, ledger, bundles, workers } = this;
    return saveState({
      ...{ events, ledger, bundles, workers, listed: this.listed, parts: this.parts },
      ...{ open: this.#open, front: this.#front, evicted: this.#evicted, finished: this.#finished },
    });
  }

  /** @param map as it was posted, with everything that was appended since */
  static restore(map: TriggerMap, options: AssignerOptions, saved: SavedAssigner): Assigner {
    const sequence = saved.sequence.flatMap(([name, times]) => Array<string>(times).fill(name));
    const assigner = new Assigner({ ...map, sequence, open: saved.open }, options);
    const { events, ledger, bundles, workers, listed } = assigner;
    restoreState(saved, { events, ledger, bundles, workers, listed });
    assigner.#front = saved.front;
    assigner.#evicted = saved.evicted;
    assigner.#finished = saved.finished;
    return assigner;
  }

  // Operations.

  /** A worker's configuration appears; a name may come back after it was gone. */
  join(name: string, tags: readonly string[], { depth, takesAgain = true }: WorkerOptions = {}): void {
    const joinedLate = this.options.wrap && this.#front > 0;
    this.workers.join(name, tags, { joinedLate, depth: depth ?? this.options.depth, takesAgain });
    this.#afterOperation();
  }

  /** How many events a worker may hold from now on; it counts with the next operation. */
  setDepth(name: string, depth: number): void {
    const seat = this.workers.find(name);
    if (seat) seat.depth = depth;
  }

  /** A report: the first of a map, or one with completed events. */
  report(name: string, completed: readonly number[], hasResult: readonly boolean[]): void {
    const seat = this.workers.find(name);
    for (const [i, event] of completed.entries()) this.#resolve(seat, event, hasResult[i] ?? false);
    if (seat?.live) {
      const first = this.workers.reported(seat);
      if (first && seat.joinedLate && seat.takesAgain) this.#startAgain(seat);
      this.#fill(seat);
    }
    this.#afterOperation();
  }

  #resolve(seat: Seat | undefined, event: number, hasResult: boolean): void {
    const at = seat?.deliveries.findIndex(({ share }) => share.event === event) ?? -1;
    if (!seat || at < 0) {
      this.workers.stray++;
      return;
    }
    const share = seat.deliveries.splice(at, 1)[0]?.share;
    if (!share || (share.state !== 'out' && share.state !== 'orphan')) return;
    const orphan = share.state === 'orphan';
    this.ledger.report(share, hasResult, seat.name);
    if (orphan) this.#leaveBundle(share);
  }

  /** The reducer has accepted a result, or refused it as a second one. */
  result(event: number, origin: string): void {
    const orphan = this.ledger.accept(event, origin);
    if (orphan) {
      this.ledger.move(orphan, 'done');
      this.#leaveBundle(orphan);
    }
    this.#afterOperation();
  }

  #leaveBundle(share: Share): void {
    if (this.bundles.leave(share)) this.workers.rewind(this.#front);
  }

  /** The ingesters hold no frames of events up to `through` any more, the start event excepted. */
  evict(through: number): void {
    this.#evicted = Math.max(this.#evicted, through);
    const orphans = this.bundles.list.flatMap(({ deliveries }) => deliveries.filter(({ state }) => state === 'orphan'));
    for (const share of orphans) if (!this.#framesHeld(share)) this.#lose(share);
    this.#afterOperation();
  }

  #framesHeld({ event, entries }: Share): boolean {
    const { unheld } = this.options;
    if (unheld !== undefined && entries.some(({ stream }) => unheld.has(stream))) return false;
    return event > this.#evicted || this.#isStart(event);
  }

  #isStart(event: number): boolean {
    return this.options.wrap && event === 0;
  }

  #lose(share: Share): void {
    this.ledger.move(share, 'lost');
    this.#leaveBundle(share);
  }

  /** A worker is gone: its shares and bindings go to others (spec 3.2). */
  gone(name: string): void {
    const seat = this.workers.find(name);
    if (!seat?.live) return;
    this.workers.leave(seat);
    for (const lists of this.listed.values()) for (const list of lists) list.delete(name);
    const orphans = this.#inheritance.orphansOf(seat);
    const held = this.#inheritance.holdAndFree(seat, orphans, this.#front);
    this.#inheritance.bundle(orphans, held);
    this.workers.rewind(this.#front);
    this.#afterOperation();
  }

  /** 5 s after a death: results that never reached the reducer are made again. */
  grace(name: string): void {
    const missing = this.ledger.outstanding.filter(({ reporter, state }) => reporter === name && state === 'done');
    for (const share of missing) {
      if (!this.#framesHeld(share)) {
        this.ledger.move(share, 'lost');
        continue;
      }
      this.ledger.move(share, 'orphan');
      this.bundles.add([share], [], new Set(share.entries.flatMap(({ tags }) => tags)));
    }
    this.#afterOperation();
  }

  /** More instances at the end of an open map. The caller has checked them. */
  append(parts: ReadonlyMap<string, Part>, sequence: readonly string[]): void {
    for (const [name, part] of parts) this.parts.set(name, part);
    for (const name of sequence) this.#use(name);
    this.#afterOperation();
  }

  close(): void {
    this.#open = false;
    if (this.options.wrap) this.events.append(layOut(startEnd({ ...this.#map, parts: this.parts })));
    this.#afterOperation();
  }

  stop(): void {
    this.#stopped = true;
  }

  // Giving.

  #load(seat: Seat): number {
    return seat.deliveries.length + seat.grants;
  }

  #fill(seat: Seat): void {
    let granted = false;
    while (this.#load(seat) < seat.depth && (!granted || seat.grants === 0)) {
      if (!this.#step(seat)) break;
      granted = true;
    }
    if (granted) this.workers.stopWaiting(seat);
    else if (this.#load(seat) < seat.depth) this.workers.wait(seat);
  }

  /** Gives the worker one thing. @returns true if something was given */
  #step(seat: Seat): boolean {
    const bundle = seat.takesAgain ? this.bundles.takeFor(seat.tags) : undefined;
    if (bundle) {
      this.#take(seat, bundle.deliveries, bundle.constraints);
      return true;
    }
    const end = Math.min(this.events.total, this.#front + this.options.future);
    // Behind the cursor there is nothing for this worker.
    for (let event = Math.max(this.#front, seat.cursor); event < end; event++) {
      seat.cursor = event;
      const instance = this.events.instance(event);
      const laid = instance.event(event);
      const wasListed = this.#list(seat, event, laid);
      const bound = this.#bindFirst(seat, instance, laid);
      if (!wasListed && !bound) continue;
      this.#advance();
      return true;
    }
    seat.cursor = Math.max(seat.cursor, end);
    return false;
  }

  /** Lists the worker for all entries without a constraint whose tags it has. */
  #list(seat: Seat, event: number, { barriers }: LaidEvent): boolean {
    let any = false;
    for (const { barrier, tags } of barriers) {
      const list = this.#lists(event, barriers)[barrier]!;
      if (list.has(seat.name) || !hasTags(seat, tags)) continue;
      list.add(seat.name);
      seat.grants++;
      any = true;
    }
    return any;
  }

  #lists(event: number, barriers: readonly LaidEntry[]): Set<string>[] {
    let lists = this.listed.get(event);
    if (!lists) {
      lists = barriers.map(() => new Set<string>());
      this.listed.set(event, lists);
    }
    return lists;
  }

  #bindFirst(seat: Seat, { holders, laid: part }: Instance, { constraints }: LaidEvent): boolean {
    for (const constraint of constraints) {
      if (holders[constraint] !== FREE || !hasTags(seat, part.constraints[constraint]!.tags)) continue;
      holders[constraint] = seat.number;
      seat.grants++;
      return true;
    }
    return false;
  }

  /** A bundle, or the start event for a newcomer. */
  #take(seat: Seat, deliveries: readonly Share[], constraints: readonly HeldConstraint[]): void {
    for (const { instance, constraint } of constraints) {
      instance.holders[constraint] = seat.number;
      if (instance.begun[constraint] === 0) seat.grants++;
    }
    for (const share of deliveries) {
      share.attempt++;
      if (share.state === 'orphan') this.ledger.move(share, 'out');
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
    seat.deliveries.push({ share, attempt: share.attempt, given: streams });
    this.#given.push({
      event_number: share.event,
      assignments: new Map(streams.map((stream) => [stream, [seat.name]])),
      attempt: share.attempt,
      origin: share.origin,
    });
  }

  /** The start event for a worker that came after it (spec 3.3). */
  #startAgain(seat: Seat): void {
    const instance = this.events.instances[0];
    if (!instance) return;
    const entries = instance.event(0).entries.filter(({ tags }) => hasTags(seat, tags));
    if (entries.length === 0) return;
    let share = this.ledger.shares(0).find(({ origin }) => origin === seat.name);
    if (share) {
      if (share.state === 'dropped') this.ledger.move(share, 'out');
    } else {
      share = {
        event: 0,
        origin: seat.name,
        instance,
        entries,
        state: 'out',
        hasResult: false,
        reporter: undefined,
        attempt: 0,
      };
      this.ledger.add(share);
    }
    share.attempt++;
    this.#give(seat, share, []);
  }

  // The front.

  #afterOperation(): void {
    if (this.#stopped) return;
    this.#advance();
    for (const seat of this.workers.waiting) this.#fill(seat);
    while (this.#isStalled()) {
      if (!this.workers.inOrderOfReport.some((seat) => this.#step(seat))) break;
      this.#advance();
    }
  }

  /** Every live worker has nothing to do, and depth keeps them from taking more. */
  #isStalled(): boolean {
    const { live, inOrderOfReport } = this.workers;
    if (this.#front >= this.events.total || live.length === 0 || inOrderOfReport.length < live.length) return false;
    return live.every(({ deliveries }) => deliveries.length === 0);
  }

  #advance(): void {
    const { live } = this.workers;
    if (live.length === 0) return;
    while (this.#front < this.events.total) {
      const instance = this.events.instance(this.#front);
      const laid = instance.event(this.#front);
      if (!this.#isFilled(this.#front, instance, laid, live)) return;
      this.#publish(this.#front, instance, laid);
      this.#front++;
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
    const lists = this.listed.get(event);
    const { byStream, byWorker } = dealtOut({ streams, entries }, (entry) =>
      entry.barrier >= 0
        ? (lists?.[entry.barrier] ?? [])
        : [this.workers.byNumber(instance.holders[entry.constraint]!).name],
    );
    for (const [name, own] of byWorker) {
      this.workers.mustFind(name).grants -= own.filter(({ barrier }) => barrier >= 0).length;
    }
    for (const constraint of constraints) {
      if (instance.begun[constraint] === 0) this.workers.byNumber(instance.holders[constraint]!).grants--;
      instance.begun[constraint] = 1;
    }
    this.listed.delete(event);
    const made = [...byWorker].map(([origin, own]): Share => {
      return { event, origin, instance, entries: own, state: 'out', hasResult: false, reporter: undefined, attempt: 1 };
    });
    for (const share of made) this.workers.mustFind(share.origin).deliveries.push({ share, attempt: 1 });
    this.ledger.publish(event, made);
    this.#given.push({ event_number: event, assignments: byStream });
  }
}

function hasTags({ tags }: Seat, wanted: readonly string[]): boolean {
  for (const tag of wanted) if (!tags.has(tag)) return false;
  return true;
}
