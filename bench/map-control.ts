/**
 * CPU of the controller per event, against plain round trips through streams of Redis in the same run (spec mapreduce.md 15). Services do
 * nothing but take and report, so that the controller is what is measured.
 */

import type { Registry } from '../lib/mapreduce/redis/registry.ts';
import type { ControllerUpdate } from '../lib/mapreduce/redis/updates.ts';
import { openIngesterLink, openWorkerLink } from '../lib/mapreduce/transport/open.ts';
import type { Link } from '../lib/mapreduce/transport/types.ts';
import { batches, ControlProcess } from '../test/mapreduce/control/ensemble.ts';
import { RedisServer } from '../test/mapreduce/redis-server.ts';
import { until } from '../test/until.ts';

const WORKERS = 4;
const ROUND_TRIPS = 3000;
/** Events by batch: enough for a second or two. */
const SIZES: readonly (readonly [batch: number, events: number])[] = [
  [1, 20_000],
  [10, 60_000],
  [100, 100_000],
];
const COMMON = {
  ...{ dranspose_version: null, mapreduce_version: null, parameters_hash: null, processed_events: 0, event_rate: 0 },
};
/** Loops of the services. */
const following: Promise<void>[] = [];
const say = (text: string) => console.error(text);

/** Microseconds of this process per report that is written, read, and answered by an assignment. */
async function roundTrip({ redis }: Registry): Promise<number> {
  const before = process.cpuUsage();
  let last = '0';
  for (let i = 0; i < ROUND_TRIPS; i++) {
    await redis.xadd('bench:ready', '*', 'data', '{"state":"idle","source":"worker","completed":[1],"worker":"w1"}');
    const answer = await redis.xread('STREAMS', 'bench:ready', last);
    last = answer![0]![1].at(-1)![0];
    await redis.xadd('bench:assigned', '*', 'data', '[{"event_number":1,"assignments":{"det":["w1"]}}]');
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ROUND_TRIPS;
}

/** Opens a link per map, and closes it with the next one. */
async function follow(
  registry: Registry,
  stop: AbortSignal,
  begin: (update: ControllerUpdate) => Promise<Link>,
): Promise<void> {
  let map = '';
  let link: Link | undefined;
  for await (const update of registry.updates(stop)) {
    if (update.mapping_uuid !== map) {
      await link?.close();
      map = update.mapping_uuid;
      link = await begin(update);
    }
    if (update.finished) await link?.finished();
  }
  await link?.close();
}

async function worker(redis: RedisServer, stop: AbortSignal, name: string): Promise<Registry> {
  const registry = await redis.registry();
  const publish = (mapping_uuid: string | null) =>
    registry.publish('worker', name, { ...COMMON, mapping_uuid, ingesters: [], tags: ['generic'] });
  await publish(null);
  following.push(
    follow(registry, stop, async (update) => {
      const link = openWorkerLink({ registry, name, update, say }, () => undefined);
      await link.ready();
      await publish(update.mapping_uuid);
      void (async () => {
        for await (const { given: items } of link.work()) {
          const completed = items.map(({ event_number }) => event_number);
          const times = { get_assignments: 0, get_messages: 0, assemble_event: 0, custom_code: 0, send_result: 0 };
          const processing_times = { ...times, no_events: completed.length };
          link.report({ completed, has_result: completed.map(() => false), processing_times });
        }
      })();
      return link;
    }),
  );
  return registry;
}

async function ingester(redis: RedisServer, stop: AbortSignal, workers: readonly Registry[]): Promise<Registry> {
  const registry = await redis.registry();
  const name = 'det-ingester';
  const connected = workers.map(({ serviceUuid }, i) => {
    return [serviceUuid, { name: `w${i + 1}`, service_uuid: serviceUuid, last_seen: 0 }] as const;
  });
  const own = { url: 'tcp://127.0.0.1:1', connected_workers: Object.fromEntries(connected), streams: ['det'] };
  const publish = (mapping_uuid: string | null) =>
    registry.publish('ingester', name, { ...COMMON, ...own, mapping_uuid });
  await publish(null);
  following.push(
    follow(registry, stop, async (update) => {
      const link = openIngesterLink({ registry, name, update, say }, new Set(['det']));
      void (async () => {
        for await (const _ of link.feed());
      })();
      await publish(update.mapping_uuid);
      return link;
    }),
  );
  return registry;
}

async function cpuSeconds(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/daqpipe_cpu_seconds_total\{.*\} (\S+)/.exec(text)?.[1]);
}

async function measure(transport: string, redis: RedisServer): Promise<void> {
  const stop = new AbortController();
  const control = await new ControlProcess(redis, ['--transport', transport, '--lock-wait', '15']).ready();
  const workers = await Promise.all(Array.from({ length: WORKERS }, (_, i) => worker(redis, stop.signal, `w${i + 1}`)));
  const registries = [...workers, await ingester(redis, stop.signal, workers)];
  for (const [batch, events] of SIZES) {
    const body = JSON.stringify(batches(events, batch));
    const posted = performance.now();
    const response = await fetch(`${control.url}/api/v1/sequence`, { method: 'POST', body });
    if (!response.ok) throw new Error(await response.text());
    const ready = performance.now() - posted;
    const before = await cpuSeconds(control.url);
    const start = performance.now();
    await until('finished', async () => {
      const progress = await (await fetch(`${control.url}/api/v1/progress`)).json();
      return (progress as { finished: boolean }).finished;
    });
    const seconds = (performance.now() - start) / 1000;
    const cpu = ((await cpuSeconds(control.url)) - before) * 1e6;
    const reference = await roundTrip(workers[0]!);
    console.log(
      `controller, ${transport}, b=${batch}: ${(cpu / events / reference).toFixed(2)}x CPU (goal <= 1x) ${(cpu / events).toFixed(0)} us/event / plain round trip ${reference.toFixed(0)} us, ${(events / seconds / 1000).toFixed(1)} k events/s, post ${ready.toFixed(0)} ms`,
    );
  }
  stop.abort();
  await control.end();
  await Promise.all(following.splice(0));
  for (const registry of registries) await registry.close();
}

const redis = await RedisServer.start();
try {
  for (const transport of ['credits', 'redis']) await measure(transport, redis);
} finally {
  await redis.close();
}
