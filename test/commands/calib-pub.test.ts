/** calib-pub and calib-sub as processes: existing subscribers, restarts, streams, failures (spec calib-pub.md, section 12). */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { npyHeader } from '../../lib/npy.ts';
import {
  constantsFolder,
  DETECTOR,
  deadPort,
  PubProcess,
  privateFolder,
  serveConstants,
} from '../calib/pub-process.ts';
import { RawSubscriber } from '../calib/raw-subscriber.ts';
import { executable, run } from '../executable.ts';
import { needsShared, SHARED } from '../golden.ts';

const CLIENT = join(SHARED, 'conformance', 'upstream_calib_sub.py');
const withPyzmq =
  spawnSync('python3', ['-c', 'import zmq']).status === 0
    ? needsShared('conformance')
    : { skip: 'python3 has no pyzmq' };

/** Arguments that everything here has. */
const basic = (source: string) => ['-d', 'epix:0', '--det', DETECTOR, '--source', source];

/** A subscriber as existing workers are; its messages one per line. */
function existingSubscriber(args: readonly string[]) {
  const child = spawn('python3', [CLIENT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => (stdout += text));
  const subscribed = new Promise<void>((resolve) =>
    child.stderr.on('data', (text) => {
      stderr += text;
      if (stderr.includes('subscribed to')) resolve();
    }),
  );
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, stdout, stderr })),
  );
  return { subscribed, ended };
}

/** Waits until the publisher has so many subscribers. */
async function subscribers(pub: PubProcess, count: number): Promise<void> {
  while ((await pub.tell({ cmd: 'status' })).subscribers !== count);
}

for (const format of ['pickle', 'zlib']) {
  t.test(`existing subscribers, ${format}: early and late, by ipc and tcp, each run once`, withPyzmq, async (t) => {
    const folder = privateFolder(t);
    const path = join(folder, 'epix_0.pipe');
    const pub = new PubProcess(t, [
      ...basic(constantsFolder(folder)),
      ...['--control', '--format', format, '--bind', `ipc://${path}`, '--bind', 'tcp://127.0.0.1:0'],
    ]);
    const [, tcp] = await pub.says(/ at (tcp:\S+)/);
    const expect = [
      '--format',
      format,
      '--detectors',
      'epix',
      '--expect',
      'epix:pedestals:f4:3x6',
      '--expect',
      'epix:geometry',
    ];
    const early = [`ipc://${path}`, tcp!, `ipc://${path}`, tcp!].map((place) =>
      existingSubscriber([place, ...expect, '--count', '2', '--quiet-for', '0.3', '--timeout', '60']),
    );
    await subscribers(pub, 4);
    await pub.begin(1);
    const late = [`ipc://${path}`, tcp!].map((place) => existingSubscriber([place, ...expect, '--timeout', '60']));
    for (const { ended } of late) t.match(await ended, { status: 0 }, 'late');
    await pub.tell({ cmd: 'end' });
    await pub.begin(2);
    for (const { ended } of early) {
      const result = await ended;
      t.equal(result.status, 0, result.stderr);
      t.equal(result.stdout.trim().split('\n').length, 2);
    }
    pub.child.stdin!.end();
    t.match(await pub.ended, { status: 0 });
    t.match(pub.stderr, /OK in 10 = out 10; runs 2, late 2/);
    t.notOk(existsSync(path));
  });
}

t.test('64 existing subscribers get 5 MiB each', withPyzmq, async (t) => {
  const folder = privateFolder(t);
  const source = constantsFolder(folder);
  writeFileSync(
    join(source, 'epix', 'dark.npy'),
    Buffer.concat([npyHeader('<f4', [5, 512, 512]), Buffer.alloc(5 << 20)]),
  );
  const path = join(folder, 'epix_0.pipe');
  const pub = new PubProcess(t, [
    ...basic(source),
    ...[
      '--exp',
      'tst1',
      '--run',
      '7',
      '--once',
      '--expect',
      '64',
      '--expect-timeout',
      '120',
      '--bind',
      `ipc://${path}=pickle`,
    ],
  ]);
  await pub.says(/pickle at/);
  const many = Array.from({ length: 64 }, () => new RawSubscriber({ path }));
  t.match(await pub.ended, { status: 0 });
  t.match(pub.stderr, /in 64 = out 64/);
  const [first] = (await many[0]!.received(1))[0]!;
  writeFileSync(join(folder, 'payload'), first!);
  for (const subscriber of many) t.ok((await subscriber.received(1))[0]![0]!.equals(first!));
  const args = [CLIENT, '--file', join(folder, 'payload'), '--expect', 'epix:dark:f4:5x512x512'];
  t.equal(spawnSync('python3', args).status, 0);
});

