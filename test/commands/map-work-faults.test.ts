/**
 * Death in scans of real processes: payloads, workers, reducers. Every event's result counts once or the event is named (spec mapreduce.md 3.2,
 * 3.4, 8, 13).
 */

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PROJECT } from '../executable.ts';
import { type Detector, Ensemble, imageMap, published, type Service, summed } from '../mapreduce/ensemble.ts';
import { until } from '../until.ts';

const FATE = { dies: 60001, hangs: 60002, raises: 60003, diesOnce: 60004 };
const EXAMPLES = join(PROJECT, 'examples/mapreduce');
const PYTHONPATH = join(PROJECT, 'test/mapreduce');
const REDUCE = ['--bind', 'tcp://127.0.0.1:*', '--port', '0'];

t.setTimeout(300_000);

async function setUp(t: Test): Promise<{ ensemble: Ensemble; detector: Detector }> {
  const ensemble = await Ensemble.start(t);
  return { ensemble, detector: await ensemble.detector(t, 'det') };
}

function python(ensemble: Ensemble, command: string, ...args: string[]): Service {
  return ensemble.run(command, args, { PYTHONPATH });
}

/** @param fates by event number; other images have their frame number */
async function play(detector: Detector, images: number, fates: Readonly<Record<number, number>> = {}): Promise<void> {
  await detector.start();
  for (let frame = 0; frame < images; frame++) await detector.image(frame, Uint16Array.of(fates[frame + 1] ?? frame));
  await detector.end();
}

const images = (count: number, except: readonly number[] = []) =>
  Array.from({ length: count }, (_, i) => i + 1).filter((event) => !except.includes(event));

const events = async (reducer: Service) => [...(await summed(await published(reducer))).keys()].sort((a, b) => a - b);

t.test('a payload that raises, dies or hangs costs the event at which it did', async (t) => {
  const { ensemble, detector } = await setUp(t);
  const worker = python(ensemble, 'map-work', 'fate:Worker', '--name', 'w1', '--event-timeout', '2');
  const reducer = python(ensemble, 'map-reduce', 'fate:Reducer', ...REDUCE);
  await ensemble.post(imageMap(30), 1);
  await play(detector, 30, { 5: FATE.raises, 6: FATE.raises, 11: FATE.dies, 20: FATE.hangs });
  const progress = await ensemble.finished();
  t.equal(progress.completed_events, 32);
  t.same(progress.damaged, 4);
  t.same(await events(reducer), images(30, [5, 6, 11, 20]));
  t.equal(await worker.stop(), 3);
  // A process that dies with several events at hand is started once more, to find out which it was.
  t.match(worker.words, /in 32 = out 28 \+ failed 4;.*restarts [234]/);
  t.equal(
    worker.words.match(/RuntimeError: as it was told/g)?.length,
    2,
    'once in the sentence, once in the traceback',
  );
  t.match(worker.words, /event 5: RuntimeError: as it was told \(.*fate\.py:\d+\)/);
  t.match(worker.words, /killed by SIGKILL; it is started anew/);
  t.match(worker.words, /has not answered for 2 s; it is started anew/);
});

t.test('--on-error retry: an event whose payload dies once is done at the second call', async (t) => {
  const { ensemble, detector } = await setUp(t);
  const worker = python(ensemble, 'map-work', 'fate:Worker', '--name', 'w1', '--on-error', 'retry=1');
  const reducer = ensemble.run('map-reduce', ['--js', join(EXAMPLES, 'histogram-reducer.mjs'), ...REDUCE]);
  await ensemble.post(imageMap(10), 1);
  await play(detector, 10, { 3: FATE.diesOnce });
  t.same((await ensemble.finished()).damaged, 0);
  t.same(await events(reducer), images(10));
  t.equal(await worker.stop(), 0, worker.words);
});

t.test('--on-error stop: the event is reported as failed, the worker ends with 1, others go on', async (t) => {
  const { ensemble, detector } = await setUp(t);
  const first = python(ensemble, 'map-work', 'fate:Worker', '--name', 'w1', '--on-error', 'stop');
  const reducer = python(ensemble, 'map-reduce', 'fate:Reducer', ...REDUCE);
  await ensemble.post(imageMap(20), 1);
  await play(detector, 20, { 5: FATE.raises });
  t.equal(await first.ended(), 1);
  python(ensemble, 'map-work', 'fate:Worker', '--name', 'w2');
  t.same((await ensemble.finished()).damaged, 1);
  t.same(await events(reducer), images(20, [5]));
});

