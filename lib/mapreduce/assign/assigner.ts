/**
 * Who gets which event (spec mapreduce.md 3; exact). Pure: no clock, no socket. Operations come in; what they bring about is taken with
 * `takeOutcome`.
 */

import type { Part, TriggerMap } from '../map/types.ts';
import { Bundles } from './bundles.ts';
import { Events, type LaidPart, layOut } from './events.ts';
import { Front } from './front.ts';
import { Giving } from './giving.ts';
import { Inheritance } from './inheritance.ts';
import { Ledger, type Share } from './ledger.ts';
import { restoreState, type SavedAssigner, saveState } from './saved.ts';
import type { AssignerOptions, Outcome, WorkerOptions } from './types.ts';
import { type Delivery, type Seat, WorkerTable } from './workers.ts';
import { startEnd } from './wrap.ts';

export class Assigner {
  readonly options: AssignerOptions;
  readonly events = new Events();
  readonly ledger: Ledger;
  readonly bundles = new Bundles();
  readonly workers: WorkerTable;
  readonly parts: Map<string, Part>;
  readonly #inheritance: Inheritance;
  readonly #map: TriggerMap;
  readonly #laid = new Map<Part, LaidPart>();
  readonly #front: Front;
  readonly #giving: Giving;
  #open: boolean;
  #evicted = -1;
  #finished = false;
  #stopped = false;

  constructor(map: TriggerMap, options: AssignerOptions) {
    this.options = options;
    this.#map = map;
    this.#open = map.open;
    this.parts = new Map(map.parts);
    this.ledger = new Ledger(options.redo === 'group' ? (event) => this.#redoneWith(event) : undefined);
    this.workers = new WorkerTable();
    const { events, ledger, bundles, workers } = this;
    this.#front = new Front({ events, ledger, workers });
    this.#giving = new Giving({ events, ledger, bundles, workers, front: this.#front, future: options.future });
    this.#inheritance = new Inheritance({
      ...{ events, ledger, bundles, redo: options.redo },
      framesHeld: (share) => this.#framesHeld(share),
      isStart: (event) => this.#isStart(event),
    });
    if (options.wrap) this.events.append(layOut(startEnd(map)));
    for (const name of map.sequence) this.#use(name);
    if (options.wrap && !map.open) this.events.append(layOut(startEnd(map)));
  }

  /** A bundle that nobody has taken gives again also what is settled. */
  #redoneWith(event: number): number {
    return this.bundles.has(event) ? this.events.total : this.events.groupEnd(event);
  }

  /** A part is laid out once, however often it is used: a sequence may have thousands of instances. */
  #use(name: string): void {
    const part = this.parts.get(name) as Part;
    let laid = this.#laid.get(part);
    if (!laid) this.#laid.set(part, (laid = layOut(part)));
    this.events.append(laid);
  }

  /** Number of the first event that is not published. */
  get front(): number {
    return this.#front.at;
  }

  /** Which workers are listed for each entry without a constraint, of events from the front on. */
  get listed(): Map<number, Set<string>[]> {
    return this.#front.listed;
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
    const given = this.#front.take();
    const again = given.filter((one) => 'attempt' in one);
    const assign = again.length === 0 ? given : given.filter((one) => !('attempt' in one));
    return { assign, again, given, ...this.ledger.takeChanges(), finished };
  }

  #isDone(): boolean {
    if (this.#stopped) return true;
    const { ledger, events } = this;
    return !this.#open && this.#front.at === events.total && ledger.openShares === 0 && !ledger.anyOutstanding;
  }

  /** Everything that must survive a crash, as a value (spec mapreduce.md 3.5). */
  save(): SavedAssigner {
    const { events, ledger, bundles, workers } = this;
    return saveState({
      ...{ events, ledger, bundles, workers, listed: this.listed, parts: this.parts },
      ...{ open: this.#open, front: this.#front.at, evicted: this.#evicted, finished: this.#finished },
    });
  }

  /** @param map as it was posted, with everything that was appended since */
  static restore(map: TriggerMap, options: AssignerOptions, saved: SavedAssigner): Assigner {
    const sequence = saved.sequence.flatMap(([name, times]) => Array<string>(times).fill(name));
    const assigner = new Assigner({ ...map, sequence, open: saved.open }, options);
    const { events, ledger, bundles, workers, listed } = assigner;
    restoreState(saved, { events, ledger, bundles, workers, listed });
    assigner.#front.at = saved.front;
    assigner.#evicted = saved.evicted;
    assigner.#finished = saved.finished;
    return assigner;
  }

  // Operations.

  /** A worker's configuration appears; a name may come back after it was gone. */
  join(name: string, tags: readonly string[], { depth, takesAgain = true }: WorkerOptions = {}): void {
    const joinedLate = this.options.wrap && this.#front.at > 0;
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
      if (first && seat.joinedLate && seat.takesAgain) this.#giving.startAgain(seat);
      this.#giving.fill(seat);
    }
    this.#afterOperation();
  }

  #resolve(seat: Seat | undefined, event: number, hasResult: boolean): void {
    const delivery = seat && this.workers.takeDelivery(seat, event);
    if (!delivery) {
      this.workers.stray++;
      return;
    }
    const { share } = delivery;
    if (!isOpen(share)) return;
    const orphan = share.state === 'orphan';
    this.ledger.report(share, hasResult, seat.name);
    if (orphan) this.#leaveBundle(share);
  }

  /**
   * Whether it matters what the worker says of the event. What somebody else has done meanwhile is done; but with redo "group" what is done
   * again goes into the state that the worker keeps.
   */
  minds(name: string, event: number): boolean {
    const seat = this.workers.find(name);
    const redone = seat?.live === true && this.options.redo === 'group';
    const counts = ({ share, given }: Delivery) =>
      share.event === event && (isOpen(share) || (redone && given !== undefined));
    return seat?.deliveries.some(counts) ?? false;
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
    if (this.bundles.leave(share)) this.workers.rewind(this.#front.at);
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
    this.#front.unlist(name);
    const orphans = this.#inheritance.orphansOf(seat);
    const held = this.#inheritance.holdAndFree(seat, orphans, this.#front.at);
    this.#inheritance.bundle(orphans, held);
    this.workers.rewind(this.#front.at);
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

  #afterOperation(): void {
    this.#assign();
    this.ledger.advance();
  }

  #assign(): void {
    if (this.#stopped) return;
    this.#front.advance();
    for (const seat of this.workers.waiting) this.#giving.fill(seat);
    while (this.#isStalled()) {
      if (!this.workers.inOrderOfReport.some((seat) => this.#giving.step(seat))) break;
      this.#front.advance();
    }
  }

  /** Every live worker has nothing to do, and depth keeps them from taking more. */
  #isStalled(): boolean {
    const { live, inOrderOfReport } = this.workers;
    if (this.#front.at >= this.events.total || live.length === 0 || inOrderOfReport.length < live.length) return false;
    return live.every(({ deliveries }) => deliveries.length === 0);
  }
}

function isOpen({ state }: Share): boolean {
  return state === 'out' || state === 'orphan';
}
