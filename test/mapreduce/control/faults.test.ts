import t, { type Test } from 'tap';
import { until } from '../../until.ts';
import { batches, Ensemble, type Shape } from './ensemble.ts';

/** Who dies, pauses or comes twice, in the middle of a scan (spec mapreduce.md 3.2, 3.5, 13, 16). */

/** The lock of a killed controller lasts 10 s. */
t.setTimeout(300_000);

const EVENTS = 150;
const SLOW: Shape = { workers: 3, ours: true, delayMs: 5 };

/** No event lost or doubled: every key once at the reducer, every event done by somebody once. */
async function checkWhole(t: Test, ensemble: Ensemble, events = EVENTS): Promise<void> {
  const progress = await ensemble.finished();
  t.match(progress, { completed_events: events + 2, total_events: events + 2, damaged: 0 });
  t.same(ensemble.problems, []);
  const data = [...(ensemble.reducer?.results ?? [])].filter(([key]) => {
    const event = Number(key.split(' ')[0]);
    return event > 0 && event <= events;
  });
  t.equal(data.length, events, 'a result of every event');
  t.same(
    data.filter(([, times]) => times !== 1),
    [],
    'and of none twice',
  );
}

for (const [name, shape] of Object.entries({
  'with credits': SLOW,
  'through Redis': { ...SLOW, flags: ['--transport', 'redis'] },
  'of the reference': { ...SLOW, ours: false },
})) {
  t.test(`services ${name}: a controller that is killed is followed by another one`, async (t) => {
    const ensemble = await Ensemble.start(t, shape);
    await ensemble.post(batches(EVENTS, 1));
    await ensemble.complete(30);
    await ensemble.control.end('SIGKILL');
    const second = ensemble.spawnControl();
    ensemble.control = second;
    await second.ready();
    t.match(second.stderr, /taken over at event/);
    await checkWhole(t, ensemble);
    t.equal(await second.end(), 0);
  });
}

t.test('a controller killed after the end: its successor says how the map ended, and takes another', async (t) => {
  const ensemble = await Ensemble.start(t, SLOW);
  await ensemble.post(batches(20, 1));
  const before = await ensemble.finished();
  await ensemble.control.end('SIGKILL');
  ensemble.control = ensemble.spawnControl();
  await ensemble.control.ready();
  const after = await ensemble.finished();
  t.match(after, { completed_events: 22, total_events: 22, damaged: 0, reason: 'complete' });
  t.same(after, before);
  await ensemble.post(batches(EVENTS, 1));
  t.match(await ensemble.finished(), { completed_events: EVENTS + 2, damaged: 0 });
});

t.test('a second controller waits, and takes over when the first one ends in order', async (t) => {
  const ensemble = await Ensemble.start(t, SLOW);
  const second = ensemble.spawnControl();
  await until('the second one waits', () => /another controller has the lock/.test(second.stderr));
  await ensemble.post(batches(EVENTS, 1));
  await ensemble.complete(30);
  t.equal(await ensemble.control.end(), 3, 'the first one says that events are not finished');
  ensemble.control = await second.ready();
  await checkWhole(t, ensemble);
});

t.test('a second controller that may not wait says who has the lock', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 0 });
  const second = ensemble.spawnControl(['--lock-wait', '0']);
  t.equal(await second.ended, 2);
  t.match(second.stderr, /another controller has kept the lock/);
});

t.test('a holder of the lock that was paused stops when it wakes up, and writes nothing', async (t) => {
  const ensemble = await Ensemble.start(t, SLOW);
  const first = ensemble.control;
  const second = ensemble.spawnControl();
  await ensemble.post(batches(EVENTS, 1));
  await ensemble.complete(30);
  first.process.kill('SIGSTOP');
  ensemble.control = await second.ready();
  await ensemble.complete(60);
  first.process.kill('SIGCONT');
  t.equal(await first.ended, 4);
  t.match(first.stderr, /the lock of the controller was lost/);
  await checkWhole(t, ensemble);
});

for (const [name, shape] of Object.entries({ 'with credits': SLOW, 'of the reference': { ...SLOW, ours: false } })) {
  t.test(`services ${name}: Redis is killed and comes back with its file`, async (t) => {
    const ensemble = await Ensemble.start(t, shape);
    await ensemble.post(batches(EVENTS, 1));
    await ensemble.complete(30);
    await ensemble.redis.kill();
    await ensemble.redis.restart();
    const progress = await ensemble.finished();
    t.match(progress, { completed_events: EVENTS + 2, damaged: 0 });
    const done = new Set(ensemble.workers.flatMap(({ done }) => done.map(({ event }) => event)));
    t.equal(done.size, EVENTS + 2);
    t.equal(await ensemble.control.end(), 0);
  });
}

t.test('a worker that dies: its events go to the others, results count once', async (t) => {
  const ensemble = await Ensemble.start(t, SLOW);
  await ensemble.post(batches(EVENTS, 5));
  await ensemble.complete(30);
  const [victim] = ensemble.workers;
  await victim!.kill({ delete: true });
  const progress = await ensemble.finished();
  t.match(progress, { completed_events: EVENTS + 2, damaged: 0 });
  const keys = [...(ensemble.reducer?.results.keys() ?? [])].map((key) => Number(key.split(' ')[0]));
  const data = new Set(keys.filter((event) => event > 0 && event <= EVENTS));
  t.equal(data.size, EVENTS, 'a result of every event');
});

t.test('a worker of the reference that dies with frames that nobody holds: the event is named as lost', async (t) => {
  const ensemble = await Ensemble.start(t, { ...SLOW, ours: false });
  const [victim] = ensemble.workers;
  victim!.stuckAt = 20;
  await ensemble.post(batches(EVENTS, 1));
  await ensemble.complete(EVENTS - 2);
  await victim!.kill({ delete: true });
  const progress = await ensemble.finished();
  t.match(progress, { completed_events: EVENTS + 2, damaged: 1 });
  t.match(ensemble.control.stderr, /event \d+ of w1 is lost: no frames/);
  t.equal(await ensemble.control.end(), 3);
  t.match(ensemble.control.stderr, /<W> map-control: LOSS in 152 = out 151 \+ damaged 1/);
});

t.test('a worker that comes late gets the start event and a share of the rest', async (t) => {
  const ensemble = await Ensemble.start(t, { ...SLOW, workers: 1 });
  await ensemble.post(batches(EVENTS, 1));
  await ensemble.complete(10);
  const late = await ensemble.addWorker('late', { ours: true });
  await checkWhole(t, ensemble);
  t.equal(late.done[0]?.event, 0);
  t.ok(late.done.length > 2);
});
