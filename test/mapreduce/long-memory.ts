/**
 * What a long map needs of Redis: `npm run long:mapreduce-memory [EVENTS] [SECONDS] [WORKERS] [BATCH] [DEPTH]`. A real controller and a real Redis;
 * workers, ingester and reducer only report. Every event has a result (spec mapreduce.md 5.2: 10^7 events in 64 MB).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../../lib/mapreduce/redis/registry.ts';
import type { ControllerUpdate } from '../../lib/mapreduce/redis/updates.ts';
import {
  followController,
  openIngesterLink,
  openReducerLink,
  openWorkerLink,
} from '../../lib/mapreduce/transport/open.ts';
import type { IngesterLink, ReducerLink, WorkerLink } from '../../lib/mapreduce/transport/types.ts';
import { until } from '../until.ts';
import { ControlProcess } from './control/ensemble.ts';
import { StandIn, type StandInOptions } from './control/stand-ins.ts';
import { RedisServer } from './redis-server.ts';

const events = Number(process.argv[2] ?? 10_000_000);
const seconds = Number(process.argv[3] ?? 300);
const workers = Number(process.argv[4] ?? 4);
const batch = Number(process.argv[5] ?? 1);
/** 64: workers take runs of events; 1: they take turns, and what was accepted of each and is not over is all gaps. */
const depth = process.argv[6] ?? '64';
const BOUND = 64 * 2 ** 20;
const PART = 10_000;

class BareIngester extends StandIn {
  #link: IngesterLink | undefined;
  /** By service. */
  connected: Record<string, object> = {};

  constructor(options: StandInOptions) {
    super('ingester', options);
  }

  protected own(): object {
    return { url: 'tcp://127.0.0.1:1', connected_workers: this.connected, streams: ['det'] };
  }

  protected async begin(_: string, update: ControllerUpdate): Promise<void> {
    await this.#link?.close();
    const link = openIngesterLink(
      { registry: this.registry, name: this.name, update, say: () => {} },
      new Set(['det']),
    );
    this.#link = link;
    const read = async () => {
      for await (const news of link.feed()) void news;
    };
    this.run(read());
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.#link) followController(this.#link, update);
  }

  protected async finish(): Promise<void> {
    await this.#link?.finished();
  }
}

class BareReducer extends StandIn {
  link: ReducerLink | undefined;

  constructor(options: Omit<StandInOptions, 'name'>) {
    super('reducer', { ...options, name: 'reducer' });
  }

  protected own(): object {
    return { url: 'tcp://127.0.0.1:1' };
  }

  protected async begin(_: string, update: ControllerUpdate): Promise<void> {
    await this.link?.close();
    this.link = openReducerLink({ registry: this.registry, name: this.name, update, say: () => {} });
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.link) followController(this.link, update);
  }

  protected async finish(): Promise<void> {
    await this.link?.finished();
  }
}

class BareWorker extends StandIn {
  #link: WorkerLink | undefined;
  readonly #reducer: BareReducer;
  #ingesters: object[] = [];

  override readonly registry: Registry;

  constructor(options: StandInOptions & { readonly reducer: BareReducer }) {
    super('worker', options);
    this.registry = options.registry;
    this.#reducer = options.reducer;
  }

  protected own(): object {
    return { ingesters: this.#ingesters, tags: ['generic'] };
  }

  override async start(): Promise<void> {
    const texts = await this.registry.configTexts('ingester');
    this.#ingesters = [...texts.values()].map((text) => JSON.parse(text) as object);
    await super.start();
  }

  protected async begin(_: string, update: ControllerUpdate): Promise<void> {
    await this.#link?.close();
    const link = openWorkerLink({ registry: this.registry, name: this.name, update, say: () => {} }, () => undefined);
    this.#link = link;
    await link.ready();
    const times = { get_assignments: 0, get_messages: 0, assemble_event: 0, custom_code: 0.001, send_result: 0 };
    const work = async () => {
      for await (const { given: items } of link.work()) {
        const completed = items.map(({ event_number }) => event_number);
        link.report({
          completed,
          has_result: completed.map(() => true),
          processing_times: { ...times, no_events: completed.length },
        });
        this.#reducer.link?.report(items.map(({ event_number, origin }) => [event_number, origin]));
      }
    };
    this.run(work());
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.#link) followController(this.#link, update);
  }

  protected async finish(): Promise<void> {
    await this.#link?.finished();
  }
}

const server = await RedisServer.start();
const registry = () => server.registry((message) => console.error(message));
const control = new ControlProcess(server, ['--depth', depth]);
const ingester = new BareIngester({ registry: await registry(), name: 'det-ingester', ours: true });
const reducer = new BareReducer({ registry: await registry(), ours: true });
const crowd = await Promise.all(
  Array.from(
    { length: workers },
    async (_, i) => new BareWorker({ registry: await registry(), name: `w${i}`, ours: true, reducer }),
  ),
);
const { redis } = await registry();
try {
  await control.ready();
  for (const { registry, name } of crowd)
    ingester.connected[registry.serviceUuid] = {
      name,
      service_uuid: registry.serviceUuid,
      last_seen: Date.now() / 1000,
    };
  for (const one of [ingester, reducer, ...crowd]) await one.start();
  const get = async (path: string) => (await fetch(`${control.url}/api/v1/${path}`)).json();
  await until('all services', async () => ((await get('config')) as { workers: object[] }).workers.length === workers);
  const cells = Array.from({ length: PART }, (_, i) => [{ constraint: Math.floor(i / batch) }]);
  const map = { parts: { row: { det: cells } }, sequence: Array(Math.ceil(events / PART)).fill('row') as string[] };
  const answer = await fetch(`${control.url}/api/v1/sequence`, { method: 'POST', body: JSON.stringify(map) });
  if (!answer.ok) throw new Error(await answer.text());
  const begin = performance.now();
  let most = 0;
  for (;;) {
    // Not 5 s: then the server lets go of the connection.
    await sleep(4000);
    const { completed_events: done, finished } = (await get('progress')) as {
      completed_events: number;
      finished: boolean;
    };
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
    most = Math.max(most, used);
    const elapsed = (performance.now() - begin) / 1000;
    const [state] = await redis.keys('dranspose:state:*');
    const snapshot = state === undefined ? 0 : await redis.strlen(state);
    console.log(
      `${elapsed.toFixed(0)} s: ${done} events, ${(used / 2 ** 20).toFixed(1)} MiB in Redis, snapshot ${snapshot} bytes, ${(done / elapsed).toFixed(0)} events/s`,
    );
    if (finished || elapsed > seconds) break;
  }
  console.log(`at most ${(most / 2 ** 20).toFixed(1)} MiB of ${BOUND / 2 ** 20}`);
  if (most > BOUND) process.exitCode = 1;
} catch (error) {
  // It may be about to say why it ends.
  await sleep(1000);
  console.error(error, control.stderr);
  process.exitCode = 1;
} finally {
  for (const one of [ingester, reducer, ...crowd]) await one.kill();
  await control.end('SIGKILL');
  await server.close();
}
