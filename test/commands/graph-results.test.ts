/** What becomes of records: snapshots, plots, choices, and the way into a browser (graph-run, graph-collect --global). */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { executable, run } from '../executable.ts';
import {
  Cluster,
  newFolder,
  type PrintedRecord,
  Process,
  simulatedRun,
  sum,
  type Test,
  until,
} from '../graph/cluster.ts';
import { needsTerminal, terminalOf } from '../terminal.ts';

const GRAPH = {
  graph: 1,
  name: 'results',
  sources: [
    { name: 'x', type: 'float' },
    { name: 'image', type: 'float32[8,8]' },
  ],
  nodes: [
    { id: 'avg', op: 'Average0D', in: { value: 'x' } },
    { id: 'hist', op: 'Binning', in: { value: 'x' }, bins: 10, range: [0, 1] },
    { id: 'mean', op: 'Average2D', in: { value: 'image' } },
  ],
  outputs: ['avg.mean', 'avg.count', 'hist.counts', 'mean.mean'],
};
const CONFIG = { x: { dtype: 'Scalar' }, image: { dtype: 'Image', shape: [8, 8] } };

/** A graph, and events for it that nobody has to record. */
function files(test: Test, bound: number, interval = 0) {
  const folder = newFolder(test);
  const [graph, events] = [join(folder, 'graph.json'), join(folder, 'worker.json')];
  writeFileSync(graph, JSON.stringify(GRAPH));
  writeFileSync(events, JSON.stringify({ bound, interval, config: CONFIG }));
  return { folder, args: [graph, `random:${events}`] };
}

const records = (stdout: Buffer) =>
  stdout
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as PrintedRecord);

/** The heartbeat of an .npz file. @throws if the file is not whole */
function heartbeatOf(file: string): number {
  const bytes = readFileSync(file);
  const end = bytes.length - 22;
  const whole =
    end > 0 &&
    bytes.readUInt32LE(end) === 0x06054b50 &&
    bytes.readUInt32LE(end + 16) + bytes.readUInt32LE(end + 12) === end;
  if (!whole) throw new Error(`half a file of ${bytes.length} bytes`);
  const at = bytes.indexOf('heartbeat.npy');
  return Number(bytes.readBigInt64LE(at + 'heartbeat.npy'.length + 128));
}

