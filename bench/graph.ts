/**
 * Graphs against Python and numpy in the same run. Run: npm run bench graph
 *
 * The rates of the reference (spec graph.md 7) were measured elsewhere: they are scaled by what numpy does here and did there. Beside
 * them stands a Python program of the same kind (graph_reference.py), measured here. Events per CPU second, with a heartbeat encoded
 * every 1000 events (100 images).
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compile } from '../lib/graph/compile/compile.ts';
import type { CompiledGraph } from '../lib/graph/compile/compiled.ts';
import { graphFrom } from '../lib/graph/compile/graph-file.ts';
import { recordJson } from '../lib/graph/output/print.ts';
import type { Answer } from '../lib/graph/run/answer.ts';
import { Collector } from '../lib/graph/run/collector.ts';
import { GlobalSide } from '../lib/graph/run/global-side.ts';
import { LocalSide } from '../lib/graph/run/local-side.ts';
import { Worker } from '../lib/graph/run/worker.ts';
import type { NumericArray, Value } from '../lib/graph/value.ts';
import { decodeFrame, encodeFrame } from '../lib/graph/wire/frame.ts';
import { findInterpreter } from '../lib/python/interpreter.ts';

const SCRIPT = fileURLToPath(new URL('graph_reference.py', import.meta.url));
const SECONDS = 0.7;
const ROUNDS = 3;

const python = await findInterpreter();
if (python.numpy === undefined) {
  console.log('graph: no Python with numpy was found, so there is nothing to compare with');
  process.exit(0);
}
interface Subject {
  readonly name: string;
  readonly nodes: readonly object[];
  readonly events: readonly (readonly Value[])[];
  readonly heartbeat: number;
}

const random = (length: number) => Array.from({ length }, Math.random);

function arrays(Kind: new (length: number) => NumericArray, dtype: string, shape: number[], count: number): Value[][] {
  const length = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, () => {
    const data = new Kind(length);
    for (let i = 0; i < length; i++) data[i] = Math.random() * 1000;
    return [{ dtype, shape, data }];
  });
}

const mean = (op: string) => [{ id: 'mean', op, in: { value: 'value' } }];
const SHAPE = [512, 512];

const SCALARS: Subject = {
  name: '(a) Average0D + Binning + ReduceByKey',
  nodes: [
    ...mean('Average0D'),
    { id: 'hist', op: 'Binning', in: { value: 'value' }, bins: 100, range: [0, 1] },
    { id: 'sums', op: 'ReduceByKey', in: { key: 'key', value: 'value' }, with: 'sum' },
  ],
  events: random(1000).map((x) => [x, Math.floor(Math.random() * 20)]),
  heartbeat: 1000,
};
const wave = (name: string, Kind: new (length: number) => NumericArray, dtype: string): Subject => ({
  name: `(b) Average1D, 1000 samples ${name}`,
  nodes: mean('Average1D'),
  events: arrays(Kind, dtype, [1000], 64),
  heartbeat: 1000,
});
const image = (name: string, Kind: new (length: number) => NumericArray): Subject => ({
  name: `(c) Average2D, 512 x 512 ${name}`,
  nodes: mean('Average2D'),
  events: arrays(Kind, name, SHAPE, 8),
  heartbeat: 100,
});

function compiled({ nodes }: Subject, workers = 1, collectors = 1): CompiledGraph {
  const sources = ['value', 'key'].map((name) => ({ name }));
  const spec = graphFrom({ graph: 1, name: 'bench', sources, nodes }, 'bench');
  const result = compile(spec, { workers, collectors, amiCompat: false, windowLimit: 1 << 30 });
  if ('graph' in result) return result.graph;
  throw new Error(JSON.stringify(result.problems));
}

/** Per CPU second, by graph_reference.py. */
function pythonRate(name: string): number {
  return Number(execFileSync(python.command, [SCRIPT, name], { encoding: 'utf8' }));
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Events per CPU second of one worker, one round. */
async function workerRound(worker: Worker, { events, heartbeat }: Subject): Promise<number> {
  const begin = cpu();
  let [count, k] = [0, 0];
  while (cpu() - begin < SECONDS) {
    for (let i = 0; i < heartbeat; i++) worker.event(count + i, events[i % events.length]!);
    count += heartbeat;
    encodeFrame(worker.issue(++k));
    // As between two messages.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return count / (cpu() - begin);
}

/** The best of some rounds, in turn with what it is compared with. */
async function inTurn(
  subject: Subject,
  names: readonly string[],
): Promise<{ got: number; here: Record<string, number> }> {
  const worker = new Worker(0, compiled(subject));
  let got = 0;
  const here = Object.fromEntries(names.map((name) => [name, 0]));
  for (let round = 0; round < ROUNDS; round++) {
    got = Math.max(got, await workerRound(worker, subject));
    for (const name of names) here[name] = Math.max(here[name]!, pythonRate(name));
  }
  return { got, here };
}

/** Milliseconds of CPU that a local collector needs for one of four contributions, from its bytes to its part of the sum. */
function mergeCost(subject: Subject): number {
  const workers = [0, 1, 2, 3];
  const graph = compiled(subject, workers.length);
  const worker = new Worker(0, graph);
  for (const [i, values] of subject.events.entries()) worker.event(i, values);
  const frame = encodeFrame(worker.issue(1));
  const contributors = workers.map((id) => ({ id, workers: [id] }));
  const collector = new Collector(contributors, 1);
  const side = new LocalSide(graph);
  // Messages arrive in memory that has been used before; merging may write into it.
  const arrived = workers.map(() => Buffer.from(frame));
  const heartbeat = (k: number) => {
    for (const id of workers) {
      arrived[id]!.set(frame);
      for (const closing of collector.answer(id, { ...(decodeFrame(arrived[id]!) as Answer), heartbeat: k }))
        side.close(closing);
    }
  };
  const WARM = 200;
  for (let k = 1; k <= WARM; k++) heartbeat(k);
  const [begin, count] = [cpu(), 200];
  for (let k = 1; k <= count; k++) heartbeat(WARM + k);
  return ((cpu() - begin) / count / workers.length) * 1000;
}

/** Milliseconds from the marker to the record as text, with 4 workers, 2 local collectors, and frames between all of them. */
function latencies(subject: Subject): number[] {
  const graph = compiled(subject, 4, 2);
  const workers = [0, 1, 2, 3].map((id) => new Worker(id, graph));
  const locals = [0, 1].map((id) => ({
    collector: new Collector(
      [2 * id, 2 * id + 1].map((worker) => ({ id: worker, workers: [worker] })),
      1,
    ),
    side: new LocalSide(graph),
  }));
  const top = new Collector(
    [0, 1].map((id) => ({ id, workers: [2 * id, 2 * id + 1] })),
    1,
  );
  const side = new GlobalSide(graph);
  const times: number[] = [];
  const travelled = (answer: Answer) => decodeFrame(encodeFrame(answer)) as Answer;
  for (let k = 1; k <= 200; k++) {
    for (const [i, values] of subject.events.entries()) workers[i % 4]!.event(i, values);
    const begin = performance.now();
    for (const { collector } of locals) collector.issued(k);
    top.issued(k);
    for (const worker of workers) {
      const { collector, side: local } = locals[worker.id >> 1]!;
      for (const closing of collector.answer(worker.id, travelled(worker.issue(k))))
        for (const whole of top.answer(worker.id >> 1, travelled(local.close(closing)))) recordJson(side.close(whole));
    }
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b);
}

const rate = (value: number) => Math.round(value).toLocaleString('en');
/** Adding images in place: what numpy did on the machine of the reference. */
const ADDED_THERE = 38_900;

for (const [subject, there, own, goal] of [
  [SCALARS, 16_900, 'scalars', 20],
  [wave('float32', Float32Array, 'float32'), 80_300, 'waves', 3],
  [wave('float64', Float64Array, 'float64'), 80_300, 'waves', 3],
  [image('float32', Float32Array), 5_190, 'images', 2],
  [image('uint16', Uint16Array), 3_820, 'images', 2],
] as const) {
  const { got, here } = await inTurn(subject, [own, 'addSingle']);
  const scale = here.addSingle! / ADDED_THERE;
  const ratio = `${(got / there / scale).toFixed(1)}x of the reference (${rate(there)}, scaled by ${scale.toFixed(2)}; goal >= ${goal}x)`;
  console.log(
    `${subject.name}: ${rate(got)} events per CPU second, ${ratio}, ${(got / here[own]!).toFixed(2)}x of Python here`,
  );
}

const images = image('float32', Float32Array);
const { got, here } = await inTurn(images, ['addSingle', 'addDouble', 'copy']);
for (const [name, what] of Object.entries({
  addSingle: 'adding to float32',
  addDouble: 'adding to float64',
  copy: 'copying',
}))
  console.log(
    `(c) against numpy ${what} in place: ${(got / here[name]!).toFixed(2)}x (${rate(got)} / ${rate(here[name]!)})`,
  );

for (const [subject, there] of [
  [SCALARS, 0.053],
  [wave('float64', Float64Array, 'float64'), 0.029],
  [images, 1.17],
] as const) {
  const cost = mergeCost(subject);
  const wanted = (there * ADDED_THERE) / here.addSingle!;
  console.log(
    `${subject.name}: a contribution costs a collector ${cost.toFixed(3)} ms, ${(cost / wanted).toFixed(2)}x of the reference (goal <= 1x)`,
  );
}

for (const subject of [SCALARS, images]) {
  const times = latencies(subject);
  const at = (part: number) => times[Math.floor(part * times.length)]!.toFixed(2);
  console.log(
    `${subject.name}: marker to record, 4 workers and 2 collectors in turn: median ${at(0.5)}, p99 ${at(0.99)} ms`,
  );
}
