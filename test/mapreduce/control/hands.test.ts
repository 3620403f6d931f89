/** Somebody changes what controllers keep in Redis: each says what is wrong, and the next map runs (spec mapreduce.md 3.5, 14). */

import type { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import type { Keys } from '../../../lib/mapreduce/redis/keys.ts';
import { until } from '../../until.ts';
import { batches, Ensemble } from './ensemble.ts';

t.setTimeout(300_000);

/** A scan in its middle, whose controller has been killed. */
async function orphaned(t: Test): Promise<{ ensemble: Ensemble; redis: Redis; keys: Keys; map: string }> {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 5 });
  const map = await ensemble.post(batches(1000, 1));
  const { redis, keys } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  await until('a snapshot', async () => (await redis.exists(keys.state(map))) === 1);
  await ensemble.complete(30);
  await ensemble.control.end('SIGKILL');
  await redis.del(keys.lock);
  return { ensemble, redis, keys, map };
}

const harms: Record<string, [(redis: Redis, keys: Keys, map: string) => Promise<unknown>, RegExp]> = {
  'the text of the map is deleted': [(redis, keys, map) => redis.del(keys.map(map)), /its text is gone from Redis/],
  'the snapshot is deleted': [(redis, keys, map) => redis.del(keys.state(map)), /its snapshot is gone, and its log/],
  'the snapshot is no JSON': [(redis, keys, map) => redis.set(keys.state(map), 'x'), /its snapshot cannot be read/],
  'the snapshot is another': [
    (redis, keys, map) => redis.set(keys.state(map), '{"formation":{}}'),
    /its snapshot cannot/,
  ],
};

for (const [name, [harm, words]] of Object.entries(harms)) {
  t.test(`${name}, and then a controller begins`, async (t) => {
    const { ensemble, redis, keys, map } = await orphaned(t);
    await harm(redis, keys, map);
    ensemble.control = await ensemble.spawnControl().ready();
    t.match(ensemble.control.stderr, new RegExp(`map ${map} cannot be taken over: ${words.source}`));
    await ensemble.post(batches(20, 1));
    t.match(await ensemble.finished(), { completed_events: 22, damaged: 0 });
    t.equal(await ensemble.control.end(), 0);
  });
}

t.test('Redis is emptied amid a scan: the controller says so and ends, and the next one takes a map', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 5 });
  await ensemble.post(batches(1000, 1));
  await ensemble.complete(30);
  const { redis } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  await redis.flushall();
  t.equal(await ensemble.control.ended, 4);
  t.match(ensemble.control.stderr, /the keys of the controller are gone: somebody has emptied Redis/);
  ensemble.control = await ensemble.spawnControl().ready();
  await ensemble.post(batches(20, 1));
  t.match(await ensemble.finished(), { completed_events: 22, damaged: 0 });
});

t.test(
  'garbage in the log of a map is counted and said once; a key that nobody was given counts as stray',
  async (t) => {
    const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 5 });
    const map = await ensemble.post(batches(100, 1));
    const { redis, keys } = await ensemble.redis.registry();
    t.teardown(() => redis.disconnect());
    const odd = ['x', '{}', '[]', '{"source":"controller","steps":1}', '{"source":"controller","steps":[{"op":"x"}]}'];
    for (let i = 0; i < 500; i++) await redis.xadd(keys.ready(map), '*', 'data', odd[i % odd.length]!);
    const accepted = [
      [99999, 'w1'],
      [50, 'nobody'],
    ];
    await redis.xadd(
      keys.ready(map),
      '*',
      'data',
      JSON.stringify({ source: 'reducer', state: 'idle', accepted, refused: accepted }),
    );
    t.match(await ensemble.finished(), { completed_events: 102, damaged: 0 });
    t.equal(await ensemble.control.end(), 0);
    t.match(ensemble.control.stderr, /unreadable 500/);
    t.match(ensemble.control.stderr, /stray [1-4]/);
    t.equal(ensemble.control.stderr.match(/: entry \d/g)?.length, 1);
  },
);
