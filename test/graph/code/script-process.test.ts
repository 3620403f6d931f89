import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadGraph, node, outputs, Run } from './graphs.ts';

/** The Python process: what hangs, dies or is stopped costs the events at which it did so, and nothing else (spec graph.md 2.7, 3.2). */

const SHORT_MS = 1000;

/** Process ids of our children that run user code. */
function children(): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split(
    '\n',
  );
  return lines.filter((line) => line.includes('daqpipe.graph')).map((line) => Number.parseInt(line, 10));
}

t.test('a script that dies or hangs at an event fails there; all other events count', async (t) => {
  const nodes = [node('Accumulator', 'reductions.py', 'Fatal')];
  const { graph, loader, said } = await loadGraph(t, nodes, { workers: 1, limit: SHORT_MS });
  const run = new Run(graph);
  run.events([1], [2]);
  t.same(outputs(run.heartbeat()), { 'code.count': 2, 'code.sum': 3 });
  run.events([4], [5], [8], [7], [16]);
  const record = run.heartbeat();
  t.same(outputs(record), { 'code.count': 5, 'code.sum': 31 });
  t.same([...record.errors], [['code', 2]]);
  t.match(run.failures, [/code 3: .*it ended/, /code 5: .*did not answer within 1 s/]);
  t.equal(loader.restarts, 2);
  t.equal(said.length, 2);
});

t.test('a map that hangs gives nothing for that event; nodes behind it are skipped', async (t) => {
  const nodes = [
    node('Map', 'reductions.py', 'hangs_at_7'),
    { id: 'all', op: 'RollingBuffer', in: { value: 'code' }, n: 9 },
  ];
  const run = new Run((await loadGraph(t, nodes, { limit: SHORT_MS })).graph);
  run.events([5], [6], [7], [8]);
  const record = run.heartbeat();
  t.same(outputs(record)['all.buffer'], [5, 6, 8]);
  t.same([...record.errors], [['code', 1]]);
});

t.test('a script that dies three times in a row is switched off until the next Configure', async (t) => {
  const { graph, loader } = await loadGraph(t, [node('Accumulator', 'reductions.py', 'DiesAlways')], { workers: 1 });
  const run = new Run(graph);
  run.events([1], [2], [3], [4], [5]);
  t.same([...run.heartbeat().errors], [['code', 5]]);
  t.match(run.failures.at(2), /\(off\)/);
  run.events([6]);
  t.same([...run.heartbeat().errors], [], 'it does not run any more');
  const { restarts } = loader;
  run.transition('Configure');
  run.events([7]);
  t.same([...run.heartbeat().errors], [['code', 1]]);
  t.equal(loader.restarts, restarts + 1);
});

t.test('a process that is stopped by somebody is replaced; one that was killed between events too', async (t) => {
  const nodes = [node('Accumulator', 'reductions.py', 'Total')];
  const run = new Run((await loadGraph(t, nodes, { workers: 1, limit: SHORT_MS })).graph);
  run.events([1]);
  run.heartbeat();
  process.kill(children()[0]!, 'SIGSTOP');
  run.events([2]);
  t.same(outputs(run.heartbeat()), { 'code.count': 2, 'code.sum': 3 }, 'it was at no event: all are asked about again');
  process.kill(children().at(-1)!, 'SIGKILL');
  run.events([4]);
  t.same(outputs(run.heartbeat()), { 'code.count': 3, 'code.sum': 7 });
});

t.test('one process for all nodes and workers, and none after the end', async (t) => {
  const nodes = ['a', 'b', 'c'].map((id) => ({ ...node('Accumulator', 'reductions.py', 'Total'), id }));
  const { graph, loader } = await loadGraph(t, nodes, { workers: 3 });
  const run = new Run(graph);
  run.events([1], [2], [3]);
  t.equal(outputs(run.heartbeat())['c.sum'], 6);
  t.equal(children().length, 1);
  loader.close();
  loader.close();
  while (children().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
});

t.test('a script may print as much as it likes', async (t) => {
  const nodes = [
    node('Map', 'reductions.py', 'talks'),
    { id: 'all', op: 'Accumulator', in: { value: 'code' }, with: 'sum' },
  ];
  const program = `
    import { loadGraph, node, outputs, Run } from ${JSON.stringify(new URL('./graphs.ts', import.meta.url).href)};
    const { graph, loader } = await loadGraph({ teardown() {} }, ${JSON.stringify(nodes)});
    const run = new Run(graph);
    for (let i = 0; i < 500; i++) run.events([i]);
    process.stdout.write(String(outputs(run.heartbeat())['all.value']));
    loader.close();`;
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const said = execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.equal(said, String((499 * 500) / 2));
});

t.test('many events: batches are cut, order and sums stay', async (t) => {
  const nodes = [
    node('Accumulator', 'reductions.py', 'Total'),
    { ...node('Map', 'reductions.py', 'same'), id: 'echo' },
    { id: 'all', op: 'RollingBuffer', in: { value: 'echo' }, n: 5000 },
  ];
  const run = new Run((await loadGraph(t, nodes, { workers: 2 })).graph);
  const numbers = Array.from({ length: 3000 }, (_, i) => i);
  run.events(...numbers.map((i) => [i]));
  const { 'code.sum': sum, 'all.buffer': all } = outputs(run.heartbeat());
  t.equal(sum, (2999 * 3000) / 2);
  t.same(all, numbers);
});
