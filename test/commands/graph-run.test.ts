/** graph-run as people run it: cases, streams, simulated events, failures, signals (spec graph.md 1.6, 3.3, 5). */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { valueFromJson } from '../../lib/graph/value.ts';
import { executable, run } from '../executable.ts';
import { needsShared, SHARED } from '../golden.ts';
import {
  GRAPH,
  inconsistencies,
  lastOf,
  newFolder,
  type PrintedRecord,
  simulatedRun,
  sum,
  type Test,
  until,
} from '../graph/cluster.ts';
import { difference } from '../graph/compare.ts';

interface Line {
  outputs: Record<string, unknown>;
}

function linesOf<T = PrintedRecord>(stdout: Buffer): T[] {
  return stdout
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}

function written(test: Test, name: string, document: unknown): string {
  const file = join(newFolder(test), name);
  writeFileSync(file, JSON.stringify(document));
  return file;
}

/** A case of calls, one operation fed by hand. */
function callsCase(test: Test, sources: readonly string[], node: unknown, calls: readonly unknown[]): string {
  const graph = { graph: 1, name: 'page', sources: sources.map((name) => ({ name })), nodes: [node] };
  const head = { format: 'graph-case/1', case: 'page', kind: 'calls', workers: 2, collectors: 2, depth: 1 };
  return written(test, 'case.json', { ...head, graph, calls });
}

async function outputsOf(file: string, name: string): Promise<unknown[]> {
  const { stdout } = await run('graph-run', ['--events', file, '-f', 'jsonl']);
  return linesOf<Line>(stdout).map(({ outputs }) => outputs[name]);
}

t.test('the page: one message three times, then that twice, gives 48, 21 and 96, 42 (1.6)', async (t) => {
  const pair = (one: number, two: number) => ({
    $map: [
      [1, one],
      [2, two],
    ],
  });
  const event = (k: number, v: number) => ({ instance: 0, place: 'worker', data: { k, v } });
  const calls = [
    ...[event(1, 3), event(2, 7), event(1, 13)],
    ...[2, 2, 2].map((from) => ({ instance: 0, place: 'localCollector', from })),
    ...[5, 5].map((from) => ({ instance: 0, place: 'globalCollector', from })),
  ];
  const node = { id: 'sums', op: 'ReduceByKey', in: { key: 'k', value: 'v' }, with: 'sum' };
  const maps = await outputsOf(callsCase(t, ['k', 'v'], node, calls), 'sums.map');
  t.same(maps.slice(2), [pair(16, 7), pair(16, 7), pair(32, 14), pair(48, 21), pair(48, 21), pair(96, 42)]);
});

t.test('the page: 1 to 5 and 6 to 10 on two workers give 15 and 40, and 15, then 55 (1.6)', async (t) => {
  const calls = [
    ...[1, 2, 3, 4, 5].map((x) => ({ instance: 0, place: 'worker', data: { x } })),
    ...[6, 7, 8, 9, 10].map((x) => ({ instance: 1, place: 'worker', data: { x } })),
    { instance: 0, place: 'localCollector', from: 4 },
    { instance: 1, place: 'localCollector', from: 9 },
    { instance: 0, place: 'globalCollector', from: 10 },
    { instance: 0, place: 'globalCollector', from: 11 },
  ];
  const node = { id: 'acc', op: 'Accumulator', in: { value: 'x' }, with: 'sum' };
  const values = await outputsOf(callsCase(t, ['x'], node, calls), 'acc.value');
  t.same(values, [1, 3, 6, 10, 15, 6, 13, 21, 30, 40, 15, 40, 15, 55]);
});

