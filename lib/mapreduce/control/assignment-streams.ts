/** The streams of Redis by which services are told: `assigned:`, `work:` and `feed:`; what stands in them, and when it can go (spec mapreduce.md 5.2). */

import type { Assigner } from '../assign/assigner.ts';
import type { Registry } from '../redis/registry.ts';
import { entriesOf } from '../redis/stream.ts';
import type { FeedNews } from '../transport/types.ts';
import type { Credits } from './credits.ts';
import type { Command, Fence } from './fence.ts';
import type { Messages, Routes } from './messages.ts';
import { readersOf, Trimmer } from './trim.ts';

/** An entry for a stream. */
interface Written {
  readonly key: string;
  readonly items: readonly { readonly event_number: number }[];
}

/** What the streams of a map need of its controller. */
export interface StreamsContext {
  readonly registry: Registry;
  readonly fence: Fence;
  /** undefined: assignments go through streams of Redis. */
  readonly credits: Credits | undefined;
  /** This controller cannot go on. */
  failed(error: Error): void;
}

export class AssignmentStreams {
  readonly #context: StreamsContext;
  readonly #uuid: string;
  readonly #routes: Routes;
  readonly #trimmer = new Trimmer();

  /** @param uuid of the map */
  constructor(context: StreamsContext, uuid: string, routes: Routes) {
    this.#context = context;
    this.#uuid = uuid;
    this.#routes = routes;
  }

  /** Entries of an earlier controller, so that they are trimmed too. */
  async findWritten(assigner: Assigner): Promise<void> {
    const { redis } = this.#context.registry;
    const open = new Set([...assigner.ledger.records].flatMap(([event, { complete }]) => (complete ? [] : [event])));
    const low = Math.min(assigner.front, ...open);
    this.#trimmer.begin(low);
    for (let event = low; event < assigner.front; event++) if (!open.has(event)) this.#trimmer.completed([event]);
    for (const key of this.keys(assigner)) {
      for (const { id, data } of entriesOf(await redis.xrange(key, '-', '+'))) {
        this.#wrote(key, id, JSON.parse(data) as Messages['common']);
      }
    }
  }

  /** What is published, and what is complete. */
  note({ common }: Messages, complete: readonly number[]): void {
    const { ingesterOf } = this.#routes;
    for (const { event_number, assignments } of common) {
      for (const [stream, workers] of Object.entries(assignments)) {
        const ingester = ingesterOf.get(stream);
        if (ingester !== undefined && workers.length > 0) this.#trimmer.published(ingester, event_number);
      }
    }
    this.#trimmer.completed(complete);
  }

  /**
   * @param mixed somebody of the reference reads the common stream
   * @param through entry of the log whose outcome this is; it is written in the same step
   * @param processOf process that has a worker's name now: a successor reads the same stream and must not take up what it was never given
   */
  write(
    { common, work, feed }: Messages,
    {
      mixed,
      through,
      processOf,
    }: { mixed: boolean; through: string; processOf: (worker: string) => string | undefined },
  ): void {
    const { registry, credits } = this.#context;
    const { keys } = registry;
    const streams: Written[] = [];
    if (common.length > 0 && mixed) streams.push({ key: keys.assigned(this.#uuid), items: common });
    if (!credits) {
      for (const [worker, given] of work) {
        const service_uuid = processOf(worker);
        streams.push({ key: keys.work(this.#uuid, worker), items: given.map((item) => ({ ...item, service_uuid })) });
      }
      for (const [ingester, items] of feed) streams.push({ key: keys.feed(this.#uuid, ingester), items });
    }
    if (streams.length > 0) this.#add(streams, { key: keys.position(this.#uuid), id: through });
  }

  /** Whoever takes part in the first event that is not published (`front`) has read what was written before it. */
  tellOver(ingesters: readonly string[], front: number, news: Pick<FeedNews, 'over' | 'spare'>): void {
    const { keys } = this.#context.registry;
    const items = [{ event_number: front, ...news }];
    this.#add(ingesters.map((name) => ({ key: keys.feed(this.#uuid, name), items })));
  }

  #add(streams: readonly Written[], position?: { readonly key: string; readonly id: string }): void {
    const { fence, failed } = this.#context;
    const commands = streams.map(({ key, items }): Command => ['XADD', key, '*', 'data', JSON.stringify(items)]);
    fence.write(commands, position).then((ids) => {
      for (const [i, { key, items }] of streams.entries()) if (ids) this.#wrote(key, String(ids[i]), items);
    }, failed);
  }

  #wrote(key: string, id: string, items: Written['items']): void {
    const { keys } = this.#context.registry;
    const last = items.reduce((highest, { event_number }) => Math.max(highest, event_number), 0);
    const feedStart = keys.feed(this.#uuid, '');
    const readers =
      key === keys.assigned(this.#uuid)
        ? readersOf(items as Messages['common'], this.#routes.ingesterOf)
        : new Map(key.startsWith(feedStart) ? [[key.slice(feedStart.length), last]] : []);
    this.#trimmer.wrote(key, id, last, readers);
  }

  /** Commands that take away what everybody has read; each is said once. */
  trims(): Command[] {
    return [...this.#trimmer.take()].map(([key, id]): Command => ['XTRIM', key, 'MINID', id]);
  }

  keys({ workers }: Assigner): readonly string[] {
    const { keys } = this.#context.registry;
    const names = new Set(workers.all.map(({ name }) => keys.work(this.#uuid, name)));
    const ingesters = [...this.#routes.ingesters.keys()].map((name) => keys.feed(this.#uuid, name));
    return [keys.assigned(this.#uuid), ...names, ...ingesters];
  }
}
