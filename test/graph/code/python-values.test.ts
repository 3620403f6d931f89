import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type NumericArray, type Value, valueToJson } from '../../../lib/graph/value.ts';
import { findInterpreter } from '../../../lib/python/interpreter.ts';
import { loadGraph, node, outputs, Run } from './graphs.ts';

/** Values on their way to Python and back, with numpy and without. */

const WITHOUT_NUMPY = fileURLToPath(new URL('../../../python/tests/without_numpy', import.meta.url));

const array = (dtype: string, shape: number[], data: NumericArray): Value => ({ dtype, shape, data });

const VALUES: readonly Value[] = [
  0,
  -1.5,
  2 ** 53,
  1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  'text with "quotes" and ü',
  true,
  false,
  [1, 'two', [3]],
  [],
  new Map<string | number, Value>([
    ['a', 1],
    [2, [2.5]],
  ]),
  array('float64', [3], Float64Array.of(1, Number.NaN, -0)),
  array('float32', [2, 2], Float32Array.of(1, 2, 3, 4)),
  array('uint16', [4], Uint16Array.of(0, 1, 65535, 7)),
  array('int32', [1], Int32Array.of(-5)),
  array('uint8', [3], Uint8Array.of(0, 128, 255)),
  array('int8', [2], Int8Array.of(-128, 127)),
  array('int16', [2], Int16Array.of(-32768, 7)),
  array('uint32', [1], Uint32Array.of(4294967295)),
  array('int64', [2], Float64Array.of(-3, 2 ** 40)),
  array('uint64', [1], Float64Array.of(9)),
];

const { numpy } = await findInterpreter();

for (const way of numpy === undefined ? ['without'] : ['with', 'without']) {
  t.test(`${way} numpy: every kind of value comes back as it was`, async (t) => {
    const before = process.env.PYTHONPATH;
    if (way === 'without') process.env.PYTHONPATH = WITHOUT_NUMPY;
    t.teardown(() => {
      if (before === undefined) delete process.env.PYTHONPATH;
      else process.env.PYTHONPATH = before;
    });
    const nodes = [
      node('Map', 'reductions.py', 'same'),
      { id: 'all', op: 'RollingBuffer', in: { value: 'code' }, n: 100 },
    ];
    const run = new Run((await loadGraph(t, nodes, { workers: 1 })).graph);
    run.events(...VALUES.map((value) => [value]));
    const record = run.heartbeat();
    t.same(run.failures, []);
    t.same(valueToJson(record.outputs.get('all.buffer') as Value), VALUES.map(valueToJson));
  });

  t.test(`${way} numpy: arrays have a shape and give lists; states of lists; ports as a tuple`, async (t) => {
    if (way === 'without') process.env.PYTHONPATH = WITHOUT_NUMPY;
    t.teardown(() => {
      delete process.env.PYTHONPATH;
    });
    const run = new Run((await loadGraph(t, [node('Accumulator', 'reductions.py', 'Samples', { kind: 'k' })])).graph);
    run.events([array('uint16', [2], Uint16Array.of(1, 2))], [array('uint16', [2], Uint16Array.of(3, 4))]);
    t.same(outputs(run.heartbeat()), { 'code.samples': [4, 6], 'code.kind': 'k' });
  });
}

t.test('info says which event it is', async (t) => {
  const nodes = [node('Map', 'reductions.py', 'info'), { id: 'all', op: 'RollingBuffer', in: { value: 'code' }, n: 9 }];
  const run = new Run((await loadGraph(t, nodes)).graph);
  run.events([5], [6]);
  run.heartbeat();
  run.events([7]);
  t.same(outputs(run.heartbeat())['all.buffer'], [
    [0, 1, 0],
    [1, 1, 1],
    [2, 2, 0],
  ]);
});
