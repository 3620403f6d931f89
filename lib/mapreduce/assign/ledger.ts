/** Shares: what one worker owes for one event, and when an event is complete (spec mapreduce.md 3). */

import { Intervals } from '../../intervals.ts';
import type { Instance, LaidEntry } from './events.ts';

export type ShareState = 'out' | 'done' | 'dropped' | 'lost' | 'orphan';
export const SHARE_STATES: readonly ShareState[] = ['done', 'dropped', 'lost', 'orphan', 'out'];

export interface Share {
  readonly event: number;
  /** Worker that got it first. */
  readonly origin: string;
  readonly instance: Instance;
  readonly entries: readonly LaidEntry[];
  state: ShareState;
  hasResult: boolean;
  /** Worker that reported it done; it sends the result. */
  reporter: string | undefined;
  attempt: number;
}

interface EventRecord {
  readonly shares: Share[];
  /** Shares that are out or orphans. */
  open: number;
  complete: boolean;
  /** It has been said that it is settled. */
  settled?: true | undefined;
}

/** What an operation has brought about. */
export interface Changes {
  readonly lost: { event_number: number; origin: string; reason: 'frames' }[];
  readonly complete: number[];
  /** Complete, and no result is waited for: only with redo "group" may it be given again. */
  readonly settled: number[];
  /** Results of events that were lost and are over: named as damaged already. */
  readonly late: { event_number: number; origin: string }[];
}

const OPEN: ReadonlySet<ShareState> = new Set(['out', 'orphan']);

const noChanges = (): Changes => ({ lost: [], complete: [], settled: [], late: [] });

/** After so many more events that are over, the keys below are joined in memory too. */
const FILL_EVENTS = 1000;

export class Ledger {
  readonly #events = new Map<number, EventRecord>();
  readonly #counts: Record<ShareState, number> = { done: 0, dropped: 0, lost: 0, orphan: 0, out: 0 };
  /** Shares reported with a result that the reducer has not accepted yet, by key. */
  readonly #outstanding = new Map<string, Share>();
  /** Keys that the reducer has accepted, by origin; all those of events that are over are among them sooner or later. */
  readonly #accepted = new Map<string, Intervals>();
  /** redo "group": the last event with which this one may be done again; shares of complete events are kept so long. */
  readonly #redoneWith: ((event: number) => number) | undefined;
  #published = 0;
  /** All events before this one are settled. */
  #settled = 0;
  #over = 0;
  #filled = 0;
  #changes = noChanges();
  readonly damaged: number[] = [];
  complete = 0;
  duplicates = 0;
  /** Keys that were accepted. */
  results = 0;

  constructor(redoneWith?: (event: number) => number) {
    this.#redoneWith = redoneWith;
  }

  /** What has changed since the last call. */
  takeChanges(): Changes {
    const changes = this.#changes;
    this.#changes = noChanges();
    changes.complete.sort((a, b) => a - b);
    return changes;
  }

  /**
   * Events from 1 to before this one are over: settled, and nothing of them is ever done again. So every key of theirs counts as accepted,
   * and only later ones need be kept. The start event may be given to newcomers.
   */
  get over(): number {
    return this.#over;
  }