t.test(
  'killed and started again inside a run: readers of npy-frames drop the copy, existing ones get none',
  async (t) => {
    const folder = privateFolder(t);
    const env = { XDG_RUNTIME_DIR: folder };
    const [frames, pickles] = [join(folder, 'frames.sock'), join(folder, 'pickles.sock')];
    const binds = ['--bind', `ipc://${frames}`, '--bind', `ipc://${pickles}=pickle`];
    const args = [...basic(constantsFolder(folder)), '--control', ...binds];
    const first = new PubProcess(t, args, env);
    await first.says(/pickle at/);
    const sub = spawn(executable('calib-sub'), [`ipc://${frames}`, '-n', '2', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.teardown(() => sub.kill('SIGKILL'));
    const shown = { out: '', err: '' };
    sub.stdout.on('data', (text) => (shown.out += text));
    sub.stderr.on('data', (text) => (shown.err += text));
    const served = new RawSubscriber({ path: pickles });
    await subscribers(first, 2);
    await first.begin(7);
    await served.received(1);
    while (!shown.out.includes('\n')) await new Promise((resolve) => sub.stdout.once('data', resolve));
    first.child.kill('SIGKILL');
    await first.ended;

    const second = new PubProcess(t, args, env);
    await second.says(/pickle at/);
    t.match(await second.begin(7), { event: 'published', run: 7 });
    const again = new RawSubscriber({ path: pickles });
    while (!shown.err.includes('started again')) await new Promise((resolve) => sub.stderr.once('data', resolve));
    t.match(second.stderr, /run 7 was sent to 1 subscribers before this program was started again/);
    await subscribers(second, 2);
    await second.begin(8);
    t.equal((await again.received(1)).length, 1, 'only run 8');
    await new Promise((resolve) => sub.once('close', resolve));
    const runs = shown.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { run: number }).run);
    t.same(runs, [7, 8]);
    await second.tell({ cmd: 'end' });
    second.child.stdin!.end();
    t.match(await second.ended, { status: 0 });
    t.match(second.stderr, /withheld 1/);
    t.same(
      readdirSync(folder).filter((name) => name.endsWith('.run')),
      [],
      'nothing is remembered after an end in order',
    );
    for (const subscriber of [served, again]) subscriber.leave();
  },
);

t.test('a stream in, the same stream out, constants before BeginRun', async (t) => {
  const folder = privateFolder(t);
  const stream = join(folder, 'run.xtc2');
  const made = await run('dgram-gen', ['-n', '20', '--exp', 'tst1', '--run', '12', '-o', stream]);
  t.equal(made.status, 0, made.stderr);
  const path = join(folder, 'a.sock');
  constantsFolder(folder);
  const env = { XDG_RUNTIME_DIR: folder };
  const pub = new PubProcess(
    t,
    [
      '--from-stream',
      stream,
      '-o',
      join(folder, 'out.xtc2'),
      '--bind',
      `ipc://${path}`,
      '--expect',
      '1',
      '--source',
      join(folder, 'constants'),
    ],
    env,
  );
  await pub.says(/npy-frames at/);
  const subscriber = new RawSubscriber({ path });
  const [[, header]] = (await subscriber.received(1)) as [[Buffer, Buffer]];
  const told = JSON.parse(header.toString()) as { exp: string; run: number; detectors: Record<string, unknown> };
  t.match(told, { exp: 'tst1', run: 12 });
  t.match(told.detectors, { hsd: { id: 'simhsd_sim-hsd' }, gmd: {} });
  t.notOk('runinfo' in told.detectors);
  t.match(await pub.ended, { status: 0 }, pub.stderr);
  t.ok(readFileSync(join(folder, 'out.xtc2')).equals(readFileSync(stream)));
  subscriber.leave();
});

