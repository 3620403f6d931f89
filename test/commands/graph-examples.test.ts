import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findInterpreter } from '../../lib/python/interpreter.ts';
import { PROJECT, run } from '../executable.ts';

/** Every graph in examples/graph, over the run that is described for them (spec graph.md 4). */

const folder = join(PROJECT, 'examples/graph');
const { numpy } = await findInterpreter();
const dir = mkdtempSync(join(tmpdir(), 'graph-examples-'));
const recorded = join(dir, 'run.xtc2');
t.teardown(() => rmSync(dir, { recursive: true }));
t.equal((await run('dgram-gen', [join(PROJECT, 'examples/runs/online-analysis.yaml'), '-o', recorded])).status, 0);

interface Printed {
  heartbeat: number;
  dealt: number;
  included: number;
  outputs: Record<string, unknown>;
}

/** Records of a graph; the input is standard input, as in a pipeline. */
async function records(name: string, ...options: string[]): Promise<Printed[]> {
  const { stdout, stderr, status } = await run('graph-run', [join(folder, name), '--format', 'jsonl', ...options], {
    stdin: 'pipe',
    inputFile: recorded,
  });
  t.equal(status, 0, stderr.slice(0, 500));
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Printed);
}

/** Of each output what was said last. */
function lastOf(list: readonly Printed[]): Record<string, unknown> {
  return Object.assign({}, ...list.map(({ outputs }) => outputs)) as Record<string, unknown>;
}

const numbers = (value: unknown): number[] =>
  (Array.isArray(value) ? value : (value as { data: number[] }).data) as number[];

t.test('every example is accepted', async (t) => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  for (const name of ['images.yaml', 'scalars.yaml', 'scan.yaml', 'waveforms.yaml']) t.ok(names.includes(name), name);
  for (const name of names.filter((one) => one !== 'waveforms.yaml' || numpy !== undefined)) {
    const { stdout, stderr, status } = await run('graph-check', [join(folder, name), '-W', '4', '-L', '2']);
    t.same([status, stdout.toString(), stderr], [0, 'OK\n', ''], name);
  }
});

t.test('scalars.yaml: all events, in steps', async (t) => {
  const all = await records('scalars.yaml');
  t.equal(
    all.reduce((sum, { included }) => sum + included, 0),
    600,
  );
  const last = lastOf(all);
  t.equal(last['avg.count'], 600);
  t.ok(Math.abs((last['avg.mean'] as number) - 1.5) < 0.05);
  const sums = new Map((last['sums.map'] as { $map: [number, number][] }).$map);
  t.same([...sums.keys()].sort(), [0, 1, 2, 3, 4]);
  t.ok(
    [...sums.values()].every((sum) => Math.abs(sum / 120 - 1.5) < 0.2),
    'a step has 120 events',
  );
  const others = lastOf(await records('scalars.yaml', '-W', '6', '-L', '3', '--heartbeat', '37ev'));
  t.same(others['hist.counts'], last['hist.counts'], 'whatever the cluster and the heartbeat');
});

t.test('scan.yaml: the diode follows the delay', async (t) => {
  const last = lastOf(await records('scan.yaml', '-W', '3'));
  t.same(last['steps.keys'], [0, 1, 2, 3, 4]);
  const means = numbers(last['steps.mean']);
  t.ok(
    means.every((mean, i) => i === 0 || mean > means[i - 1]!),
    String(means),
  );
  const counts = numbers(last['steps.count']);
  t.ok(
    counts.every((count) => count > 100 && count <= 120),
    `${counts}: little light is left out`,
  );
  t.ok(numbers(last['spread.error']).every((error) => error > 0 && error < 0.2));
  t.equal(numbers(last['fly.centres']).length, 20);
});

t.test('images.yaml: sums of images, the latest one', async (t) => {
  const last = lastOf(await records('images.yaml', '-W', '2'));
  t.equal(last['mean.count'], 600);
  t.match(last['mean.mean'], { $array: 'float64', shape: [64, 64] });
  t.match(last['last.mean'], { $array: 'float64', shape: [64, 64] });
  t.match(last['view.value'], { $array: 'uint16', shape: [64, 64] });
  t.equal(numbers(last['dose.buffer']).length, 500);
  const mean = numbers(last['mean.mean']);
  t.ok(mean.every((pixel) => pixel > 30 && pixel < 200));
});

const withNumpy = numpy === undefined ? { skip: 'spread.py needs numpy' } : {};
t.test('waveforms.yaml: with reductions in both languages', withNumpy, async (t) => {
  const [one, three] = [lastOf(await records('waveforms.yaml')), lastOf(await records('waveforms.yaml', '-W', '3'))];
  t.equal(one['pulses.shots'], 600);
  t.equal(one['mean.count'], 300, 'every second shot has no laser');
  t.same(three['pulses.histogram'], one['pulses.histogram']);
  const histogram = numbers(one['pulses.histogram']);
  t.ok(histogram[0]! < 300 && histogram[1]! > 50 && histogram[2]! > 50, String(histogram));
  const [a, b] = [numbers(one['spread.std']), numbers(three['spread.std'])];
  t.equal(a.length, 1000);
  t.ok(a.every((std, i) => Math.abs(std - b[i]!) < 1e-9 * std));
  const check = await run('graph-check', [join(folder, 'waveforms.yaml'), '--law', recorded, '--law-events', '100']);
  t.same([check.status, check.stdout.toString()], [0, 'OK\n'], check.stderr);
});
