import t from 'tap';
import { Supervisor } from '../../lib/supervise/run/supervisor.ts';
import { entry } from './entries.ts';
import { World } from './simulation.ts';

const SCHEDULES = 20_000;

t.test(`${SCHEDULES} random schedules: order, budget, nobody twice, stop always ends`, async (t) => {
  const seen = { spawns: 0, restarts: 0, kills: 0, stops: 0, blocked: 0 };
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
