/**
 * Making dgrams, against writing as many bytes with plain block writes to the same place. Run: npm run bench dgram-gen
 * Goals: at least 500,000 small dgrams per second, and large frames near the speed of the writes themselves.
 */

import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lifecycle } from '../lib/cli/lifecycle.ts';
import { Output } from '../lib/cli/output.ts';
import type { RunDescription } from '../lib/simulate/description.ts';
import { describeRun } from '../lib/simulate/document.ts';
import type { Lane } from '../lib/simulate/lane.ts';
import { play } from '../lib/simulate/play.ts';
import { Simulation } from '../lib/simulate/simulation.ts';
import { DEFAULT_RUN, runOfSize } from '../lib/simulate/usual-runs.ts';
import { parseRun } from '../lib/simulate/yaml-text.ts';
import { namesBlockOf } from '../lib/xtc/describe.ts';
import { makeEnv, SERVICE } from '../lib/xtc/service.ts';
import { DgramWriter } from '../lib/xtc/writer.ts';
import { compare } from './harness.ts';

const BLOCK = 1 << 20;
// Memory if there is such a folder: the disk is not what is measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'daqpipe-bench-'));
const file = join(folder, 'run.xtc2');

async function generate(run: RunDescription, target: string): Promise<Lane> {
  const simulation = new Simulation(run);
  const lifecycle = new Lifecycle();
  const stdout = new Output();
  const outputs = { targets: [target], smallData: false, grow: false, stdout, lifecycle, say: () => {} };
  await play(simulation, outputs, { stop: lifecycle.stop });
  return simulation.lanes[0]!;
}

function plainWrite(target: string, bytes: number): void {
  const fd = openSync(target, 'w');
  const block = Buffer.alloc(BLOCK, 0x5a);
  for (let left = bytes; left > 0; left -= BLOCK) writeSync(fd, block, 0, Math.min(BLOCK, left));
  closeSync(fd);
}

async function against(name: string, run: RunDescription, goal: number): Promise<void> {
  const { dgrams, bytes } = await generate(run, file);
  await compare({
    name: `${name}, ${Math.round(bytes / dgrams)} B per dgram`,
    reference: { name: `${Math.round(bytes / 1e6)} MB in 1 MiB writes`, run: () => plainWrite(file, bytes) },
    candidate: { name: 'dgram-gen', run: async () => void (await generate(run, file)) },
    goal,
    rounds: 3,
    work: { amount: dgrams, unit: ' dgrams' },
  });
}

const names = namesBlockOf({
  nodeId: 0,
  namesId: 0,
  detType: 'x',
  detName: 'x',
  segment: 0,
  alg: 'raw',
  version: [1, 0, 0],
  fields: [
    { name: 'pulseId', type: 'UINT64' },
    { name: 'data', type: 'UINT8', rank: 1 },
  ],
});

/** The same kind of event through the general writer: why there are templates. */
function encode(events: number, size: number): number {
  const writer = new DgramWriter();
  const data = new Uint8Array(size);
  let bytes = 0;
  for (let i = 0; i < events; i++) {
    writer.begin({ sec: 1, nsec: i, env: makeEnv(SERVICE.L1Accept, 1) });
    writer.data(names, { pulseId: i, data });
    bytes += writer.finish().length;
  }
  return bytes;
}

try {
  const events = 500_000;
  await against('bytes', describeRun(runOfSize(200), { events }), 4.5);
  await against('two detectors', describeRun(DEFAULT_RUN, { events }), 4);
  await against(
    'four streams in one',
    describeRun(DEFAULT_RUN, { events: events / 5, streams: 4, eventBuilt: true }),
    4,
  );
  const camera = readFileSync(new URL('../examples/runs/area-camera.yaml', import.meta.url), 'utf8');
  await against('camera 512 x 512', parseRun(camera, 'area-camera.yaml', { events: 4000 }), 1.8);
  await against('bytes', describeRun(runOfSize(4_000_000), { events: 500 }), 2);
  const run = describeRun(runOfSize(200), { events });
  await compare({
    name: 'bytes of 200 B against the general writer, which writes to nowhere',
    reference: { name: 'DgramWriter', run: () => void encode(events, 112) },
    candidate: { name: 'dgram-gen to /dev/null', run: async () => void (await generate(run, '/dev/null')) },
    goal: 0.5,
    rounds: 3,
    work: { amount: events, unit: ' dgrams' },
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