t.test('cases through the executable, in every mode that they have', needsShared('data/graph'), async (t) => {
  const folder = join(SHARED, 'data/graph');
  for (const name of ['g93-page-reduce-by-key', 'g94-page-accumulator', 'g81-late-worker', 'x04-node-fails']) {
    const file = readdirSync(folder).find((one) => one === `${name}.json`) ?? '';
    const { expect } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      expect: { modes: string[]; rtol?: number; records: Line[] }[];
    };
    for (const { modes, records, rtol = 0 } of expect) {
      for (const mode of modes) {
        const flags = mode === 'ami' ? ['--ami-compat'] : [];
        const { stdout } = await run('graph-run', ['--events', join(folder, file), '-f', 'jsonl', ...flags]);
        const lines = linesOf<Line>(stdout);
        t.equal(lines.length, records.length, name);
        records.forEach(({ outputs }, i) => {
          for (const [output, value] of Object.entries(outputs))
            t.notOk(
              difference(valueFromJson(lines[i]!.outputs[output]), value, rtol),
              `${name} ${mode} ${i} ${output}`,
            );
        });
      }
    }
  }
});

t.test('a stream of dgrams: from a file, and from a pipe, for people and for programs', async (t) => {
  const { all } = await simulatedRun(400);
  const folder = newFolder(t);
  const [graph, file] = [written(t, 'graph.json', GRAPH), join(folder, 'run.xtc2')];
  writeFileSync(file, all);
  const args = ['--heartbeat', '150ev', '-W', '4', '-L', '2'];
  const fromFile = await run('graph-run', [graph, file, ...args, '-f', 'jsonl']);
  const fromPipe = await run('graph-run', [graph, '-', ...args, '-f', 'jsonl'], { stdin: 'pipe', input: all });
  t.same(fromFile.stdout, fromPipe.stdout);
  const records = linesOf(fromFile.stdout);
  t.same(
    records.map(({ dealt, included }) => [dealt, included]),
    [
      [150, 150],
      [150, 150],
      [100, 100],
    ],
  );
  t.same(inconsistencies(records, 400), []);
  t.match(fromFile, { status: 0, stderr: /<I> graph-run: OK in 400 = out 400; heartbeats 3/ });
  const text = await run('graph-run', [graph, file, ...args]);
  t.match(text.stdout.toString(), /^heartbeat 1: 150 of 150 events\n {2}all\.buffer/);
  const byTime = linesOf((await run('graph-run', [graph, file, '--heartbeat', '1s', '-f', 'jsonl'])).stdout);
  t.equal(sum(byTime, 'included'), 400);
  t.ok(byTime.length >= 4, '400 events at 102 Hz');
});

t.test('a name that is not in the input is named', async (t) => {
  const { all } = await simulatedRun(5);
  const graph = written(t, 'graph.json', {
    ...GRAPH,
    sources: [{ name: 'number', from: 'hsd:raw:cuonts' }, GRAPH.sources[1]],
  });
  const { stderr } = await run('graph-run', [graph, '-'], { stdin: 'pipe', input: all });
  t.match(stderr, /nothing in the input is called hsd:raw:cuonts/);
});

t.test('simulated events: a seed is a stream, bound counts once, static is ones', async (t) => {
  const worker = written(t, 'worker.json', {
    bound: 300,
    config: {
      x: { dtype: 'Scalar', range: [0, 10], integer: true },
      w: { dtype: 'Waveform', shape: [4] },
    },
  });
  const nodes = [
    { id: 'sum', op: 'Accumulator', in: { value: 'x' }, with: 'sum' },
    { id: 'mean', op: 'Average1D', in: { value: 'w' } },
  ];
  const graph = written(t, 'graph.json', { graph: 1, name: 'g', sources: [{ name: 'x' }, { name: 'w' }], nodes });
  const last = async (...args: string[]) => {
    const { stdout, status } = await run('graph-run', [graph, ...args, '--heartbeat', '100ev', '-f', 'jsonl']);
    t.equal(status, 0);
    return linesOf(stdout).at(-1)!.outputs;
  };
  const one = await last(`random:${worker}`, '--seed', '7');
  const many = await last(`random:${worker}`, '--seed', '7', '-W', '6', '-L', '3');
  for (const [name, value] of Object.entries(one))
    t.notOk(difference(valueFromJson(many[name]), value, 1e-12), `${name}, whoever works on it`);
  t.not((await last(`random:${worker}`, '--seed', '8'))['sum.value'], one['sum.value']);
  t.equal(one['sum.count'], 300);
  const ones = await last(`static:${worker}`);
  t.equal(ones['sum.value'], 300);
  t.same((ones['mean.mean'] as { data: number[] }).data, [1, 1, 1, 1]);
});

