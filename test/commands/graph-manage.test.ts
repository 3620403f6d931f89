/** Clusters of processes: the same records as in one process, graphs replaced while running, strangers on sockets (spec graph.md 2, 5). */

import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { Dealer, Push } from 'zeromq';
import { valueFromJson } from '../../lib/graph/value.ts';
import { encodeFrame } from '../../lib/graph/wire/frame.ts';
import { executable, PROJECT, run } from '../executable.ts';
import {
  Cluster,
  GRAPH,
  inconsistencies,
  lastOf,
  newFolder,
  type PrintedRecord,
  simulatedRun,
  sum,
  until,
} from '../graph/cluster.ts';
import { difference } from '../graph/compare.ts';

/** What differs between the records of a cluster and those of graph-run. */
function differences(got: readonly PrintedRecord[], wanted: readonly PrintedRecord[]): string[] {
  const found = got.length === wanted.length ? [] : [`${got.length} records, not ${wanted.length}`];
  wanted.forEach(({ outputs, ...rest }, i) => {
    const own = got[i];
    if (!own) return;
    const { outputs: values, ...head } = own;
    if (JSON.stringify(head) !== JSON.stringify(rest))
      found.push(`${JSON.stringify(head)}, not ${JSON.stringify(rest)}`);
    if (Object.keys(values).join() !== Object.keys(outputs).join()) found.push(`record ${i} has other outputs`);
    for (const [name, value] of Object.entries(outputs)) {
      const where = difference(valueFromJson(values[name]), value, 1e-12);
      if (where) found.push(`record ${i}: ${name}${where}`);
    }
  });
  return found;
}

function recordsOf(stdout: Buffer): PrintedRecord[] {
  return stdout
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as PrintedRecord);
}

for (const [workers, collectors, queue] of [
  [1, 1, '4M'],
  [2, 1, '20k'],
  [3, 3, '1k'],
  [4, 2, '50k'],
] as const) {
  t.test(
    `${workers} workers and ${collectors} local collectors, ${queue} in queues: the records of graph-run`,
    async (t) => {
      const { all } = await simulatedRun(1000);
      const folder = newFolder(t);
      const graph = join(folder, 'graph.json');
      writeFileSync(graph, JSON.stringify(GRAPH));
      const alone = await run('graph-run', [graph, '-', '--heartbeat', '130ev', '-f', 'jsonl'], {
        stdin: 'pipe',
        input: all,
      });
      const manage = ['--heartbeat', '130ev', '--deadline', '60s', '--queue', queue];
      const cluster = new Cluster(t, { workers, collectors, manage });
      cluster.write(all);
      await cluster.end();
      t.same(differences(cluster.global.records, recordsOf(alone.stdout)), [], cluster.words());
      t.same(inconsistencies(cluster.global.records, 1000), []);
      for (const process of [cluster.manager, cluster.global, ...cluster.locals, ...cluster.workers])
        t.equal((await process.ended).status, 0, process.stderr);
      t.match(cluster.manager.stderr, /<I> graph-manage: OK in 1000 = out 1000; heartbeats 8; issue to record/);
    },
  );
}

t.test('simulated events are dealt as values, with the numbers of graph-run', async (t) => {
  const folder = newFolder(t);
  const [file, graph] = [join(folder, 'worker.json'), join(folder, 'graph.json')];
  const config = { x: { dtype: 'Scalar', range: [0, 9], integer: true }, w: { dtype: 'Waveform', shape: [16] } };
  writeFileSync(file, JSON.stringify({ interval: 0.001, bound: 500, config }));
  const nodes = [
    { id: 'mean', op: 'Average1D', in: { value: 'w' } },
    { id: 'sums', op: 'ReduceByKey', in: { key: 'x', value: 'x' }, with: 'sum' },
    { id: 'last', op: 'Latest', in: { value: 'w' } },
  ];
  writeFileSync(graph, JSON.stringify({ graph: 1, name: 'values', sources: [{ name: 'x' }, { name: 'w' }], nodes }));
  const alone = await run('graph-run', [graph, `random:${file}`, '--heartbeat', '100ev', '-f', 'jsonl', '--seed', '5']);
  const cluster = new Cluster(t, { workers: 2, collectors: 1 });
  await cluster.manager.kill();
  const at = ['--at', cluster.at, '-W', '2', '--heartbeat', '100ev', '--deadline', '60s', '--seed', '5'];
  const managed = await run('graph-manage', [graph, `random:${file}`, ...at]);
  t.equal(managed.status, 0, managed.stderr);
  await cluster.global.ended;
  t.same(differences(cluster.global.records, recordsOf(alone.stdout)), []);
});

