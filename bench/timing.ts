/** Speed of rog-validate: whole processes against a bare Node start, the check of one period against plain loops, masks from a pipe. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SC } from '../lib/timing/machine.ts';
import { anyWithout, countMasks } from '../lib/timing/pulse/bins.ts';
import { MaskTally } from '../lib/timing/recorded/mask-tally.ts';
import { Engine, NO_LIMIT, RequestLog } from '../lib/timing/sequence/engine.ts';
import { decodeProgram } from '../lib/timing/sequence/program.ts';
import { steadyState } from '../lib/timing/sequence/steady.ts';
import { encodeWord } from '../lib/timing/sequence/word.ts';
import { runReference } from '../test/timing/reference-engine.ts';
import { compare, medianWall } from './harness.ts';

const N = SC.period;
const folder = mkdtempSync(join(tmpdir(), 'bench-timing-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Masks of eight groups at marker rates, as a real partition has them. */
function realMasks(): Uint8Array {
  const intervals = [1, 13, 26, 91, 910, 9100, 91000, 910000];
  return Uint8Array.from({ length: N }, (_, p) =>
    intervals.reduce((mask, interval, g) => mask | (p % interval === 0 ? 1 << g : 0), 0),
  );
}

const masks = realMasks();
const words = new Uint32Array(masks.buffer);
const bins = new Float64Array(256);
let sink = 0;

/** What one would write first: for every pulse, for every pair of groups. */
function nestedLoop(): void {
  const coincidences = new Float64Array(64);
  for (let p = 0; p < N; p++) {
    const mask = masks[p] as number;
    for (let i = 0; i < 8; i++) {
      if (!((mask >> i) & 1)) continue;
      for (let j = i; j < 8; j++)
        if ((mask >> j) & 1) coincidences[8 * i + j] = (coincidences[8 * i + j] as number) + 1;
    }
  }
  sink += coincidences[0] as number;
}

async function checks(): Promise<void> {
  const repeated = (run: () => void) => () => {
    for (let i = 0; i < 20; i++) run();
  };
  const work = { amount: 20 * N, unit: 'pulses' };
  const loop = { name: 'plain loop x20', run: repeated(nestedLoop) };
  const histogram = { name: 'bins x20', run: repeated(() => countMasks(words, N, bins)) };
  const any = {
    name: 'words x20',
    run: repeated(() => {
      sink += anyWithout(words, 254, 0) ? 1 : 0;
    }),
  };
  await compare({
    name: 'timing/counts of one period, 8 groups (goal 2 ms each)',
    candidate: histogram,
    reference: loop,
    goal: 0.5,
    work,
  });
  await compare({ name: 'timing/any violation in one period', candidate: any, reference: loop, goal: 0.2, work });
}

async function engines(): Promise<void> {
  const request = (word: number) => encodeWord({ kind: 'request', word });
  const sync = (occurrences: number) => encodeWord({ kind: 'sync', marker: 6, occurrences });
  const jump = encodeWord({ kind: 'jump', address: 0 });
  const intervals = SC.markers.map((marker) => marker.interval);
  for (const spacing of [28, 7, 1]) {
    const program = [request(1), sync(spacing), jump];
    const decoded = decodeProgram(program, SC);
    const log = new RequestLog();
    const simulate = (): void => {
      const engine = new Engine(decoded, 0);
      for (let k = 0; k < 4; k++) {
        engine.run(k, NO_LIMIT, log);
        log.length = 0;
      }
    };
    await compare({
      name: `timing/engine, free period ${spacing}, 4 machine periods`,
      candidate: { name: 'by event', run: simulate },
      reference: { name: 'by tick', run: () => void runReference(program, intervals, N, 0, 3) },
      goal: spacing === 1 ? 0.2 : 0.05,
      rounds: 3,
    });
    const analyse = { name: 'W and M', run: () => void steadyState(decoded, 0, 1000) };
    await compare({
      name: `timing/analysis, free period ${spacing}`,
      candidate: analyse,
      reference: { name: 'simulation', run: simulate },
      goal: 0.2,
      rounds: 3,
    });
  }
}

