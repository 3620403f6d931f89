import t from 'tap';
import { checkLaws, type SampleEvent } from '../../lib/graph/check/law.ts';
import { differenceOf } from '../../lib/graph/check/near.ts';
import { uniform } from '../../lib/graph/random.ts';
import type { Value } from '../../lib/graph/value.ts';
import { loadGraph, node } from './code/graphs.ts';

const events: readonly SampleEvent[] = Array.from({ length: 60 }, (_, i) => [Math.sin(i) * 1e6, i % 3]);

t.test('what merges is accepted, also with rounding', async (t) => {
  const nodes = [
    { ...node('Accumulator', 'reductions.mjs', 'Total'), id: 'mjs' },
    { ...node('Accumulator', 'reductions.py', 'Total'), id: 'py' },
    { ...node('ReduceByKey', 'reductions.mjs', 'Total'), id: 'keys' },
    { id: 'mean', op: 'Average0D', in: { value: 'value' } },
    { id: 'pick', op: 'PickN', in: { value: 'value' }, n: 7 },
    { id: 'stats', op: 'StatsVsScan', in: { key: 'key', value: 'value' } },
  ];
  const { graph } = await loadGraph(t, nodes);
  t.same(checkLaws(graph, events, uniform(1)), []);
});

t.test('what does not merge is refused, by node', async (t) => {
  const nodes = [
    { ...node('Accumulator', 'reductions.mjs', 'LastOne'), id: 'last' },
    { ...node('Accumulator', 'unlawful.mjs', 'Mean'), id: 'mean' },
    { ...node('Accumulator', 'unlawful.mjs', 'OutputChanges'), id: 'output' },
    { ...node('Accumulator', 'unlawful.mjs', 'NotNeutral'), id: 'neutral' },
    { ...node('Accumulator', 'reductions.mjs', 'Total'), id: 'good' },
  ];
  const { graph } = await loadGraph(t, nodes);
  const broken = checkLaws(graph, events, uniform(2)).map(({ error, node: id }) => [error, id]);
  t.same(
    broken.sort(),
    ['last', 'mean', 'neutral', 'output'].map((id) => ['not-mergeable', id]),
  );
});

t.test('what keeps a reference to its inputs is refused', async (t) => {
  const nodes = ['KeepsInput', 'CopiesInput'].map((name) => ({
    ...node('Accumulator', 'unlawful.mjs', name),
    id: name,
  }));
  const { graph } = await loadGraph(t, nodes);
  const waves = events.map(
    ([x, key]): SampleEvent => [{ dtype: 'float64', shape: [1], data: Float64Array.of(1 + (x as number)) }, key],
  );
  t.match(checkLaws(graph, waves, uniform(3)), [{ error: 'not-mergeable', node: 'KeepsInput' }]);
});

t.test('differences up to rounding', async (t) => {
  const array = (...data: number[]): Value => ({
    dtype: 'float64',
    shape: [data.length],
    data: Float64Array.from(data),
  });
  t.equal(differenceOf(1, 1 + 1e-12), undefined);
  t.equal(differenceOf(Number.NaN, Number.NaN), undefined);
  t.equal(differenceOf(array(1e6, 1e-7), array(1e6, 2e-7)), undefined, 'against the largest');
  t.equal(differenceOf(array(1, 2), array(1, 3)), '[1]: 2, not 3');
  t.equal(differenceOf(array(1), array(1, 2)), ': 1 elements, not 2');
  t.equal(differenceOf(new Map([['a', 1]]), new Map([['b', 1]])), '{a}: 1, not nothing');
  t.equal(differenceOf([1, 'x'], [1, 'y']), '[1]: "x", not "y"');
  t.equal(differenceOf(undefined, 1), ': nothing, not 1');
});
