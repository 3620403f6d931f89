/** The assigner's state as plain JSON, and back (spec mapreduce.md 3.5). */

import { Intervals } from '../../intervals.ts';
import { START_END } from '../map/types.ts';
import type { Bundle, Bundles } from './bundles.ts';
import { type Events, FREE, HELD } from './events.ts';
import type { Ledger, Share, ShareState } from './ledger.ts';
import type { Delivery, Seat, WorkerTable } from './workers.ts';

interface SavedShare {
  readonly origin: string;
  /** Numbers of its entries in the event. */
  readonly entries: readonly number[];
  readonly state: ShareState;
  readonly hasResult: boolean;
  readonly reporter?: string | undefined;
  readonly attempt: number;
}

interface SavedSeat {
  readonly name: string;
  readonly tags: readonly string[];
  readonly live: boolean;
  readonly joinedLate: boolean;
  /** Event, origin and attempt of each delivery, and its streams if it was given again. */
  readonly deliveries: readonly (readonly [number, string, number, (readonly string[])?])[];
  readonly grants: number;
  readonly depth: number;
  readonly takesAgain: boolean;
}

export interface SavedAssigner {
  /** Names of the parts in order, without start and end event, each with how often it stands there in a row. */
  readonly sequence: readonly (readonly [string, number])[];
  readonly open: boolean;
  readonly front: number;
  readonly evicted: number;
  readonly finished: boolean;
  /**
   * Instances on which work is going on: their number; number of the worker per constraint, and which constraints have published
   * events, both as runs of value and length. Constraints whose events are all done are as good as free.
   */
  readonly instances: readonly (readonly [number, holders: readonly number[], begun: readonly number[]])[];
  readonly listed: readonly (readonly [number, readonly (readonly string[])[]])[];
  readonly records: readonly {
    readonly event: number;
    readonly complete: boolean;
    readonly settled?: true;
    readonly shares: readonly SavedShare[];
  }[];
  /** By worker; all keys of events that are over are among them. */
  readonly accepted: readonly (readonly [string, readonly (readonly [number, number])[]])[];
  /** Keys that were accepted indeed. */
  readonly results?: number;
  readonly counts: Readonly<Record<ShareState, number>>;
  readonly damaged: readonly number[];
  readonly complete: number;
  readonly duplicates: number;
  readonly stray: number;
  readonly workers: readonly SavedSeat[];
  readonly reported: readonly number[];
  readonly waiting: readonly number[];
  readonly bundles: readonly {
    readonly number: number;
    readonly deliveries: readonly (readonly [number, string])[];
    readonly constraints: readonly (readonly [number, number])[];
    readonly tags: readonly string[];
  }[];
  readonly bundlesMade: number;
}

interface Parts {
  readonly events: Events;
  readonly ledger: Ledger;
  readonly bundles: Bundles;
  readonly workers: WorkerTable;
  readonly listed: Map<number, Set<string>[]>;
}

type Rest = Pick<SavedAssigner, 'open' | 'front' | 'evicted' | 'finished'>;

const keyOf = ({ event, origin }: Share) => [event, origin] as const;

export function saveState({ events, ledger, bundles, workers, listed, ...rest }: Parts & Rest): SavedAssigner {
  const instanceNumber = new Map(events.instances.map((instance, number) => [instance, number]));
  const { open, front, evicted, finished } = rest;
  return {
    sequence: namesInRow(events),
    ...{ open, front, evicted, finished },
    instances: activeInstances(events, lowestOpen(ledger, front), bundles),
    listed: [...listed].map(([event, lists]) => [event, lists.map((list) => [...list])]),
    records: [...ledger.records].map(([event, { shares, complete, settled }]) => ({
      event,
      complete,
      ...(settled ? { settled } : {}),
      shares: shares.map(saveShare),
    })),
    accepted: acceptedKeys(ledger, workers),
    results: ledger.results,
    counts: { ...ledger.counts },
    damaged: [...ledger.damaged],
    complete: ledger.complete,
    duplicates: ledger.duplicates,
    stray: workers.stray,
    workers: workers.all.map(saveSeat),
    reported: workers.inOrderOfReport.map(({ number }) => number),
    waiting: workers.waiting.map(({ number }) => number),
    bundles: bundles.list.map(({ number, deliveries, constraints, tags }) => ({
      number,
      deliveries: deliveries.map(keyOf),
      constraints: constraints.map(({ instance, constraint }) => [instanceNumber.get(instance) as number, constraint]),
      tags: [...tags],
    })),
    bundlesMade: bundles.made,
  };
}

function namesInRow({ instances }: Events): [string, number][] {
  const rows: [string, number][] = [];
  for (const { laid } of instances) {
    const { name } = laid.part;
    const last = rows.at(-1);
    if (last?.[0] === name) last[1]++;
    else if (name !== START_END) rows.push([name, 1]);
  }
  return rows;
}

/** Before this event nothing can change any more; the start event, which newcomers get, needs no binding. */
function lowestOpen(ledger: Ledger, front: number): number {
  let lowest = front;
  for (const [event, { complete }] of ledger.records) if (event > 0 || !complete) lowest = Math.min(lowest, event);
  return lowest;
}