t.test('another graph is put in force while events come: what did not change goes on, the rest begins', async (t) => {
  const { head, events, tail } = await simulatedRun(900);
  const cluster = new Cluster(t, { workers: 2, collectors: 2, manage: ['--heartbeat', '50ev', '--deadline', '60s'] });
  cluster.write(head, ...events.slice(0, 310));
  await cluster.included(300);
  const replace = (graph: unknown) => {
    const file = join(cluster.folder, 'other.json');
    writeFileSync(file, JSON.stringify(graph));
    return run('graph-manage', ['replace', file, '--at', cluster.at]);
  };
  const nodes = GRAPH.nodes.filter(({ id }) => id !== 'mean');
  const bad = await replace({ ...GRAPH, nodes: [...nodes, { id: 'mean', op: 'Median', in: { value: 'energy' } }] });
  t.match(bad, { status: 1, stderr: /unknown-op in node mean/ });
  const sources = [...GRAPH.sources, { name: 'x', from: 'gmd:raw:xpos', type: 'float' }];
  const changed = [
    ...nodes.map((node) => (node.id === 'pick' ? { ...node, n: 5 } : node)),
    { id: 'wide', op: 'Average0D', in: { value: 'x' } },
    { id: 'mean', op: 'Average0D', in: { value: 'energy' } },
  ];
  const good = await replace({ ...GRAPH, sources, nodes: changed });
  t.equal(good.status, 0, good.stderr);
  const from = Number(/version \d+ from heartbeat (\d+) on/.exec(good.stdout.toString())?.[1]);
  t.equal(from, 8, 'the heartbeat behind the open one');
  cluster.write(...events.slice(310, 600));
  await cluster.included(500);
  writeFileSync(cluster.graphFile, JSON.stringify({ ...GRAPH, nodes: GRAPH.nodes.filter(({ id }) => id !== 'pick') }));
  cluster.manager.child.kill('SIGHUP');
  await cluster.manager.says(/version \d+, is in force from heartbeat \d+ on/s);
  await until(() => (cluster.manager.stderr.match(/is in force/g) ?? []).length === 2, 'the second change');
  cluster.write(...events.slice(600), tail);
  await cluster.end();
  const { records } = cluster.global;
  t.same(inconsistencies(records, 900), [], cluster.words());
  t.equal(records.find(({ outputs }) => 'wide.count' in outputs)?.heartbeat, from);
  t.equal(
    lastOf(
      records.filter(({ heartbeat }) => heartbeat === from),
      'wide.count',
    ),
    50,
  );
  t.equal(
    (
      lastOf(
        records.filter(({ heartbeat }) => heartbeat === from),
        'pick.list',
      ) as unknown[]
    ).length,
    5,
  );
  t.equal(lastOf(records, 'mean.count'), 900, 'an unchanged node keeps what it has');
  const last = records.at(-1)!;
  t.notOk('pick.list' in last.outputs || 'wide.count' in last.outputs, 'nodes that went give nothing');
});

