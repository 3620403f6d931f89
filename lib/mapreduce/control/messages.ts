/** Whom an outcome concerns, and what each is told (spec mapreduce.md 5.2). Pure. */

import type { Assigner } from '../assign/assigner.ts';
import type { LaidPart } from '../assign/events.ts';
import type { Outcome } from '../assign/types.ts';
import type { Delivery } from '../assign/workers.ts';
import type { Feed, Passed, Work } from '../transport/types.ts';

/** Who serves the streams of a map; fixed when it is posted. */
export interface Routes {
  readonly ingesters: ReadonlyMap<string, { readonly streams: readonly string[]; readonly ours: boolean }>;
  readonly ingesterOf: ReadonlyMap<string, string>;
}

export function routesOf(
  ingesters: readonly { readonly name: string; readonly streams: readonly string[]; readonly ours: boolean }[],
): Routes {
  const ingesterOf = new Map<string, string>();
  for (const { name, streams } of ingesters)
    for (const stream of streams) if (!ingesterOf.has(stream)) ingesterOf.set(stream, name);
  const own = (name: string, streams: readonly string[]) => streams.filter((stream) => ingesterOf.get(stream) === name);
  const byName = ingesters.map(({ name, streams, ours }) => [name, { streams: own(name, streams), ours }] as const);
  return { ingesters: new Map(byName), ingesterOf };
}

/** An event as the common stream says it. */
export interface CommonEvent {
  readonly event_number: number;
  readonly assignments: Readonly<Record<string, readonly string[]>>;
}

type Assignments = ReadonlyMap<string, readonly string[]>;

/** Collects the outcomes of a batch. */
export class Messages {
  readonly common: CommonEvent[] = [];
  readonly work = new Map<string, Work[]>();
  readonly feed = new Map<string, Feed[]>();
  readonly #routes: Routes;
  readonly #isOurs: (worker: string) => boolean;

  constructor(routes: Routes, isOurs: (worker: string) => boolean) {
    this.#routes = routes;
    this.#isOurs = isOurs;
  }

  get empty(): boolean {
    return this.common.length === 0 && this.work.size === 0 && this.feed.size === 0;
  }

  add({ given }: Outcome): void {
    for (const one of given) {
      if ('attempt' in one) this.#tell(one.event_number, one.assignments, one.attempt, one.origin);
      else {
        this.common.push({ event_number: one.event_number, assignments: Object.fromEntries(one.assignments) });
        this.#tell(one.event_number, one.assignments, 1, null);
      }
    }
  }

  /** What a worker was given in this batch is for nobody: its name may be another process's by the time it is sent. */
  gone(worker: string): void {
    this.work.delete(worker);
  }

  #tell(event_number: number, assignments: Assignments, attempt: number, origin: string | null): void {
    const { ingesters, ingesterOf } = this.#routes;
    const from = new Map<string, Set<string>>();
    const told = new Map<string, Record<string, readonly string[]>>();
    for (const [stream, workers] of assignments) {
      const ingester = ingesterOf.get(stream);
      if (ingester === undefined) continue;
      const streams = told.get(ingester);
      if (streams) streams[stream] = workers;
      else told.set(ingester, { [stream]: workers });
      for (const worker of workers) {
        const own = from.get(worker);
        if (own) own.add(ingester);
        else from.set(worker, new Set([ingester]));
      }
    }
    for (const [ingester, streams] of told) {
      if (ingesters.get(ingester)?.ours)
        put(this.feed, ingester, { event_number, assignments: streams, attempt, origin });
    }
    for (const [worker, own] of from) {
      if (!this.#isOurs(worker)) continue;
      put(this.work, worker, { event_number, streams_from: [...own].sort(), attempt, origin: origin ?? worker });
    }
  }
}

function put<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

/** Everything that a worker has been given and has not reported, for one that asks after a crash. */
export function openWork({ workers }: Assigner, { ingesterOf }: Routes, name: string): Work[] {
  const seat = workers.find(name);
  if (!seat?.live) return [];
  return seat.deliveries.map((delivery) => {
    const ingesters = streamsOf(delivery).map((stream) => ingesterOf.get(stream));
    return {
      event_number: delivery.share.event,
      streams_from: [...new Set(ingesters.filter((one) => one !== undefined))].sort(),
      attempt: delivery.attempt,
      origin: delivery.share.origin,
    };
  });
}

function streamsOf({ given, share }: Delivery): readonly string[] {
  return given ?? [...new Set(share.entries.map(({ stream }) => stream))];
}

/**
 * What an ingester that asks after a crash may not know: published events from `next` on, and everything that is given again and open.
 * Frames for shares that are settled go to nobody, but are taken from the source. Who knows nothing is told only how many events there are that
 * are over and that nobody does again; the start event is for those who come late.
 */
export function openFeed(
  { events, front, workers, ledger }: Assigner,
  { ingesters }: Routes,
  name: string,
  next: number,
): { readonly feed: readonly Feed[]; readonly passed?: Passed } {
  const own = new Set(ingesters.get(name)?.streams ?? []);
  const feed: Feed[] = [];
  const byEvent = new Map<number, Record<string, string[]>>();
  const done = Math.min(ledger.over, workers.firstRedone ?? ledger.over);
  const before = next === 0 && done > 1 ? done : undefined;
  for (let event = next; event < front; event++) {
    if (event === 1 && before !== undefined) event = before;
    if (event === front) break;
    const streams = events
      .instance(event)
      .event(event)
      .streams.filter((stream) => own.has(stream));
    if (streams.length === 0) continue;
    const assignments = Object.fromEntries(streams.map((stream) => [stream, [] as string[]]));
    byEvent.set(event, assignments);
    feed.push({ event_number: event, assignments, attempt: 1, origin: null });
  }
  for (const { name: worker, deliveries } of workers.live) {
    for (const delivery of deliveries) {
      const { event, origin } = delivery.share;
      const streams = streamsOf(delivery).filter((stream) => own.has(stream));
      if (!delivery.given) for (const stream of streams) byEvent.get(event)?.[stream]?.push(worker);
      else if (streams.length > 0) {
        const assignments = Object.fromEntries(streams.map((stream) => [stream, [worker]]));
        feed.push({ event_number: event, assignments, attempt: delivery.attempt, origin });
      }
    }
  }
  return before === undefined ? { feed } : { feed, passed: { before, places: placesOf(events, own, before) } };
}

/** By stream: how many events from 1 to before `before` it takes part in. */
function placesOf({ instances }: Assigner['events'], streams: ReadonlySet<string>, before: number): Passed['places'] {
  const counted = new Map<LaidPart, ReadonlyMap<string, number>>();
  const places = Object.fromEntries([...streams].map((stream) => [stream, 0]));
  for (const { start, end, laid } of instances) {
    if (start >= before) break;
    const isWhole = start > 0 && end <= before;
    const counts = (isWhole && counted.get(laid)) || countStreams(laid.events.slice(start > 0 ? 0 : 1, before - start));
    if (isWhole) counted.set(laid, counts);
    for (const stream of streams) places[stream]! += counts.get(stream) ?? 0;
  }
  return places;
}

function countStreams(events: LaidPart['events']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { streams } of events) for (const stream of streams) counts.set(stream, (counts.get(stream) ?? 0) + 1);
  return counts;
}