t.test('the source fails: 1 and nothing is published; --stale-ok publishes the last ones and says so', async (t) => {
  const folder = privateFolder(t);
  const path = join(folder, 'a.sock');
  const binds = ['--bind', `ipc://${path}`, '--http-retries', '0'];
  const dead = `http://127.0.0.1:${await deadPort()}/calib_ws`;
  const failing = await run('calib-pub', [...basic(dead), ...binds, '--exp', 'tst1', '--run', '7']);
  t.equal(failing.status, 1, failing.stderr);
  t.match(failing.stderr, /<E> calib-pub: FAILED/);

  const ends: (() => unknown)[] = [];
  const { url } = await serveConstants({ teardown: (end) => ends.push(end) }, constantsFolder(folder));
  const pub = new PubProcess(t, [...basic(url), ...binds, '--control', '--stale-ok']);
  await pub.says(/npy-frames at/);
  const subscriber = new RawSubscriber({ path });
  await subscribers(pub, 1);
  t.match(await pub.begin(1), { stale: false });
  for (const end of ends) await end();
  t.match(await pub.begin(2), { stale: true, run: 2 });
  const headers = (await subscriber.received(2)).map(([, header]) => JSON.parse(header!.toString()) as object);
  t.match(headers, [
    { run: 1, stale: false },
    { run: 2, stale: true },
  ]);
  t.match(pub.stderr, /run 2 gets the constants of run 1/);
  pub.child.stdin!.end();
  t.match(await pub.ended, { status: 3 });
  subscriber.leave();
});

t.test('a changed constant is in the next run, with one content fetched more (spec 12.3)', async (t) => {
  const folder = privateFolder(t);
  const source = constantsFolder(folder);
  const { url, requests } = await serveConstants(t, source);
  const pub = new PubProcess(t, [...basic(url), '--control', '--bind', `ipc://${folder}/a.sock`]);
  const before = await pub.begin(1);
  const contents = () => requests.filter(({ path }) => path.includes('gridfs')).length;
  t.equal(contents(), 2);
  t.equal((await pub.begin(2)).hash, before.hash);
  t.equal(contents(), 2);
  writeFileSync(join(source, 'epix', 'geometry.txt'), 'tilted');
  t.not((await pub.begin(3)).hash, before.hash);
  t.equal(contents(), 3);
  pub.child.stdin!.end();
  await pub.ended;
});

t.test('an expected subscriber that never comes is said, and the status is 3', async (t) => {
  const folder = privateFolder(t);
  const outcome = await run('calib-pub', [
    ...basic(constantsFolder(folder)),
    ...[
      '--exp',
      'tst1',
      '--run',
      '7',
      '--once',
      '--expect',
      '2',
      '--expect-timeout',
      '0',
      '--bind',
      `ipc://${folder}/a.sock`,
    ],
  ]);
  t.equal(outcome.status, 3);
  t.match(outcome.stderr, /2 of 2 expected subscribers have not come/);
});

t.test('--control answers lines that make no sense, and goes on', async (t) => {
  const folder = privateFolder(t);
  const pub = new PubProcess(t, [...basic(constantsFolder(folder)), '--control', '--bind', `ipc://${folder}/a.sock`]);
  t.match(await pub.tell(['no']), { event: 'error' });
  t.match(await pub.tell({ cmd: 'begin', exp: 'x', run: '7' }), { event: 'error', message: /"run" is no number/ });
  t.match(await pub.tell({ cmd: 'prefetch', exp: 'tst1', run: 7 }), { event: 'prefetched', run: 7 });
  t.match(await pub.begin(7), { event: 'published', run: 7 });
  pub.child.stdin!.end();
  t.match(await pub.ended, { status: 3 });
});

t.test('shared memory: one copy for all, gone at the end and after SIGKILL', async (t) => {
  const folder = privateFolder(t);
  const env = { XDG_RUNTIME_DIR: folder };
  const args = [...basic(constantsFolder(folder)), '--control', '--shm', '-p', '7'];
  const segments = () => readdirSync('/dev/shm').filter((name) => name.startsWith('daqpipe-calib-p7-epix_0'));
  const first = new PubProcess(t, args, env);
  await first.begin(1);
  const saved = join(folder, 'saved');
  const shown = await run('calib-sub', ['-d', 'epix:0', '-p', '7', '--save', saved], { env });
  t.match(shown.stdout.toString(), /in shared memory \/daqpipe-calib-p7-epix_0-/);
  t.ok(
    readFileSync(join(saved, 'epix', 'pedestals.npy'))
      .subarray(-72, -68)
      .equals(Buffer.from(new Float32Array([1]).buffer)),
  );
  t.equal(segments().length, 1);
  await first.begin(2);
  t.equal(segments().length, 2, 'nobody has heard of the second one yet');
  first.child.kill('SIGKILL');
  await first.ended;
  const second = new PubProcess(t, args, env);
  await second.says(/npy-frames at/);
  t.equal(segments().length, 0);
  second.child.kill('SIGTERM');
  t.match(await second.ended, { status: 143 });
  t.equal(segments().length, 0);
});