  #isOver(event: number): boolean {
    return event > 0 && event < this.#over;
  }

  /** After each operation: what is over by now. */
  advance(): void {
    for (; this.#settled < this.#published; this.#settled++) {
      const record = this.#events.get(this.#settled);
      if (record && !record.settled) break;
    }
    for (; this.#over < this.#settled; this.#over++) {
      if (this.#redoneWith && this.#redoneWith(this.#over) >= this.#settled) break;
      if (this.#over > 0) this.#events.delete(this.#over);
    }
    if (this.#over - this.#filled >= FILL_EVENTS) this.#fill();
  }

  #fill(): void {
    for (const keys of this.#accepted.values()) keys.fill(1, this.#over - 1);
    this.#filled = this.#over;
  }

  get counts(): Readonly<Record<ShareState, number>> {
    return this.#counts;
  }

  get openShares(): number {
    return this.#counts.out + this.#counts.orphan;
  }

  /** By event, then by origin. */
  get outstanding(): readonly Share[] {
    const byOrigin = (a: Share, b: Share) => Buffer.compare(Buffer.from(a.origin), Buffer.from(b.origin));
    return [...this.#outstanding.values()].sort((a, b) => a.event - b.event || byOrigin(a, b));
  }

  isOutstanding({ event, origin }: Share): boolean {
    return this.#outstanding.has(keyOf(event, origin));
  }

  get anyOutstanding(): boolean {
    return this.#outstanding.size > 0;
  }

  shares(event: number): readonly Share[] {
    return this.#events.get(event)?.shares ?? [];
  }

  /** A published event; without shares it is complete at once. */
  publish(event: number, shares: Share[]): void {
    const record = { shares, open: shares.length, complete: false };
    this.#events.set(event, record);
    this.#published = event + 1;
    this.#counts.out += shares.length;
    this.#settle(event, record);
  }

  /** A share that comes after its event was published: the start event for a newcomer. */
  add(share: Share): void {
    const record = this.#events.get(share.event) ?? { shares: [], open: 0, complete: true };
    this.#events.set(share.event, record);
    record.shares.push(share);
    record.open++;
    this.#counts.out++;
  }

  move(share: Share, state: ShareState): void {
    const record = this.#events.get(share.event);
    if (share.state === state || !record) return;
    record.open += Number(OPEN.has(state)) - Number(OPEN.has(share.state));
    this.#counts[share.state]--;
    this.#counts[state]++;
    share.state = state;
    if (state === 'lost') {
      this.#outstanding.delete(keyOf(share.event, share.origin));
      this.#changes.lost.push({ event_number: share.event, origin: share.origin, reason: 'frames' });
      if (!this.damaged.includes(share.event)) this.damaged.push(share.event);
    }
    this.#settle(share.event, record);
  }

  #settle(event: number, record: EventRecord): void {
    if (record.open > 0) return;
    if (!record.complete) {
      record.complete = true;
      this.complete++;
      this.#changes.complete.push(event);
    }
    if (record.settled || record.shares.some((share) => this.#outstanding.has(keyOf(event, share.origin)))) return;
    record.settled = true;
    this.#changes.settled.push(event);
    // Event 0 may be given to newcomers; the others have nothing more to say.
    if (!this.#redoneWith && event > 0) this.#events.delete(event);
  }

  /** The worker has said that it is done. */
  report(share: Share, hasResult: boolean, reporter: string): void {
    share.hasResult = hasResult;
    share.reporter = reporter;
    const key = keyOf(share.event, share.origin);
    // Done a second time it may have no result: then none is waited for.
    if (hasResult && !this.isAccepted(share)) this.#outstanding.set(key, share);
    else this.#outstanding.delete(key);
    this.move(share, 'done');
  }

  isAccepted({ event, origin }: Share): boolean {
    return this.#isOver(event) || (this.#accepted.get(origin)?.has(event) ?? false);
  }

  /** The reducer has accepted a result, or seen it a second time. @returns the share if it was an orphan */
  accept(event: number, origin: string): Share | undefined {
    if (this.#isOver(event)) {
      this.duplicates++;
      if (this.damaged.includes(event)) this.#changes.late.push({ event_number: event, origin });
      return undefined;
    }
    let accepted = this.#accepted.get(origin);
    if (!accepted) {
      accepted = new Intervals();
      this.#accepted.set(origin, accepted);
    }
    if (!accepted.add(event)) {
      this.duplicates++;
      return undefined;
    }
    this.results++;
    const key = keyOf(event, origin);
    const share = this.#outstanding.get(key) ?? this.shares(event).find((one) => one.origin === origin);
    this.#outstanding.delete(key);
    const record = this.#events.get(event);
    if (record?.complete) this.#settle(event, record);
    return share?.state === 'orphan' ? share : undefined;
  }

  /** For saving. */
  get records(): ReadonlyMap<number, Readonly<EventRecord>> {
    return this.#events;
  }

  /** By origin; those of events that are over as one interval. */
  get acceptedKeys(): ReadonlyMap<string, Intervals> {
    this.#fill();
    return this.#accepted;
  }

  /** Puts back what was saved. */
  restore(
    records: readonly (readonly [number, Share[], Pick<EventRecord, 'complete' | 'settled'>])[],
    accepted: ReadonlyMap<string, Intervals>,
    counts: Readonly<Record<ShareState, number>>,
    published: number,
  ): void {
    Object.assign(this.#counts, counts);
    for (const [origin, keys] of accepted) this.#accepted.set(origin, keys);
    for (const [event, shares, said] of records) {
      const record = { shares, open: shares.filter(({ state }) => OPEN.has(state)).length, ...said };
      this.#events.set(event, record);
      for (const share of shares) {
        if (share.hasResult && share.state !== 'lost' && !this.isAccepted(share))
          this.#outstanding.set(keyOf(event, share.origin), share);
      }
    }
    this.#published = published;
    // What is over has no record, the start event excepted.
    const first = records.reduce((lowest, [event]) => (event > 0 ? Math.min(lowest, event) : lowest), published);
    this.#over = first > 1 && this.#events.get(0)?.settled ? first : 0;
    this.#settled = this.#over;
  }
}

function keyOf(event: number, origin: string): string {
  return `${event} ${origin}`;
}
