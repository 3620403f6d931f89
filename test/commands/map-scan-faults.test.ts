/**
 * Faults of whole scans of real processes (spec mapreduce.md 2.1, 3.2, 3.5, 6.4): who hangs, what is let go, maps that are replaced or grow,
 * two controllers.
 */

import { join } from 'node:path';
import type { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { PROJECT } from '../executable.ts';
import { type Detector, Ensemble, imageMap, published, type Service, summed } from '../mapreduce/ensemble.ts';
import { until } from '../until.ts';

t.setTimeout(300_000);

const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const REDUCE = ['--js', join(EXAMPLES, 'histogram-reducer.mjs'), '--bind', 'tcp://127.0.0.1:*', '--port', '0'];
/** Sums, and a pause at each image; says when it ends. */
const SLOW = `import Sums from ${JSON.stringify(join(EXAMPLES, 'sums-worker.mjs'))};
export default class extends Sums {
  static describeParameters() { return Sums.describeParameters(); }
  async processEvent(event, parameters) {
    const result = super.processEvent(event, parameters);
    if (result) await new Promise((resolve) => setTimeout(resolve, 4));
    return result;
  }
  finish() { console.error('FINISH HOOK'); }
}`;

interface Scan {
  readonly ensemble: Ensemble;
  readonly detector: Detector;
  readonly workers: readonly Service[];
  readonly reducer: Service;
  readonly redis: Redis;
}

async function setUp(
  t: Test,
  names: readonly string[],
  { control = [], ingest = [] }: { control?: string[]; ingest?: string[] } = {},
): Promise<Scan> {
  const folder = t.testdir({ 'slow.mjs': SLOW });
  const ensemble = await Ensemble.start(t, ['--depth', '8', ...control]);
  const detector = await ensemble.detector(t, 'det', ...ingest);
  const workers = names.map((name) => ensemble.run('map-work', ['--js', join(folder, 'slow.mjs'), '--name', name]));
  const reducer = ensemble.run('map-reduce', REDUCE);
  const { redis } = await ensemble.redis.registry();
  t.teardown(() => redis.disconnect());
  return { ensemble, detector, workers, reducer, redis };
}

async function play(detector: Detector, images: number, pixels = 1): Promise<void> {
  await detector.start();
  for (let frame = 0; frame < images; frame++) await detector.image(frame, new Uint16Array(pixels).fill(1));
  await detector.end();
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const reduced = async ({ reducer }: Scan) => [...(await summed(await published(reducer))).keys()].sort((a, b) => a - b);

/** Its configuration expires, as it does 10 s after a process has stopped to refresh it. */
async function expire(redis: Redis, key: string): Promise<void> {
  await redis.pexpire(key, 1);
}

/** Number of complete events. */
const complete = (ensemble: Ensemble, count: number) =>
  until(`${count} events`, async () => (await ensemble.progress()).completed_events >= count);

t.test(
  'a worker that hangs until its configuration expires: others do its events, each counts once, also when it wakes',
  async (t) => {
    const scan = await setUp(t, ['w1', 'w2', 'w3']);
    const { ensemble, detector, workers, redis } = scan;
    await ensemble.post(imageMap(300), 3);
    await play(detector, 300);
    await complete(ensemble, 40);
    workers[1]!.signal('SIGSTOP');
    await complete(ensemble, 100);
    await expire(redis, 'dranspose:worker:w2:config');
    const progress = await ensemble.finished();
    t.match(progress, { completed_events: 302, damaged: 0 });
    workers[1]!.signal('SIGCONT');
    t.same(await reduced(scan), numbers(1, 300));
    t.equal(await scan.reducer.stop(), 0, 'what came twice is no loss');
    t.match(scan.reducer.words, /OK in \d+ = out 300/);
  },
);

t.test(
  'frames that were let go: the events of who dies then are damaged, with their names and the reason',
  async (t) => {
    const pixels = 20_000;
    const scan = await setUp(t, ['w1', 'w2'], { ingest: ['--hold', '400K', '--queue', '100M'] });
    const { ensemble, detector, workers, redis } = scan;
    await ensemble.post(imageMap(200), 2);
    const sent = play(detector, 200, pixels);
    await complete(ensemble, 20);
    workers[0]!.signal('SIGSTOP');
    await sent;
    await until('frames are let go', async () => {
      const { ingesters } = (await ensemble.get('config')) as { ingesters: { held_from: number | null }[] };
      return ingesters[0]?.held_from !== null && (await ensemble.progress()).completed_events > 150;
    });
    await workers[0]!.kill();
    await expire(redis, 'dranspose:worker:w1:config');
    const progress = await ensemble.finished();
    t.equal(progress.completed_events, 202, 'the scan ends');
    const control = ensemble.services[0]!;
    const lost = [...control.words.matchAll(/event (\d+) of w1 is lost: no frames/g)].map(([, event]) => Number(event));
    t.ok(lost.length > 0, control.words);
    t.equal(progress.damaged, new Set(lost).size);
    const there = await reduced(scan);
    t.same(
      numbers(1, 200).filter((event) => !there.includes(event)),
      [...new Set(lost)].sort((a, b) => a - b),
      'just these have no result',
    );
    t.equal(await control.stop(), 3);
    t.match(control.words, new RegExp(`damaged ${lost.length}`));
  },
);

t.test(
  'a second map replaces the one that runs: its hooks run, and the events that were not complete are named',
  async (t) => {
    const scan = await setUp(t, ['w1', 'w2']);
    const { ensemble, detector, workers, redis } = scan;
    const first = await ensemble.post(imageMap(500), 2);
    await detector.start();
    for (let frame = 0; frame < 100; frame++) await detector.image(frame, Uint16Array.of(1));
    await complete(ensemble, 101);
    const second = await ensemble.post(imageMap(50), 2);
    t.not(second, first);
    const updates = await redis.xrange('dranspose:controller:updates', '-', '+');
    const ends = updates.map(
      ([, fields]) => JSON.parse(fields[1]!) as { mapping_uuid: string; finished: boolean; reason: string | null },
    );
    t.match(ends.filter(({ mapping_uuid, finished }) => mapping_uuid === first && finished).at(-1), {
      reason: 'replaced',
    });
    for (const worker of workers) t.match(worker.words, /FINISH HOOK/);
    const control = ensemble.services[0]!;
    t.match(control.words, new RegExp(`map ${first} is replaced: 401 events were not complete: 101-501`));
    // What the detector still had for the first map comes before the next start marker.
    await detector.image(100, Uint16Array.of(1));
    await play(detector, 50);
    t.match(await ensemble.finished(), { completed_events: 52, damaged: 0 });
    t.same(await reduced(scan), numbers(1, 50), 'nothing of the first one');
    t.equal(await control.stop(), 3);
    t.match(control.words, /LOSS in 554 = out 153 \+ unfinished 401/);
  },
);

t.test('an ingester that starts again amid a scan, when nothing is open, goes on where the events are', async (t) => {
  const scan = await setUp(t, ['w1', 'w2']);
  const { ensemble, detector, redis } = scan;
  await ensemble.post(imageMap(300), 2);
  await detector.start();
  const images = async (from: number, to: number) => {
    for (let frame = from; frame < to; frame++) await detector.image(frame, new Uint16Array(1).fill(1));
  };
  await images(0, 150);
  await complete(ensemble, 151);
  await until('the results', async () => (await reduced(scan)).length === 150);
  await ensemble.services[1]!.kill();
  for (const key of await redis.keys('dranspose:ingester:*:config')) await expire(redis, key);
  const second = ensemble.run('map-ingest', ['--kind', 'stins', '--stream', 'det', '--upstream', detector.url]);
  await until('the next one', () => /begun without us/.test(second.words));
  await images(150, 300);
  await detector.end();
  t.match(await ensemble.finished(), { completed_events: 302, damaged: 0, incomplete: 0 });
  t.same(await reduced(scan), numbers(1, 300));
});

t.test('an open map grows over HTTP while it runs; the same id counts once', async (t) => {
  const scan = await setUp(t, ['w1', 'w2']);
  const { ensemble, detector, workers } = scan;
  const post = (path: string, body: object = {}) =>
    fetch(`${ensemble.control}/api/v1/sequence/${path}`, { method: 'POST', body: JSON.stringify(body) });
  await ensemble.post({ ...imageMap(30), open: true }, 2);
  await detector.start();
  const images = async (from: number, to: number) => {
    for (let frame = from; frame < to; frame++) await detector.image(frame, Uint16Array.of(frame));
  };
  await images(0, 10);
  await complete(ensemble, 5);
  for (let again = 0; again < 3; again++)
    t.equal((await post('append', { id: 'more', parts: {}, sequence: ['row', 'row'] })).status, 200);
  await images(10, 90);
  await complete(ensemble, 91);
  t.match(await ensemble.progress(), { finished: false, total_events: 91 });
  t.equal(
    (await post('append', { id: 'last', parts: {}, sequence: ['row'] })).status,
    200,
    'who waits gets work at once',
  );
  await images(90, 120);
  await complete(ensemble, 121);
  t.equal((await post('close')).status, 200);
  t.equal((await post('append', { id: 'late', parts: {}, sequence: ['row'] })).status, 422);
  await detector.end();
  t.match(await ensemble.finished(), { completed_events: 122, total_events: 122, damaged: 0 });
  t.same(await reduced(scan), numbers(1, 120));
  for (const worker of workers) t.equal(await worker.stop(), 0, worker.words);
});

/** What only a controller writes, as bytes. */
async function controlKeys(redis: Redis): Promise<Record<string, string>> {
  const keys = (await redis.keys('dranspose:*')).filter(
    (key) => !/:config$|parameter_description|controller_lock$|:ready:/.test(key),
  );
  const found = await Promise.all(
    keys.sort().map(async (key) => [key, (await redis.dumpBuffer(key))?.toString('hex') ?? ''] as const),
  );
  return Object.fromEntries(found);
}

t.test('a controller that is stopped while another takes over writes nothing when it wakes up', async (t) => {
  const scan = await setUp(t, ['w1', 'w2'], { control: ['--transport', 'redis'] });
  const { ensemble, detector, redis } = scan;
  const first = ensemble.services[0]!;
  const second = ensemble.run('map-control', ['--port', '0', '--depth', '8', '--transport', 'redis']);
  await until('the second one waits', () => /another controller has the lock/.test(second.words));
  await ensemble.post(imageMap(300), 2);
  await play(detector, 300);
  await complete(ensemble, 50);
  first.signal('SIGSTOP');
  await redis.pexpire('dranspose:controller_lock', 1);
  ensemble.control = await until('the second one', () => /http:\/\/\S+/.exec(second.output)?.[0]);
  t.match(await ensemble.finished(), { completed_events: 302, damaged: 0 });
  t.same(await reduced(scan), numbers(1, 300));
  await until('the end is written', async () => (await redis.ttl('dranspose:controller:current')) > 0);
  const before = await controlKeys(redis);
  t.ok(Object.keys(before).length > 3);
  first.signal('SIGCONT');
  t.equal(await first.ended(), 4);
  t.match(first.words, /the lock of the controller was lost/);
  t.same(await controlKeys(redis), before, 'not one key has changed');
  t.equal(await redis.exists('dranspose:controller_lock'), 1, "the lock is the second one's");
  t.equal(await second.stop(), 0, second.words);
});