t.test('a short stream with shared memory: the segment is there as long as its reader needs', async (t) => {
  const folder = privateFolder(t);
  const env = { XDG_RUNTIME_DIR: folder };
  const source = constantsFolder(folder);
  renameSync(join(source, 'epix'), join(source, 'hsd'));
  const stream = join(folder, 'run.xtc2');
  await run('dgram-gen', ['-n', '5', '--exp', 'tst1', '--run', '12', '-o', stream]);
  const args = ['-d', 'hsd:0', '-p', '8', '--shm', '--expect', '1', '--expect-timeout', '60'];
  const pub = new PubProcess(t, [...args, '--from-stream', stream, '--source', source], env);
  const sub = await run('calib-sub', ['-d', 'hsd_0', '-p', '8', '--json'], { env });
  t.equal(sub.status, 0, sub.stderr);
  t.match(JSON.parse(sub.stdout.toString()), { exp: 'tst1', run: 12, segment: /^\/daqpipe-calib-p8-hsd_0-/ });
  t.match(await pub.ended, { status: 0 });
  t.match(pub.stderr, /OK in 1 = out 1; runs 1/);
});

t.test('a signal ends every wait: for subscribers, and for the service', async (t) => {
  const folder = privateFolder(t);
  const path = join(folder, 'a.sock');
  const rest = ['--exp', 'tst1', '--run', '7', '--expect', '2', '--expect-timeout', '1000', '--bind', `ipc://${path}`];
  const holding = new PubProcess(t, [...basic(constantsFolder(folder)), ...rest]);
  await holding.says(/npy-frames at/);
  const subscriber = new RawSubscriber({ path });
  await new Promise((resolve) => subscriber.socket.once('data', resolve));
  holding.child.kill('SIGTERM');
  t.match(await holding.ended, { status: 143 });
  subscriber.leave();

  const silent = createServer(() => asked()).listen(0, '127.0.0.1');
  let asked = () => {};
  const request = new Promise<void>((resolve) => (asked = resolve));
  await new Promise((resolve) => silent.once('listening', resolve));
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const source = `http://127.0.0.1:${port}/calib_ws`;
  const fetching = new PubProcess(t, [...basic(source), ...rest, '--http-timeout', '1000']);
  await request;
  fetching.child.kill('SIGTERM');
  t.match(await fetching.ended, { status: 143 });
  t.match(fetching.stderr, /<W> calib-pub: LOSS/, 'nobody got this run');
});

t.test('command lines that make no sense end with 2', async (t) => {
  const folder = privateFolder(t);
  const source = constantsFolder(folder);
  const status = async (...args: string[]) =>
    (await run('calib-pub', args, { env: { XDG_RUNTIME_DIR: folder } })).status;
  t.equal(await status('-d', 'epix'), 2, 'no runs');
  t.equal(await status('-d', 'epix', '--control', '--source', source), 2, 'no serial numbers');
  t.equal(await status('--det', DETECTOR, '--control', '--source', source), 2, 'no endpoint');
  t.equal(await status(...basic(source), '--run', '7'), 2, 'no experiment');
  t.equal(await status(...basic(source), '--control', '--from-stream', '-'), 2, 'two ways');
  t.equal(await status(...basic(source), '--control', '--bind', 'udp://x:1'), 2);
  t.equal(await status(...basic(source), '--control', '--bind', 'tcp://127.0.0.1:1=npy'), 2);
  t.equal(await status(...basic(join(folder, 'nowhere')), '--control'), 2, 'no source');
  t.equal((await run('calib-sub', [])).status, 2);
  t.equal((await run('calib-sub', ['udp://x:1'])).status, 2);
  t.equal((await run('calib-sub', [`ipc://${folder}/nobody.sock`, '--wait', '1'])).status, 3);
});