t.test('a reader of the snapshot finds a whole file at any moment, and none that is older than the last', async (t) => {
  const { folder, args } = files(t, 3000);
  const snapshot = join(folder, 'latest.npz');
  const graph = new Process(t, 'graph-run', [...args, '--heartbeat', '1ev', '--last', '--snapshot', snapshot]);
  const seen: number[] = [];
  await until(() => {
    if (readdirSync(folder).includes('latest.npz')) seen.push(heartbeatOf(snapshot));
    return graph.over;
  }, 'the end');
  t.same(await graph.ended, { status: 0, signal: null }, graph.stderr);
  t.same(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  t.ok(new Set(seen).size > 2, `${new Set(seen).size} different files were seen`);
  t.equal(heartbeatOf(snapshot), 3000);
  t.match(graph.stdout, /^heartbeat 3000: 1 of 1 events\n {2}avg\.mean/);
  t.same(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

t.test('killed while it writes, the last whole file stays', async (t) => {
  const { folder, args } = files(t, 1e7);
  const snapshot = join(folder, 'latest.npz');
  const graph = new Process(t, 'graph-run', [...args, '--heartbeat', '1ev', '--last', '--snapshot', snapshot]);
  await until(() => readdirSync(folder).includes('latest.npz') && heartbeatOf(snapshot) > 50, 'some heartbeats');
  await graph.kill();
  t.ok(heartbeatOf(snapshot) > 50);
});

t.test('every format, by the ending of the name', async (t) => {
  const { folder, args } = files(t, 30);
  for (const [name, magic] of [
    ['a.npz', 'PK\x03\x04'],
    ['a.h5', '\x89HDF\r\n\x1a\n'],
    ['a.npy', '\x93NUMPY'],
    ['a.json', '{"graph":"results"'],
  ] as const) {
    const file = join(folder, name);
    const names = name.endsWith('.npy') ? ['--names', 'mean.mean'] : [];
    const { status, stderr } = await run('graph-run', [
      ...args,
      '--snapshot',
      file,
      '--snapshot-every',
      '100',
      ...names,
    ]);
    t.equal(status, 0, stderr);
    t.equal(readFileSync(file).subarray(0, magic.length).toString('latin1'), magic, name);
  }
});

t.test('chosen outputs, every so many heartbeats, the last record', async (t) => {
  const { args } = files(t, 95);
  const printed = async (...more: string[]) =>
    records((await run('graph-run', [...args, '--heartbeat', '10ev', '-f', 'jsonl', ...more])).stdout);
  const all = await printed();
  t.equal(all.length, 10);
  const some = await printed('--every', '4', '--names', 'avg');
  t.same(
    some.map(({ heartbeat, dealt, included }) => [heartbeat, dealt, included]),
    [
      [4, 40, 40],
      [8, 40, 40],
      [10, 15, 15],
    ],
  );
  t.same(
    some.map(({ outputs }) => Object.keys(outputs)),
    [1, 2, 3].map(() => ['avg.mean', 'avg.count']),
  );
  t.equal(some.at(-1)!.outputs['avg.mean'], all.at(-1)!.outputs['avg.mean']);
  t.same(await printed('--last'), [all.at(-1)]);
});

t.test('mistakes are told before anything runs', async (t) => {
  const { folder, args } = files(t, 5);
  const refused = async (message: RegExp, ...more: string[]) => {
    const { status, stderr, stdout } = await run('graph-run', [...args, ...more]);
    t.match(stderr, message);
    t.same([status === 0, stdout.length], [false, 0], more.join(' '));
    return status;
  };
  t.equal(await refused(/no output is called hits; there are avg\.mean/, '--names', 'hits'), 2);
  t.equal(await refused(/a name ends with \.npz/, '--snapshot', 'x.mat'), 2);
  t.equal(await refused(/\.npy holds one output, and there are 4/, '--snapshot', join(folder, 'x.npy')), 2);
  t.equal(await refused(/either --plot or --format jsonl/, '--plot', '-f', 'jsonl'), 2);
  await refused(/no such folder/, '--snapshot', join(folder, 'absent', 'x.npz'));
  t.equal((await run('graph-collect', ['--local', '0', '--snapshot', 'x.npz'])).status, 2);
});

t.test('a plot where there is no terminal: one picture at the end, without colours', async (t) => {
  const { args } = files(t, 300);
  const plot = async (env: Record<string, string>, ...more: string[]) => {
    const { status, stdout } = await run('graph-run', [...args, '--heartbeat', '50ev', ...more], { env });
    t.equal(status, 0);
    return stdout.toString();
  };
  const once = await plot({ COLUMNS: '80', LINES: '24', NO_COLOR: '1' }, '--plot');
  t.match(
    once,
    /^results {2}heartbeat 6: 50 of 50 events\n {2}avg\.mean +0\.\d+ [▁-█]{6}\n {2}avg\.count +300 ▁▂▄▅▇█\n/,
  );
  t.match(once, /hist\.counts int64\[10\] +mean\.mean float64\[8,8\]/);
  t.match(once, /└0─+1$/m);
  t.match(once, /└0─+7$/m);
  t.equal(stripVTControlCharacters(once), once);
  const lines = once.split('\n').slice(0, -1);
  t.ok(lines.length <= 23 && lines.every((line) => line.length <= 80), once);
  const small = await plot({ COLUMNS: '30', LINES: '9' }, '--plot', '--names', 'hist');
  t.ok(small.split('\n').length <= 9, small);
  const frames = await plot({}, '--format', 'plot', '--every', '3');
  t.same(
    [...frames.matchAll(/^results {2}heartbeat (\d+): 50/gm)].map(([, heartbeat]) => heartbeat),
    ['3', '6'],
  );
});

t.test('a plot on a terminal, until q', needsTerminal, async (t) => {
  const { args } = files(t, 200);
  const terminal = terminalOf(t, `${executable('graph-run')} ${args.join(' ')} --heartbeat 20ev --plot`);
  await terminal.shows(/hist\.counts/);
  await terminal.shows(/heartbeat 10: 20 of 20 events/);
  await terminal.shows(/END/);
  terminal.press(' ');
  await terminal.shows(/PAUSED/);
  terminal.press('q');
  t.equal(await terminal.status(), 0);
  t.match(terminal.picture, /\x1b\[\?1049h.*\x1b\[\?1049l/s, 'the terminal is given back');
  t.match(terminal.picture, /OK in 200 = out 200/);
});

t.test('q before the end of the input ends the run', needsTerminal, async (t) => {
  const { args } = files(t, 1e9, 0.01);
  const terminal = terminalOf(t, `${executable('graph-run')} ${args.join(' ')} --heartbeat 2ev --paced --plot`, {
    NO_COLOR: '1',
  });
  await terminal.shows(/heartbeat [3-9]/);
  terminal.press('q');
  t.equal(await terminal.status(), 0);
  t.notMatch(terminal.picture, /\x1b\[38;/, 'no colours');
});

t.test('the global collector of a cluster writes snapshots too', async (t) => {
  const { head, events, tail } = await simulatedRun(300);
  const folder = newFolder(t);
  const snapshot = join(folder, 'latest.json');
  const cluster = new Cluster(t, {
    workers: 2,
    collectors: 1,
    manage: ['--heartbeat', '50ev'],
    global: ['--snapshot', snapshot, '--names', 'mean,hist'],
  });
  cluster.write(head, ...events, tail);
  await cluster.end();
  const last = JSON.parse(readFileSync(snapshot, 'utf8')) as PrintedRecord & { graph: string; version: number };
  t.match(last, { graph: 'cluster', version: 1 });
  t.equal(last.outputs['mean.count'], 300);
  t.equal(sum(cluster.global.records, 'included'), 300);
  const names = new Set(cluster.global.records.flatMap(({ outputs }) => Object.keys(outputs)));
  t.notOk(
    [...names].some((name) => !/^(mean|hist)\./.test(name)),
    [...names].join(),
  );
  t.ok(names.has('hist.counts'));
});

t.test('records flow into daq-view, whose viewers get them as plots', async (t) => {
  const { args } = files(t, 1e9, 0.001);
  const graph = new Process(t, 'graph-run', [...args, '--heartbeat', '20ev', '--paced', '-f', 'jsonl']);
  const view = new Process(t, 'daq-view', ['--records', '-', '--bind', '0']);
  graph.child.stdout!.pipe(view.child.stdin!);
  await view.says(/look at http:\S+/);
  const origin = /look at (http:\/\/[^/\s]+)/.exec(view.stderr)![1]!;
  const left = new AbortController();
  const asked = '/events?plot=avg.mean&plot=hist.counts&plot=mean.mean';
  const { body, status } = await fetch(origin + asked, { signal: left.signal });
  t.equal(status, 200);
  let text = '';
  const reading = (async () => {
    for await (const part of body!) text += Buffer.from(part).toString();
  })().catch(() => {});
  await until(
    () => ['trend', 'image', 'waveform'].every((kind) => text.includes(`"kind":"${kind}"`)),
    () => `frames of three kinds in ${text.slice(0, 2000)}`,
  );
  left.abort();
  await reading;
  graph.child.kill('SIGTERM');
  await graph.ended;
  view.child.kill('SIGTERM');
  t.same(await view.ended, { status: 0, signal: null }, view.stderr);
  t.match(view.stderr, /OK in \d+ = out \d+/);
});
