/** Constants from end to end: calib-pub, drp-python and scripts of its own in real Python, through real sockets (docs/calib.md). */

import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { findInterpreter } from '../../lib/python/interpreter.ts';
import { dgramsOf, run, scratch, script } from '../drp/command.ts';
import { floats, framesOf, Publisher } from '../drp/publisher.ts';
import { cameraRun } from '../drp/streams.ts';
import { executable } from '../executable.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const interpreter = await findInterpreter();
const env = { ...process.env, PYTHONPATH: join(root, 'python') };
const setOf = (run: number, values: number[], more: { seq?: number; origin?: string } = {}) =>
  framesOf({
    run,
    seq: run,
    ...more,
    detectors: { camera: { pedestals: floats(values), geometry: { bytes: Buffer.from('Quad 1') } } },
  });

/** A listener: `python3 -m daqpipe.calib`. */
function listen(t: Test, ...args: string[]) {
  const child = spawn(interpreter.command, ['-m', 'daqpipe.calib', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
  const status = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { text: () => text, status };
}

/** A socket of this process that was closed a moment ago may still have the address: its thread closes it. */
async function publisher(t: Test, endpoint: string, tries = 100): Promise<Publisher> {
  const made = new Publisher(endpoint);
  t.teardown(() => made.close());
  try {
    return await made.open();
  } catch (error) {
    if (tries === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await sleep(20);
    return publisher(t, endpoint, tries - 1);
  }
}

/** An address that stays ours when it is closed for a moment: the kernel gives none of these ports to outgoing connections. */
function lowPort(): string {
  return `tcp://127.0.0.1:${20_000 + Math.floor(Math.random() * 12_000)}`;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

for (const transport of ['ipc', 'tcp']) {
  t.test(`${transport}: a publisher that comes late, goes and comes again; every set is seen once`, async (t) => {
    const first = await publisher(t, transport === 'ipc' ? `ipc://${join(scratch(t), 'c.sock')}` : lowPort());
    const endpoint = first.address;
    first.close();
    const listener = listen(t, endpoint, '-n', '3', '--timeout', '60');
    await sleep(300);
    const second = await publisher(t, endpoint);
    await second.publish(setOf(1, [1, 2]));
    await until(() => /run 1 of tst1/.test(listener.text()));
    await second.publish(setOf(1, [1, 2]));
    await second.publish(setOf(2, Array(40_000).fill(2)));
    await until(() => /run 2 of tst1/.test(listener.text()));
    second.close();
    const third = await publisher(t, endpoint);
    await third.publish(setOf(2, Array(40_000).fill(2), { seq: 1, origin: 'fedcba9876543210' }));
    await until(() => third.joined === 1);
    await third.publish(setOf(3, [3], { origin: 'fedcba9876543210' }));
    t.equal(await listener.status, 0, listener.text());
    t.same(listener.text().match(/run \d+ of tst1/g), ['run 1 of tst1', 'run 2 of tst1', 'run 3 of tst1']);
    t.match(listener.text(), /pedestals +<?f4? ?\(40000,\)|pedestals +f \(40000,\)/);
    t.match(listener.text(), /geometry +str of 6/);
  });
}

t.test('python3 -m daqpipe.calib: nothing in time is status 1, a wrong message too, a wrong address 2', async (t) => {
  const endpoint = `ipc://${join(scratch(t), 'c.sock')}`;
  const nothing = listen(t, endpoint, '--timeout', '0.3');
  t.equal(await nothing.status, 1);
  t.match(nothing.text(), new RegExp(`nothing came from ${endpoint} within 0.3 s`));
  const publish = await publisher(t, endpoint);
  await publish.publish(framesOf({ run: 1, seq: 1, detectors: {} }, (header) => Object.assign(header, { v: 9 })));
  const wrong = listen(t, endpoint, '--timeout', '60');
  t.equal(await wrong.status, 1);
  t.match(wrong.text(), /version 9/);
  t.equal(await listen(t, 'udp://x').status, 2);
});

t.test('load(folder) is used as what is published', async (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, 'epix'));
  writeFileSync(join(folder, 'epix', 'geometry.txt'), 'QUAD');
  const code = `from daqpipe import calib\nc = calib.load(${JSON.stringify(folder)})\nprint(c["epix"]["geometry"], list(c), repr(c.hash))`;
  const { stdout } = await promisify(execFile)(interpreter.command, ['-c', code], { env });
  t.equal(stdout, "('QUAD', {}) ['epix'] ''\n");
});

const PIXELS = 16;
/** A .npy file of 32-bit floats. */
function npy(values: Float32Array, shape: number[]): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(117);
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text}\n`, 'latin1');
  head.writeUInt16LE(text.length + 1, 8);
  return Buffer.concat([head, Buffer.from(values.buffer)]);
}

const needsNumpy = interpreter.numpy === undefined ? { skip: 'the example needs numpy' } : {};
const PEDESTALS = Float32Array.from({ length: PIXELS * PIXELS }, (_, i) => i % 20);

/** A folder with constants and a runtime folder of its own. */
function shelf(t: Test): { folder: string; runtime: Record<string, string>; source: string[] } {
  const folder = scratch(t);
  mkdirSync(join(folder, 'constants', 'camera'), { recursive: true });
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  writeFileSync(join(folder, 'constants', 'camera', 'pedestals.npy'), npy(PEDESTALS, [PIXELS, PIXELS]));
  return { folder, runtime: { XDG_RUNTIME_DIR: join(folder, 'run') }, source: ['--source', join(folder, 'constants')] };
}

const EXAMPLE = [
  join(root, 'examples', 'calib', 'subtract_pedestals.py'),
  ...['--calib', 'local', '-D', 'camera_0', '-W', '2', '--', '2.5'],
];

/** What the example should have found in every event: all pixels are 7. */
async function checkEvents(t: Test, output: Buffer, count: number, folder: string): Promise<void> {
  const events = (await dgramsOf(output, folder)).filter(({ service }) => service === 'L1Accept');
  t.equal(events.length, count);
  const above = [...PEDESTALS].map((pedestal) => 7 - pedestal).filter((value) => value > 2.5);
  const wanted = { sum: above.reduce((sum, value) => sum + value, 0), pixels: above.length };
  for (const { data } of events) t.match(data.camera!['0']!.calib, wanted);
}

t.test('a stream through calib-pub into drp-python: pedestals are subtracted', needsNumpy, async (t) => {
  const { folder, runtime, source } = shelf(t);
  const input = cameraRun(12, { pixels: PIXELS, runs: [5, 6] });
  const publish = ['-d', 'camera:0', '--expect', '1', '--from-stream', '-', '-o', '-', ...source];
  const { status, stdout, stderr } = await through(input, publish, EXAMPLE, runtime);
  t.equal(status, 0, stderr);
  t.match(stderr, /w1: pedestals \(16, 16\) of run .*hash [0-9a-f]{12}/);
  t.match(stderr, /calib-received 2, calib-used 2/);
  await checkEvents(t, stdout, 24, folder);
});

t.test(
  'calib-pub --shm beside drp-python: what it put into shared memory is mapped, not copied',
  needsNumpy,
  async (t) => {
    const { folder, runtime, source } = shelf(t);
    const args = ['-d', 'camera:0', '--det', 'camera=opal:serial1', '--exp', 'tst1', '--run', '5', '--shm', ...source];
    const publish = spawn(executable('calib-pub'), args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...runtime },
    });
    t.teardown(() => publish.kill('SIGKILL'));
    const ended = new Promise((resolve) => publish.on('close', resolve));
    const input = cameraRun(12, { pixels: PIXELS, runs: [5, 5] });
    const { status, stdout, stderr } = await run(EXAMPLE, input, runtime);
    t.equal(status, 0, stderr);
    t.match(stderr, /calib-received 1, calib-used 1/);
    await checkEvents(t, stdout, 24, folder);
    publish.kill('SIGTERM');
    await ended;
  },
);

/** `calib-pub A | drp-python B`, both real; status of the second and what both said. */
async function through(input: Buffer, publish: string[], drp: string[], more: Record<string, string>) {
  const [first, second] = [[executable('calib-pub'), publish] as const, [executable('drp-python'), drp] as const].map(
    ([command, args]) => spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...more } }),
  );
  let stderr = '';
  const stdout: Buffer[] = [];
  for (const child of [first!, second!])
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
  second!.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  first!.stdout.pipe(second!.stdin);
  first!.stdin.end(input);
  const [status] = await Promise.all(
    [second!, first!].map((child) => new Promise<number | null>((resolve) => child.on('close', resolve))),
  );
  return { status, stdout: Buffer.concat(stdout), stderr };
}

t.test('scripts for psana find their constants as det.calibconst', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const publish = await publisher(t, endpoint);
  await publish.publish(setOf(5, [1, 2]));
  const psana = script(
    folder,
    `
from psana import DataSource
ds = DataSource(drp=drp_info)
for run in ds.runs():
    det = run.Detector("camera")
    print("CONST", det.calibconst["pedestals"][0].tolist(), det.calibconst["geometry"][0], sorted(det.calibconst))
    for evt in run.events():
        pass
`,
  );
  const args = [psana, '-W', '1', '-D', 'camera_0', '--calib', endpoint];
  const { status, stderr } = await run(args, cameraRun(3, { runs: [5] }), { DAQPIPE_COMPAT: '1' });
  t.equal(status, 0, stderr);
  t.match(stderr, /CONST \[1.0, 2.0\] Quad 1 \['geometry', 'pedestals'\]/);
});