t.test('code files are loaded where each process is: another file refuses the graph for all', async (t) => {
  const { head, events, tail } = await simulatedRun(400);
  const cluster = new Cluster(t, { workers: 2, collectors: 1, manage: ['--heartbeat', '50ev', '--deadline', '60s'] });
  const code = (factor: number) => `export const Sum = {
    ports: ['value'], init: () => ({ sum: 0 }), add: (s, { value }) => ({ sum: s.sum + ${factor} * value }),
    merge: (a, b) => ({ sum: a.sum + b.sum }), output: ({ sum }) => ({ value: sum }) };`;
  const elsewhere = join(cluster.folder, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(cluster.folder, 'sum.mjs'), code(2));
  writeFileSync(join(elsewhere, 'sum.mjs'), code(3));
  await cluster.workers[1]!.kill();
  cluster.workers[1] = cluster.startWorker(1, '--code-dir', elsewhere);
  cluster.write(head, ...events.slice(0, 120));
  await cluster.included(100);
  const other = join(cluster.folder, 'other.json');
  const twice = { id: 'twice', op: 'Accumulator', in: { value: 'number' }, code: { file: 'sum.mjs', name: 'Sum' } };
  writeFileSync(other, JSON.stringify({ ...GRAPH, nodes: [...GRAPH.nodes, twice] }));
  const replace = () => run('graph-manage', ['replace', other, '--at', cluster.at]);
  t.match(await replace(), { status: 1, stderr: /code-mismatch in node twice: sum\.mjs .* \(worker 1\)/ });
  writeFileSync(join(elsewhere, 'sum.mjs'), code(2));
  const good = await replace();
  t.equal(good.status, 0, good.stderr);
  cluster.write(...events.slice(120), tail);
  await cluster.end();
  const { records } = cluster.global;
  t.same(inconsistencies(records, 400), [], cluster.words());
  const all = lastOf(records, 'all.buffer') as number[];
  const sumOfRest = all.slice(150).reduce((a, b) => a + b, 0);
  t.equal(lastOf(records, 'twice.value'), 2 * sumOfRest);
});

