import t from 'tap';
import { dealtGroups } from '../../../lib/graph/ops/dealt-groups.ts';
import { groups, PICKED, sliding } from '../../../lib/graph/ops/window.ts';
import type { Kernel } from '../../../lib/graph/types.ts';
import type { Value } from '../../../lib/graph/value.ts';
import { Random } from '../../random.ts';

/** Windows hold no more than they need, however long the run is (spec graph.md 2.6). */

const info = (event: number) => ({ event, heartbeat: 1, worker: 0 });

/** Values dealt over workers, heartbeat by heartbeat, merged into one state. */
function play<S>(
  kernel: Kernel<S>,
  values: readonly Value[],
  random: Random,
  each: (total: S, events: number) => void,
): S {
  const total = kernel.zero();
  const workers = Array.from({ length: 3 }, () => kernel.zero());
  for (let event = 0; event < values.length; ) {
    for (const end = Math.min(values.length, event + 500); event < end; event++)
      kernel.add(workers[random.below(3)]!, [values[event]!], info(event));
    for (const [i, state] of workers.entries()) {
      kernel.merge(total, kernel.take ? kernel.take(state) : state);
      if (!kernel.take) workers[i] = kernel.zero();
    }
    each(total, event);
  }
  return total;
}

t.test('unique: rows of equal values of any length, and what is kept of them', async (t) => {
  const random = new Random(5);
  const kernel = sliding(6, true);
  for (const stay of [0.5, 0.999, 0.99999]) {
    let value = 0;
    const values = Array.from({ length: 60_000 }, () => (random.chance(stay) ? value : ++value));
    let most = 0;
    const changes = values.map((x, i) => i === 0 || x !== values[i - 1]);
    let wrong = 0;
    play(kernel, values, random, (total, events) => {
      most = Math.max(most, total.entries.length);
      const wanted: number[] = [];
      for (let i = events - 1; i >= 0 && wanted.length < 6; i--) if (changes[i]) wanted.unshift(values[i]!);
      if (JSON.stringify(kernel.output(total)) !== JSON.stringify([wanted, events])) wrong++;
    });
    t.equal(wrong, 0, `a value stays with ${stay}`);
    t.ok(most < 45_000, `${most} entries at most`);
  }
});

t.test('sliding and groups: twice the window at most, with exactly the window in it', async (t) => {
  const random = new Random(6);
  const values = Array.from({ length: 20_000 }, (_, i) => i);
  for (const n of [1, 10, 3000, 50_000]) {
    const kernel = sliding(n, false);
    const total = play(kernel, values, random, ({ entries }) => {
      if (entries.length > 2 * n) t.fail(`${entries.length} entries for ${n}`);
    });
    t.same(kernel.output(total), [values.slice(-n), values.length]);
  }
  const kernel = groups(700, PICKED);
  let last: unknown;
  play(kernel, values, random, (total) => {
    kernel.settle!(total, { heartbeat: 1, dealtBefore: 0 });
    if (total.group) [last] = kernel.output(total);
    if (total.entries.length > 1400) t.fail(`${total.entries.length} entries`);
  });
  t.same(last, values.slice(28 * 700 - 700, 28 * 700));
});

t.test('groups by dealt events: sums of two groups at most wait on a worker', async (t) => {
  const kernel = dealtGroups(10, ['count', 'sum'], (count, sum) => [count, sum]);
  const state = kernel.zero();
  for (let event = 0; event < 1000; event++) kernel.add(state, [1], info(event));
  t.ok(state.groups.size <= 3, `${state.groups.size} groups`);
  const total = kernel.zero();
  kernel.merge(total, state);
  kernel.settle!(total, { heartbeat: 1, dealtBefore: 1000 });
  t.same(kernel.output(total), [10, 10]);
});