t.test('a failing node is counted, named once, and everything else goes on: status 3', async (t) => {
  const { all } = await simulatedRun(100);
  const nodes = [
    { id: 'bad', op: 'Map', in: { x: 'number' }, expr: '[1, 2][x]' },
    { id: 'gone', op: 'Accumulator', in: { value: 'bad' }, with: 'sum' },
    { id: 'sum', op: 'Accumulator', in: { value: 'number' }, with: 'sum' },
  ];
  const graph = written(t, 'graph.json', { ...GRAPH, nodes });
  const { stdout, status, stderr } = await run('graph-run', [graph, '-', '--heartbeat', '50ev', '-f', 'jsonl'], {
    stdin: 'pipe',
    input: all,
  });
  t.equal(status, 3);
  const records = linesOf(stdout);
  t.equal(lastOf(records, 'sum.count'), 100);
  t.equal(
    records.reduce((failed, { errors }) => failed + (errors?.bad ?? 0), 0),
    98,
  );
  t.equal(stderr.match(/node bad failed/g)?.length, 1, stderr);
  t.match(stderr, /<W> graph-run: LOSS in 100 = out 100/);
});

t.test('damaged input: what came before is in, status 3', async (t) => {
  const { all } = await simulatedRun(60);
  const graph = written(t, 'graph.json', GRAPH);
  const input = all.subarray(0, all.length - 700);
  const { status, stdout, stderr } = await run('graph-run', [graph, '-', '-f', 'jsonl'], { stdin: 'pipe', input });
  t.equal(status, 3, stderr);
  t.match(stderr, /incomplete-payload/);
  t.ok(sum(linesOf(stdout), 'included') > 50);
});

t.test('refusals and usage', async (t) => {
  const bad = written(t, 'graph.json', { ...GRAPH, nodes: [{ id: 'a', op: 'Average0D', in: { value: 'no' } }] });
  const refused = await run('graph-run', [bad, 'absent.xtc2']);
  t.match(refused, { status: 1, stderr: /unknown-input in node a/ });
  t.equal(refused.stdout.length, 0);
  const graph = written(t, 'graph.json', GRAPH);
  t.match(await run('graph-run', [graph, 'absent.xtc2']), { status: 2 });
  t.match(await run('graph-run', []), { status: 2, stderr: /which graph/ });
  t.match(await run('graph-run', [graph, '-', '--heartbeat', 'soon']), { status: 2, stderr: /no period/ });
  t.match(await run('graph-run', [graph, '-', '-W', '3', '-L', '2']), { status: 1, stderr: /bad-cluster/ });
  t.match(await run('graph-run', [written(t, 'g.json', { graph: 2 }), '-']), {
    status: 2,
    stderr: /graph: 1 is missing/,
  });
});

t.test('SIGINT: what was dealt is in the last record, status 130', async (t) => {
  const { head, events } = await simulatedRun(130);
  const graph = written(t, 'graph.json', GRAPH);
  const child = spawn(executable('graph-run'), [graph, '-', '--heartbeat', '50ev', '-f', 'jsonl'], { stdio: 'pipe' });
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.write(Buffer.concat([head, ...events]));
  await until(() => stdout.split('\n').length > 2, 'two records');
  child.kill('SIGINT');
  t.equal(await ended, 130);
  const records = linesOf(Buffer.from(stdout));
  t.same(inconsistencies(records, 130), []);
});