/** A partition of eight groups; `word(e)` is the program of engine e. */
function partition(name: string, spacings: readonly number[], full: boolean): string {
  const sequences = Object.fromEntries(
    spacings.map((spacing, e) => {
      const request = encodeWord({ kind: 'request', word: full ? 15 : 1 + e });
      const sync = encodeWord({ kind: 'sync', marker: 6, occurrences: spacing });
      return [e, { words: [request, sync, encodeWord({ kind: 'jump', address: 0 })] }];
    }),
  );
  const groups = Object.fromEntries(spacings.map((_, e) => [e, { eventcode: 256 + 4 * e }]));
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ format: 'rog-partition/1', common: 0, groups, sequences, maxPeriods: 5000 }));
  return file;
}

function processes(): void {
  const bin = join(import.meta.dirname, '..', 'bin', 'rog-validate');
  const typical = join(import.meta.dirname, '..', 'examples', 'timing', 'two-cameras.yaml');
  const markers = join(folder, 'markers.json');
  const groups = Object.fromEntries(SC.markers.map(({ name }, g) => [g, { fixed: name }]));
  writeFileSync(markers, JSON.stringify({ format: 'rog-partition/1', common: 6, groups }));
  const times = medianWall(
    {
      node: [process.execPath, '-e', '0'],
      markers: [process.execPath, bin, '--json', '--partition', markers],
      typical: [process.execPath, bin, '--json', '--partition', typical],
      trains: [
        process.execPath,
        bin,
        '--json',
        '--partition',
        partition('trains', [13, 26, 28, 91, 182, 364, 910, 1820], false),
      ],
      full: [process.execPath, bin, '--json', '--partition', partition('full', [1, 2, 5, 7, 13, 26, 28, 91], true)],
      everyTick: [process.execPath, bin, '--json', '--partition', partition('every', [1, 1, 1, 1, 1, 1, 1, 1], true)],
    },
    9,
  );
  const node = times.node as number;
  for (const [name, goal] of Object.entries({ markers: 120, typical: 120, trains: 120, full: 250, everyTick: 250 })) {
    const time = times[name] as number;
    console.log(
      `timing/process ${name}: ${(time / node).toFixed(2)}x a bare Node start, ${time.toFixed(0)} ms wall (goal ${goal} ms) / node ${node.toFixed(0)} ms`,
    );
  }
}

async function streams(): Promise<void> {
  const file = join(folder, 'masks.u8');
  const copies = 140;
  writeFileSync(file, Buffer.concat(Array.from({ length: copies }, () => masks)));
  const bin = join(import.meta.dirname, '..', 'bin', 'rog-validate');
  const shell = (command: string) => () => {
    const { status } = spawnSync('bash', ['-c', command]);
    if (status !== 0 && status !== 1) throw new Error(`${command} ended with ${status}`);
  };
  execFileSync('cat', [file], { maxBuffer: 1 << 30 });
  const work = { amount: copies * N, unit: 'B' };
  const reference = { name: 'cat | wc', run: shell(`cat ${file} | wc -c`) };
  const candidate = { name: 'cat | rog-validate', run: shell(`cat ${file} | ${bin} -q --stdin u8 -p 0`) };
  await compare({
    name: 'timing/masks from a pipe (goal 300 MB/s)',
    candidate,
    reference,
    goal: 8,
    clock: 'wall',
    rounds: 3,
    work,
  });
  const block = Buffer.alloc(1 << 20);
  block.set(masks);
  const inProcess = (): void => {
    const tally = new MaskTally(0, 255);
    for (let i = 0; i < 64; i++) {
      tally.add(block, N);
    }
  };
  await compare({
    name: 'timing/masks in process',
    candidate: { name: 'tally x64', run: inProcess },
    reference: { name: 'plain loop', run: nestedLoop },
    goal: 64,
    rounds: 3,
    work: { amount: 64 * N, unit: 'B' },
  });
}

await checks();
await engines();
processes();
await streams();
if (Number.isNaN(sink)) console.log(sink);