t.test('metrics: what each worker was dealt and has answered, how old things are', async (t) => {
  const { head, events, tail } = await simulatedRun(300);
  const manage = ['--heartbeat', '50ev', '--deadline', '60s', '--metrics', '0'];
  const cluster = new Cluster(t, { workers: 2, collectors: 1, manage });
  cluster.write(head, ...events.slice(0, 260));
  await cluster.included(250);
  await cluster.manager.says(/metrics at http/);
  const url = /metrics at (\S+)/.exec(cluster.manager.stderr)![1]!;
  let text = '';
  while (!/heartbeats"[^}]*} 5/.test(text)) text = await (await fetch(url)).text();
  for (const worker of [0, 1]) {
    t.match(text, new RegExp(`worker_dealt_total\\{worker="${worker}".*} 130`));
    t.match(text, new RegExp(`worker_answered_total\\{worker="${worker}".*} 125`));
    t.match(text, new RegExp(`worker_expected\\{worker="${worker}".*} 1`));
  }
  t.match(text, /daqpipe_latency_seconds\{quantile="p99"/);
  t.match(text, /daqpipe_open_heartbeats\{.*} 0/);
  t.match(text, /daqpipe_unaccounted\{.*} 0/);
  cluster.manager.child.kill('SIGUSR1');
  await cluster.manager.says(/in 260 = out 250 \+ unanswered-worker-0 5 \+ unanswered-worker-1 5/);
  cluster.write(...events.slice(260), tail);
  await cluster.end();
});

t.test('strangers on sockets are counted, and change nothing', async (t) => {
  const { head, events, tail } = await simulatedRun(400);
  const cluster = new Cluster(t, { workers: 1, collectors: 1, manage: ['--heartbeat', '50ev', '--deadline', '60s'] });
  cluster.write(head, ...events.slice(0, 200));
  await cluster.included(150);
  const path = (name: string) => join(cluster.folder, name);
  for (const name of ['m.sock', 'm-local0.sock', 'm-global.sock']) {
    const raw = createConnection(path(name));
    raw.on('error', () => {});
    raw.write(Buffer.alloc(5000, 7));
    raw.end();
  }
  const answer = { kind: 'answer', sender: 99, answer: { heartbeat: 'x' } };
  const junk = [
    Buffer.alloc(0),
    Buffer.from('hello'),
    Buffer.from([255, 255, 255, 255, 1, 2, 3]),
    encodeFrame(null),
    encodeFrame({ kind: 'constructor' }),
    encodeFrame({ kind: 'hello', role: 'king', id: 0 }),
    encodeFrame({ kind: 'closed', heartbeat: -1 }),
    encodeFrame(answer),
    encodeFrame({ kind: 'last', sender: 17 }),
    encodeFrame({ kind: 'finished' }),
    encodeFrame({ kind: 'ack', bytes: 1e300 }),
  ];
  for (const [name, Kind] of [
    ['m.sock', Dealer],
    ['m-local0.sock', Push],
    ['m-global.sock', Push],
  ] as const) {
    const socket = new Kind({ linger: 1000 });
    socket.connect(`ipc://${path(name)}`);
    for (const frame of junk) await socket.send(frame);
    await socket.send(['two', 'parts']);
    socket.close();
  }
  await cluster.manager.says(/from a client:/);
  await cluster.locals[0]!.says(/from below:/);
  await cluster.global.says(/from below:/);
  cluster.write(...events.slice(200), tail);
  await cluster.end();
  t.same(inconsistencies(cluster.global.records, 400), [], cluster.words());
  t.equal(sum(cluster.global.records, 'included'), 400);
  t.equal((await cluster.manager.ended).status, 0);
});

t.test('a signal ends the run in order', async (t) => {
  const { head, events } = await simulatedRun(300);
  const cluster = new Cluster(t, { workers: 2, collectors: 1, manage: ['--heartbeat', '50ev', '--deadline', '60s'] });
  cluster.write(head, ...events.slice(0, 280));
  await cluster.included(250);
  cluster.manager.child.kill('SIGINT');
  await cluster.end();
  t.equal((await cluster.manager.ended).status, 130);
  t.equal(sum(cluster.global.records, 'included'), 280);
});

t.test('usage, refusals, and nobody there', async (t) => {
  const folder = newFolder(t);
  const at = ['--at', `zmq+ipc://${folder}/m.sock`];
  const graph = join(folder, 'graph.json');
  writeFileSync(graph, JSON.stringify({ ...GRAPH, nodes: [{ id: 'a', op: 'Average0D', in: { value: 'nothing' } }] }));
  t.match(await run('graph-manage', [graph, '-', ...at]), { status: 1, stderr: /unknown-input in node a/ });
  writeFileSync(graph, JSON.stringify(GRAPH));
  t.match(await run('graph-manage', [graph, '-', '-W', '3', '-L', '2', ...at]), { status: 1, stderr: /bad-cluster/ });
  t.match(await run('graph-manage', [join(folder, 'absent.json'), '-', ...at]), { status: 2 });
  t.match(await run('graph-manage', [graph, join(folder, 'absent.xtc2'), ...at]), { status: 2 });
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  const open = ['--at', `zmq+ipc://${folder}/open/m.sock`];
  t.match(await run('graph-manage', [graph, '-', ...open]), { status: 2, stderr: /open to others/ });
  t.match(await run('graph-manage', ['replace', ...at]), { status: 2 });
});

t.test('the example starts a whole cluster by one line, and ends it', async (t) => {
  const { all } = await simulatedRun(300);
  const script = join(PROJECT, 'examples/graph/cluster.sh');
  const example = join(PROJECT, 'examples/graph/energy.yaml');
  executable('graph-manage');
  const options = ['4', '2', '--heartbeat', '100ev', '--deadline', '60s'];
  const { stdout, stderr } = await execa(script, [example, '-', ...options], { input: all });
  t.match(stdout, /heartbeat 3: 100 of 100 events\n {2}mean.mean .*\n {2}mean.count +300\n/, stderr);
  const refused = await execa(script, [example, join(PROJECT, 'absent'), '1', '1'], { reject: false });
  t.equal(refused.exitCode, 2, 'and nobody is left behind');
});
