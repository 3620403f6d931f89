import t from 'tap';
import { Supervisor } from '../../lib/supervise/run/supervisor.ts';
import { entry } from './entries.ts';
import { World } from './simulation.ts';

const SCHEDULES = 20_000;

t.test(`${SCHEDULES} random schedules: order, budget, nobody twice, stop always ends`, async (t) => {
  const seen = { spawns: 0, restarts: 0, kills: 0, stops: 0, blocked: 0, together: 0, late: 0 };
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const world = new World(seed);
    world.run(30);
    if (world.problems.length > 0) return t.fail(`seed ${seed}: ${world.problems.join('; ')}`);
    for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += world.seen[key];
  }
  for (const [what, count] of Object.entries(seen)) t.ok(count > 1000, `${what}: ${count}`);
});

const exit = (status: number) => ({ status, stages: [status] });
const restart = { when: 'on-failure', most: 2, within: 60 } as const;

t.test('restarts come at once, then after pauses, and then no more', async (t) => {
  const one = new Supervisor([entry('a', { restart })], 0);
  one.start(['a'], 0);
  t.same(one.takeOrders(), [{ kind: 'spawn', id: 'a' }]);
  one.exited('a', exit(1), 10);
  t.equal(one.nextTick(10), 0);
  one.tick(10);
  t.same(one.takeOrders(), [{ kind: 'spawn', id: 'a' }]);
  one.exited('a', exit(1), 20);
  t.equal(one.nextTick(20), 1000);
  one.tick(1020);
  t.same(one.takeOrders(), [{ kind: 'spawn', id: 'a' }]);
  one.exited('a', exit(1), 1030);
  t.match(one.entries[0], { state: 'failed', restarts: 2 });
  t.ok(one.idle);
});

t.test('started again while it is stopping, it comes up again', async (t) => {
  const one = new Supervisor([entry('a')], 0);
  one.start(['a'], 0);
  one.stop(['a'], 1);
  one.start(['a'], 2);
  one.takeOrders();
  one.exited('a', exit(130), 3);
  t.same(one.takeOrders(), [{ kind: 'spawn', id: 'a' }]);
});

t.test('one alone is stopped although those after it go on; whoever waits for a failed one fails', async (t) => {
  const two = new Supervisor([entry('a'), entry('b', { after: ['a'] })], 0);
  two.start(['b'], 0);
  two.ready('a', 1);
  two.takeOrders();
  two.stop(['a'], 2);
  t.same(two.takeOrders(), [{ kind: 'signal', id: 'a', signal: 'SIGINT' }]);
  const other = new Supervisor([entry('a'), entry('b', { after: ['a'] })], 0);
  other.start(['b'], 0);
  other.exited('a', exit(1), 1);
  t.same(
    other.entries.map(({ state }) => state),
    ['failed', 'failed'],
  );
});

t.test('those of one group go down in order when one of them ends, and come up together', async (t) => {
  const group = { together: 'run', restart };
  const all = new Supervisor(
    [
      entry('rec', { ...group, drain: 2 }),
      entry('drp', { ...group, after: ['rec'] }),
      entry('timing', { ...group, after: ['drp'] }),
    ],
    0,
  );
  all.start(['timing'], 0);
  for (const id of ['rec', 'drp', 'timing']) all.ready(id, 1);
  all.takeOrders();
  all.exited('drp', exit(137), 10);
  t.same(all.takeOrders(), [{ kind: 'signal', id: 'timing', signal: 'SIGINT' }], 'the last of the chain first');
  all.tick(10);
  t.same(all.takeOrders(), [], 'the one that ended waits for the others');
  all.exited('timing', exit(130), 20);
  t.same(all.takeOrders(), [], 'its writer has died, so it will end by itself');
  all.exited('rec', exit(3), 30);
  t.same(all.takeOrders(), [{ kind: 'spawn', id: 'rec' }]);
  all.ready('rec', 31);
  all.ready('drp', 32);
  t.same(
    all.takeOrders().map(({ id }) => id),
    ['drp', 'timing'],
  );
  t.same(
    all.entries.map(({ restarts }) => restarts),
    [0, 1, 0],
    'only the one that ended has used its budget',
  );
});

t.test('a reader whose writers are down may work off its input before it is told to end', async (t) => {
  const two = new Supervisor([entry('rec', { drain: 3, grace: 1 }), entry('drp', { after: ['rec'], drain: 3 })], 0);
  two.start(['drp'], 0);
  two.ready('rec', 0);
  two.ready('drp', 0);
  two.takeOrders();
  two.stop(['drp', 'rec'], 10);
  t.same(
    two.takeOrders(),
    [{ kind: 'signal', id: 'drp', signal: 'SIGINT' }],
    'nobody writes to it: it is told at once',
  );
  two.exited('drp', exit(130), 20);
  t.same(two.takeOrders(), []);
  t.match(two.entries[0], { state: 'stopping' });
  t.equal(two.nextTick(20), 3000);
  two.tick(3020);
  t.same(two.takeOrders(), [{ kind: 'signal', id: 'rec', signal: 'SIGINT' }]);
  two.tick(4020);
  t.same(two.takeOrders(), [{ kind: 'signal', id: 'rec', signal: 'SIGKILL' }]);
  two.exited('rec', exit(137), 4030);
  t.ok(two.idle);
});

t.test('who is not ready in time has failed, also with status 0', async (t) => {
  const one = new Supervisor([entry('a', { readyWithin: 2 }), entry('b', { after: ['a'] })], 0);
  one.start(['b'], 0);
  one.takeOrders();
  t.equal(one.nextTick(500), 1500);
  one.tick(2000);
  t.same(one.takeOrders(), [{ kind: 'signal', id: 'a', signal: 'SIGINT' }]);
  one.exited('a', exit(0), 2100);
  t.match(one.entries, [
    { state: 'failed', exit: { status: 1 } },
    { state: 'failed', exit: undefined },
  ]);
});
