/** Links over streams of Redis: ours (`work:`, `feed:`), or the common one if the controller is the reference's. */

import { BadRecord, type ResultKey } from '../redis/fields.ts';
import type { Registry } from '../redis/registry.ts';
import { entriesBetween, follow } from '../redis/stream.ts';
import { Done } from './done.ts';
import { feedFor, joinNews, readFeed, readNews, readWork, workFrom } from './items.ts';
import { ReportNumbers, StreamReports } from './reports.ts';
import type { FeedNews, IngesterLink, ReducerLink, Work, WorkDone, WorkerLink, WorkNews } from './types.ts';

export interface LinkSetup {
  readonly registry: Registry;
  /** uuid of the map. */
  readonly map: string;
  /** Name of the service. */
  readonly name: string;
  readonly say: (message: string) => void;
}

/** Batches of a stream, converted; entries that cannot be read are named and left out. */
async function* converted<T>(
  { registry, say }: LinkSetup,
  key: string,
  signal: AbortSignal,
  read: (json: string) => readonly T[],
): AsyncGenerator<readonly T[]> {
  for await (const entries of follow(await registry.connection(), key, { from: '0', signal })) {
    const items = entries.flatMap(({ id, data }) => {
      try {
        return read(data);
      } catch (error) {
        if (!(error instanceof BadRecord)) throw error;
        say(`${key} ${id}: ${error.message}`);
        return [];
      }
    });
    if (items.length > 0) yield items;
  }
}

export class StreamWorkerLink implements WorkerLink {
  readonly #setup: LinkSetup;
  readonly #reports: StreamReports;
  readonly #numbers: ReportNumbers;
  readonly #stop = new AbortController();
  readonly #key: string;
  readonly #read: (json: string) => readonly Work[];

  /** @param ingesterOf given if the controller is the reference's: which ingester serves a stream */
  constructor(setup: LinkSetup, ingesterOf?: (stream: string) => string | undefined) {
    const { registry, map, name } = setup;
    this.#setup = setup;
    this.#reports = new StreamReports(registry, map);
    this.#numbers = new ReportNumbers(registry.serviceUuid);
    this.#key = ingesterOf ? registry.keys.assigned(map) : registry.keys.work(map, name);
    this.#read = ingesterOf
      ? (json) => workFrom(readFeed(json), name, ingesterOf)
      : (json) => readWork(json, registry.serviceUuid);
  }

  async ready(): Promise<void> {
    this.#send('ready', { completed: [], has_result: [] });
    await this.#reports.drained();
  }

  async *work(): AsyncGenerator<WorkNews> {
    const given = converted(this.#setup, this.#key, this.#stop.signal, this.#read);
    for await (const work of given) yield { given: work, withdrawn: [] };
  }

  report(done: WorkDone): void {
    this.#send('idle', done);
  }

  async finished(): Promise<void> {
    this.#send('finished', { completed: [], has_result: [] });
    await this.#reports.drained();
  }

  #send(state: 'ready' | 'idle' | 'finished', { processing_times = null, ...done }: WorkDone): void {
    const worker = this.#setup.name;
    this.#reports.send(this.#numbers.put({ state, source: 'worker', worker, processing_times, ...done }));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reports.drained();
  }
}

export class StreamIngesterLink implements IngesterLink {
  readonly #setup: LinkSetup;
  readonly #reports: StreamReports;
  readonly #stop = new AbortController();
  readonly #key: string;
  readonly #read: (json: string) => FeedNews;

  /** @param streams given if the controller is the reference's: those of this ingester */
  constructor(setup: LinkSetup, streams?: ReadonlySet<string>) {
    const { registry, map, name } = setup;
    this.#setup = setup;
    this.#reports = new StreamReports(registry, map);
    this.#key = streams ? registry.keys.assigned(map) : registry.keys.feed(map, name);
    this.#read = streams ? (json) => ({ events: feedFor(readFeed(json), streams), over: [], spare: [] }) : readNews;
  }

  async *feed(): AsyncGenerator<FeedNews> {
    const read = (json: string) => [this.#read(json)];
    for await (const news of converted(this.#setup, this.#key, this.#stop.signal, read)) yield joinNews(news);
  }

  async done(): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
    const { redis, keys } = this.#setup.registry;
    const { map } = this.#setup;
    const done = new Done();
    for await (const { data } of entriesBetween(redis, keys.ready(map))) done.addEntry(data);
    // Afterwards: what is taken away from the log stands in the snapshot by then.
    done.addSnapshot(await redis.get(keys.state(map)));
    return done.byEvent;
  }

  async finished(): Promise<void> {
    this.#reports.send({ state: 'finished', source: 'ingester', ingester: this.#setup.name });
    await this.#reports.drained();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reports.drained();
  }
}

export class StreamReducerLink implements ReducerLink {
  readonly #reports: StreamReports;
  readonly #numbers: ReportNumbers;
  /** The reference's controller knows one key per report. */
  readonly #single: boolean;

  constructor({ registry, map }: LinkSetup, single: boolean) {
    this.#reports = new StreamReports(registry, map);
    this.#numbers = new ReportNumbers(registry.serviceUuid);
    this.#single = single;
  }

  report(accepted: readonly ResultKey[], refused: readonly ResultKey[] = []): void {
    if (this.#single) {
      for (const [completed, worker] of accepted)
        this.#reports.send({ state: 'idle', source: 'reducer', completed, worker });
      return;
    }
    const report = { state: 'idle', source: 'reducer', completed: null, worker: null, accepted } as const;
    this.#reports.send(this.#numbers.put({ ...report, ...(refused.length > 0 ? { refused } : {}) }));
  }

  async finished(): Promise<void> {
    this.#reports.send({ state: 'finished', source: 'reducer', completed: null, worker: null });
    await this.#reports.drained();
  }

  close(): Promise<void> {
    return this.#reports.drained();
  }
}