t.test('kill -9 of a worker: another one does its events, and each result counts once', async (t) => {
  const { ensemble, detector } = await setUp(t);
  const workers = ['w1', 'w2', 'w3'].map((name) => python(ensemble, 'map-work', 'fate:Plain', '--name', name));
  const reducer = python(ensemble, 'map-reduce', 'fate:Reducer', ...REDUCE);
  await ensemble.post(imageMap(300), 3);
  await play(detector, 300);
  await until('some events', async () => (await ensemble.progress()).completed_events > 40);
  await workers[1]!.kill();
  const progress = await ensemble.finished();
  t.equal(progress.completed_events, 302);
  t.same(progress.damaged, 0);
  t.same(await events(reducer), images(300));
});

t.test('kill -9 of the reducer: its successor has everything from the journal, and nothing twice', async (t) => {
  const { ensemble, detector } = await setUp(t);
  for (const name of ['w1', 'w2']) python(ensemble, 'map-work', 'fate:Plain', '--name', name);
  const args = ['fate:Reducer', ...REDUCE, '--replay-results', 'results.cbors'];
  const first = python(ensemble, 'map-reduce', ...args);
  await ensemble.post(imageMap(200), 2);
  await play(detector, 200);
  await until('some results', async () => (await summed(await published(first))).size > 40);
  await first.kill();
  const second = python(ensemble, 'map-reduce', ...args);
  const progress = await ensemble.finished();
  t.equal(progress.completed_events, 202);
  t.same(progress.damaged, 0);
  // If the first one had accepted everything, the second may still be reading the journal.
  const found = await until('all results', async () => {
    const now = await events(second).catch(() => []);
    return now.length < 200 ? undefined : now;
  });
  t.same(found, images(200));
  t.equal(await second.stop(), 0, second.words);
  t.match(second.words, /results are taken from the journal/);
});

t.test('kill -9 of the reducer after the end: its successor serves the result again', async (t) => {
  const { ensemble, detector } = await setUp(t);
  python(ensemble, 'map-work', 'fate:Plain', '--name', 'w1');
  const args = ['--js', join(EXAMPLES, 'histogram-reducer.mjs'), ...REDUCE, '--replay-results', 'results.cbors'];
  const first = ensemble.run('map-reduce', args);
  await ensemble.post(imageMap(20), 1);
  await play(detector, 20);
  await ensemble.finished();
  await first.kill();
  const second = ensemble.run('map-reduce', args);
  await until('the journal to be read', () => second.words.includes('20 results are taken from the journal'));
  t.same(await until('the result', async () => await events(second).catch(() => undefined)), images(20));
});

t.test('kill -9 of the reducer without a journal: what is gone is said', async (t) => {
  const { ensemble, detector } = await setUp(t);
  python(ensemble, 'map-work', 'fate:Plain', '--name', 'w1');
  const first = python(ensemble, 'map-reduce', 'fate:Reducer', ...REDUCE);
  await ensemble.post(imageMap(100), 1);
  await play(detector, 100);
  await until('some results', async () => (await summed(await published(first))).size > 20);
  await first.kill();
  const second = python(ensemble, 'map-reduce', 'fate:Reducer', ...REDUCE);
  t.equal((await ensemble.finished()).completed_events, 102);
  const kept = (await events(second)).length;
  t.equal(await second.stop(), 3);
  const gone = Number(/what was made of (\d+) accepted results is gone/.exec(second.words)?.[1]);
  t.equal(gone + kept, 100, second.words);
});

t.test('a result that kills the reducer class is refused, all others are reduced', async (t) => {
  const { ensemble, detector } = await setUp(t);
  ensemble.run('map-work', ['--js', join(EXAMPLES, 'sums-worker.mjs'), '--name', 'w1']);
  const args = ['fate:Reducer', ...REDUCE, '--replay-results', 'results.cbors'];
  const reducer = python(ensemble, 'map-reduce', ...args);
  await ensemble.post(imageMap(40), 1);
  await play(detector, 40, { 7: FATE.diesOnce, 20: FATE.dies });
  const progress = await ensemble.finished();
  t.same(progress.damaged, 1);
  t.same(await events(reducer), images(40, [20]));
  t.equal(await reducer.stop(), 3);
  t.match(reducer.words, /in 40 = out 39 \+ refused 1/);
});
