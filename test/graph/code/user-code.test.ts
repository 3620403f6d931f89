import t from 'tap';
import { load, loadGraph, node, outputs, Run } from './graphs.ts';

/** User code in both languages behaves the same (spec graph.md 3.2). */

for (const file of ['reductions.mjs', 'reductions.py']) {
  t.test(`${file}: a reduction over workers, collectors and heartbeats`, async (t) => {
    const run = new Run((await loadGraph(t, [node('Accumulator', file, 'Total')])).graph);
    run.events([1], [2], [undefined], [4]);
    t.same(outputs(run.heartbeat()), { 'code.count': 3, 'code.sum': 7 });
    t.same(outputs(run.heartbeat()), {}, 'nothing new, nothing put out');
    run.events([8]);
    t.same(outputs(run.heartbeat()), { 'code.count': 4, 'code.sum': 15 });
    run.transition('Configure');
    run.events([16.5]);
    t.same(outputs(run.heartbeat()), { 'code.count': 1, 'code.sum': 16.5 }, 'from zero');
  });

  t.test(`${file}: one state per key`, async (t) => {
    const run = new Run((await loadGraph(t, [node('ReduceByKey', file, 'Total')])).graph);
    run.events([1, 'a'], [2, 'b'], [3, 'a'], [4, Number.NaN], [5, 'b']);
    const map = new Map([
      [
        'a',
        new Map([
          ['count', 2],
          ['sum', 4],
        ]),
      ],
      [
        'b',
        new Map([
          ['count', 2],
          ['sum', 7],
        ]),
      ],
    ]);
    t.same(outputs(run.heartbeat()), { 'code.map': map });
  });

  t.test(`${file}: a node that fails on an event gives nothing for it`, async (t) => {
    const name = file.endsWith('.py') ? 'Fails' : 'fails';
    const run = new Run((await loadGraph(t, [node('Accumulator', file, name)])).graph);
    run.events([1], [2], [3], [4], [6]);
    const record = run.heartbeat();
    t.same(outputs(record), { 'code.count': 3, 'code.sum': 7 });
    t.same([...record.errors], [['code', 2]]);
    t.match(run.failures, [/code 2: .*I do not like 3/, /code 4: .*I do not like 6/]);
  });

  t.test(`${file}: a map between nodes; null is nothing`, async (t) => {
    const nodes = [
      { id: 'plus', op: 'Map', in: { x: 'value' }, expr: 'x + 1' },
      { ...node('Map', file, 'twice'), id: 'double', in: { value: 'plus' } },
      { id: 'again', op: 'Map', in: { x: 'double', y: 'plus' }, expr: 'x + 100 * y' },
      { ...node('Map', file, 'twice'), id: 'fourfold', in: { value: 'again' } },
      { id: 'both', op: 'RollingBuffer', in: { value: 'fourfold', value2: 'plus' }, n: 10 },
      { id: 'early', op: 'RollingBuffer', in: { value: 'plus' }, n: 10 },
    ];
    const run = new Run((await loadGraph(t, nodes)).graph);
    run.events([1], [-3], [2]);
    const { 'both.buffer': both, 'early.buffer': early } = outputs(run.heartbeat());
    t.same(both, [
      [408, 2],
      [612, 3],
    ]);
    t.same(early, [2, -2, 3]);
  });

  t.test(`${file}: a map behind a global operation`, async (t) => {
    const nodes = [
      { id: 'sum', op: 'Accumulator', in: { value: 'value' }, with: 'sum' },
      { ...node('Map', file, 'twice'), in: { value: 'sum.value' } },
      { ...node('Accumulator', file, 'Total'), id: 'total', in: { value: 'code' } },
    ];
    const run = new Run((await loadGraph(t, nodes)).graph);
    run.events([1], [2]);
    t.same(outputs(run.heartbeat()), { 'total.count': 1, 'total.sum': 6 });
    run.events([3]);
    t.same(outputs(run.heartbeat()), { 'total.count': 2, 'total.sum': 18 });
  });

  t.test(`${file}: transitions reach the states, behind the heartbeat that they follow`, async (t) => {
    const run = new Run((await loadGraph(t, [node('Accumulator', file, 'PerStep')])).graph);
    run.events([1], [2]);
    t.same(outputs(run.heartbeat())['code.sum'], 3);
    run.transition('EndStep');
    run.events([3]);
    t.same(outputs(run.heartbeat())['code.sum'], 6);
    run.transition('BeginStep');
    run.events([4]);
    t.same(outputs(run.heartbeat())['code.sum'], 4);
    run.events([8]);
    run.issue();
    run.transition('BeginStep');
    t.same(outputs(run.deliver())['code.sum'], 12, 'an answer on its way is from before');
    run.events([16]);
    t.same(outputs(run.heartbeat())['code.sum'], 16);
  });

  t.test(`${file}: a state that cannot travel fails at once`, async (t) => {
    const name = file.endsWith('.py') ? 'NotPlain' : 'notPlain';
    const run = new Run((await loadGraph(t, [node('Accumulator', file, name)])).graph);
    run.events([1]);
    const record = run.heartbeat();
    t.same([...record.errors], [['code', 1]]);
    t.match(run.failures, [/cannot travel/]);
  });

  t.test(`${file}: what is no reduction or map is refused`, async (t) => {
    const refused = async (one: object) => {
      const { compiled } = await load(t, [one]);
      return 'problems' in compiled && compiled.problems;
    };
    t.match(await refused(node('Accumulator', file, 'nowhere')), [
      { error: 'bad-code', node: 'code', message: /nowhere/ },
    ]);
    t.match(await refused(node('Accumulator', file, 'twice')), [{ error: 'bad-code', message: /no method init, add/ }]);
    t.match(await refused(node('Binning', file, 'Total', { bins: 2, range: [0, 1] })), [
      { error: 'bad-code', message: /takes no code/ },
    ]);
    t.match(await refused(node('Map', file, 'Total')), [{ error: 'bad-code', message: /no function/ }]);
  });
}

t.test('a module gets parameters and arrays with their shape', async (t) => {
  const run = new Run((await loadGraph(t, [node('Accumulator', 'reductions.mjs', 'Above', { threshold: 2 })])).graph);
  const wave = (...numbers: number[]) => ({ dtype: 'float32', shape: [3], data: Float32Array.from(numbers) });
  run.events([wave(1, 2, 3)], [wave(4, 5, 6)]);
  t.same(outputs(run.heartbeat())['code.samples'], { dtype: 'float64', shape: [3], data: Float64Array.of(4, 5, 9) });
});