/** Also of a worker nothing of which was ever accepted: a result of what it lost may come when the event is over. */
function acceptedKeys(ledger: Ledger, workers: WorkerTable): SavedAssigner['accepted'] {
  const known = ledger.acceptedKeys;
  const over = new Intervals();
  over.fill(1, ledger.over - 1);
  const names = new Set([...known.keys(), ...(ledger.over > 1 ? workers.all.map(({ name }) => name) : [])]);
  return [...names].sort().map((name) => [name, (known.get(name) ?? over).ends.map(([from, to]) => [from, to])]);
}

function activeInstances({ instances }: Events, lowest: number, { list }: Bundles): SavedAssigner['instances'] {
  const active: (readonly [number, number[], number[]])[] = [];
  // A bundle keeps its constraints until it is taken, also those whose own orphans have left it.
  const bundled = new Set(list.flatMap(({ constraints }) => constraints.map(({ instance }) => instance)));
  for (const [i, one] of instances.entries()) {
    const { start, end, laid, holders, begun } = one;
    if (end <= lowest && !bundled.has(one)) continue;
    const settled = (constraint: number) =>
      holders[constraint] !== HELD && start + laid.constraints[constraint]!.events.at(-1)! < lowest;
    const touched = begun.includes(1) || holders.some((holder) => holder !== FREE);
    if (!touched) continue;
    const runs = [runsOf(holders, FREE, settled), runsOf(begun, 0, settled)] as const;
    if (runs[0][0] !== FREE || runs[1][0] !== 0 || runs[0].length > 2 || runs[1].length > 2) active.push([i, ...runs]);
  }
  return active;
}

/** Value and length, in turn: what is free and what is settled makes long runs. */
function runsOf(values: Int32Array | Uint8Array, none: number, settled: (constraint: number) => boolean): number[] {
  const runs: number[] = [];
  const valueAt = (i: number) => (settled(i) ? none : values[i]!);
  for (let from = 0; from < values.length; ) {
    const value = valueAt(from);
    let to = from + 1;
    while (to < values.length && valueAt(to) === value) to++;
    runs.push(value, to - from);
    from = to;
  }
  return runs;
}

function fillRuns(values: Int32Array | Uint8Array, runs: readonly number[]): void {
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) values.fill(runs[i]!, at, (at += runs[i + 1]!));
}

function saveShare({ event, instance, entries, ...rest }: Share): SavedShare {
  const all = instance.event(event).entries;
  return { ...rest, entries: entries.map((entry) => all.indexOf(entry)) };
}

function saveDelivery({ share, attempt, given }: Delivery): SavedSeat['deliveries'][number] {
  return given ? [share.event, share.origin, attempt, given] : [share.event, share.origin, attempt];
}

function saveSeat({ name, tags, live, joinedLate, deliveries, grants, depth, takesAgain }: Seat): SavedSeat {
  return {
    name,
    tags: [...tags],
    live,
    joinedLate,
    deliveries: deliveries.map(saveDelivery),
    grants,
    depth,
    takesAgain,
  };
}

export function restoreState(saved: SavedAssigner, { events, ledger, bundles, workers, listed }: Parts): void {
  for (const [i, holders, begun] of saved.instances) {
    fillRuns(events.instances[i]!.holders, holders);
    fillRuns(events.instances[i]!.begun, begun);
  }
  for (const [event, lists] of saved.listed)
    listed.set(
      event,
      lists.map((list) => new Set(list)),
    );
  const accepted = new Map(saved.accepted.map(([origin, ends]) => [origin, new Intervals(ends)]));
  const shares = new Map<string, Share>();
  const records = saved.records.map(({ event, complete, settled, shares: list }) => {
    const made = list.map((share) => restoreShare(event, share, events));
    for (const share of made) shares.set(keyOf(share).join(' '), share);
    return [event, made, { complete, settled }] as const;
  });
  ledger.restore(records, accepted, saved.counts, saved.front);
  ledger.results = saved.results ?? [...accepted.values()].reduce((sum, keys) => sum + keys.count, 0);
  ledger.damaged.push(...saved.damaged);
  ledger.complete = saved.complete;
  ledger.duplicates = saved.duplicates;
  workers.stray = saved.stray;
  // A delivery whose event has been forgotten is of a share that was done by somebody else.
  const find = ([event, origin]: readonly [number, string]) =>
    shares.get(`${event} ${origin}`) ?? forgotten(event, origin, events);
  workers.restore(
    saved.workers.map((seat, number) => ({
      ...seat,
      number,
      tags: new Set(seat.tags),
      deliveries: seat.deliveries.map(([event, origin, attempt, given]) => ({
        share: find([event, origin]),
        attempt,
        given,
      })),
      cursor: 0,
    })),
    saved.reported,
    saved.waiting,
  );
  bundles.restore(
    saved.bundles.map(({ number, deliveries, constraints, tags }): Bundle => {
      const held = constraints.map(([i, constraint]) => ({ instance: events.instances[i]!, constraint }));
      return { number, deliveries: deliveries.map(find), constraints: held, tags: new Set(tags) };
    }),
    saved.bundlesMade,
  );
}

function restoreShare(event: number, { entries, reporter, ...rest }: SavedShare, events: Events): Share {
  const instance = events.instance(event);
  const all = instance.event(event).entries;
  return { event, instance, entries: entries.map((i) => all[i]!), reporter, ...rest };
}

function forgotten(event: number, origin: string, events: Events): Share {
  return {
    event,
    origin,
    instance: events.instance(event),
    entries: [],
    state: 'done',
    hasResult: false,
    reporter: undefined,
    attempt: 1,
  };
}
