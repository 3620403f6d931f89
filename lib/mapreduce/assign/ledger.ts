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
}

const OPEN: ReadonlySet<ShareState> = new Set(['out', 'orphan']);

export class Ledger {
  readonly #events = new Map<number, EventRecord>();
  readonly #counts: Record<ShareState, number> = { done: 0, dropped: 0, lost: 0, orphan: 0, out: 0 };
  /** Shares reported with a result that the reducer has not accepted yet, by key. */
  readonly #outstanding = new Map<string, Share>();
  /** Keys that the reducer has accepted, by origin. */
  readonly #accepted = new Map<string, Intervals>();
  /** Keep the shares of complete events: a group may have to be done again. */
  readonly #keep: boolean;
  #changes: Changes = { lost: [], complete: [], settled: [] };
  readonly damaged: number[] = [];
  complete = 0;
  duplicates = 0;

  constructor(keep: boolean) {
    this.#keep = keep;
  }

  /** What has changed since the last call. */
  takeChanges(): Changes {
    const changes = this.#changes;
    this.#changes = { lost: [], complete: [], settled: [] };
    changes.complete.sort((a, b) => a - b);
    return changes;
  }

  /** Shares of complete events are kept. */
  get keeps(): boolean {
    return this.#keep;
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
    if (!this.#keep && event > 0) this.#events.delete(event);
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
    return this.#accepted.get(origin)?.has(event) ?? false;
  }

  /** The reducer has accepted a result, or seen it a second time. @returns the share if it was an orphan */
  accept(event: number, origin: string): Share | undefined {
    let accepted = this.#accepted.get(origin);
    if (!accepted) {
      accepted = new Intervals();
      this.#accepted.set(origin, accepted);
    }
    if (!accepted.add(event)) {
      this.duplicates++;
      return undefined;
    }
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

  get acceptedKeys(): ReadonlyMap<string, Intervals> {
    return this.#accepted;
  }

  /** Puts back what was saved. */
  restore(
    records: readonly (readonly [number, Share[], Pick<EventRecord, 'complete' | 'settled'>])[],
    accepted: ReadonlyMap<string, Intervals>,
    counts: Readonly<Record<ShareState, number>>,
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
  }
}

function keyOf(event: number, origin: string): string {
  return `${event} ${origin}`;
}
