import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { simulateRun } from '../../lib/simulate/simulation.ts';
import { DEFAULT_RUN } from '../../lib/simulate/usual-runs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const gen = join(root, 'bin', 'dgram-gen');
const cat = join(root, 'bin', 'dgram-cat');
const examples = join(root, 'examples', 'runs');
const folder = mkdtempSync(join(tmpdir(), 'daqpipe-dgram-gen-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

function run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Result> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', cwd: folder, maxBuffer: 1 << 28 } as const;
    const child = execFile(program, args, options, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr: stderr.toString() });
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

/** Lines of dgram-cat: transition and the rest. */
async function shown(...files: string[]): Promise<string[]> {
  const { stdout } = await run(cat, files);
  return stdout.toString().trim().split('\n');
}

async function verdictOf(bytes: Buffer | string): Promise<string> {
  const input = typeof bytes === 'string' ? readFileSync(join(folder, bytes)) : bytes;
  return (await run(cat, ['--check'], input)).stdout.toString().split(':')[0]!;
}

const inFolder = (...parts: string[]) => join(folder, ...parts);

t.test('without anything it plays two detectors, clean, and says so', async (t) => {
  const result = await run(gen, []);
  t.equal(result.status, 0);
  t.match(result.stderr, /^<I> dgram-gen: OK 200 events, 209 dgrams, \d+ kB in 1 stream; in 200 = out 200\n$/);
  t.equal(await verdictOf(result.stdout), 'clean');
  t.same(result.stdout, Buffer.concat([...simulateRun(DEFAULT_RUN)]), 'the same bytes as in process');
  t.same((await run(gen, ['--seed', '1'])).stdout, result.stdout, 'and every time');
  t.notSame((await run(gen, ['--seed', '2'])).stdout, result.stdout);
});

t.test('large frames come out of a pipe as they are in process', async (t) => {
  const description = {
    events: 30,
    detectors: [{ kind: 'camera', rows: 300, columns: 300, pool: 5 }, { kind: 'gmd' }],
  };
  const result = await run(gen, ['-'], JSON.stringify(description));
  t.equal(result.status, 0);
  t.ok(result.stdout.equals(Buffer.concat([...simulateRun(description)])));
});

t.test('a file appears at the end; with --grow it has its name from the start', async (t) => {
  for (const grow of [false, true]) {
    const name = `file-${grow}.xtc2`;
    const child = spawn(gen, ['-n', '0', '--rate', '50', '-o', name, ...(grow ? ['--grow'] : [])], { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    await until(() => (grow ? existsSync(inFolder(name)) : readdirSync(folder).some((file) => file.includes('.tmp'))));
    t.equal(existsSync(inFolder(name)), grow);
    child.kill('SIGINT');
    t.equal(await exitOf(child), 130);
    t.match(stderr, /<I> dgram-gen: STOPPED \d+ events/);
    t.equal(await verdictOf(name), 'clean');
    t.strictSame(
      (await shown(name)).slice(-3).map((line) => line.trim().split(/\s+/)[2]),
      ['Disable', 'EndStep', 'EndRun'],
    );
  }
  t.notOk(readdirSync(folder).some((file) => file.includes('.tmp')));
});

t.test('SIGTERM on a full-speed pipe ends in order too', async (t) => {
  const child = spawn(gen, ['-n', '0', '--size', '300'], { cwd: folder });
  const blocks: Buffer[] = [];
  child.stdout.on('data', (block: Buffer) => {
    blocks.push(block);
    if (blocks.length === 20) child.kill('SIGTERM');
  });
  t.equal(await exitOf(child), 143);
  const bytes = Buffer.concat(blocks);
  t.equal(await verdictOf(bytes), 'clean');
  t.equal(bytes.readUInt8(bytes.length - 24 + 11) & 0xf, 5, 'EndRun is last');
});

t.test('a reader that goes away is an ordinary end', async (t) => {
  const out = execFileSync('bash', ['-o', 'pipefail', '-c', `"${gen}" -n 0 | head -c 100000 | wc -c`], {
    encoding: 'utf8',
  });
  t.equal(out.trim(), '100000');
});

t.test(
  'a folder gets files with LCLS names, and small data that dgram-cat would make (procmgr.md 5.1, xtc2.md 13)',
  async (t) => {
    const args = ['--streams', '3', '--smd', '--exp', 'abc', '--run', '42', '-n', '50', '--steps', '2', '-o', 'data/'];
    const result = await run(gen, args);
    t.equal(result.status, 0, result.stderr);
    const names = [0, 1, 2].map((node) => `abc-r0042-s00${node}-c000`);
    t.strictSame(readdirSync(inFolder('data')).sort(), [...names.map((name) => `${name}.xtc2`), 'smalldata']);
    for (const name of names) {
      t.equal(await verdictOf(join('data', `${name}.xtc2`)), 'clean');
      const small = await run(cat, ['--format', 'smd', `data/${name}.xtc2`]);
      t.ok(
        small.stdout.equals(readFileSync(inFolder('data', 'smalldata', `${name}.smd.xtc2`))),
        `small data of ${name}`,
      );
    }
  },
);

t.test('chunks: the last Enable names the next file, small data goes on in one (xtc2.md 14)', async (t) => {
  const description = { steps: 5, chunkSteps: 2, events: 4, experiment: 'chk', detectors: [{ kind: 'gmd' }] };
  t.equal((await run(gen, ['-', '-o', 'chunks/', '--smd'], JSON.stringify(description))).status, 0);
  const chunks = ['c000', 'c001', 'c002'].map((chunk) => `chunks/chk-r0001-s000-${chunk}.xtc2`);
  const first = await run(cat, ['-d', '--service', 'Enable', chunks[0]!]);
  t.match(first.stdout.toString(), 'chk-r0001-s000-c001.xtc2');
  t.equal((await shown(chunks[0]!)).at(-1)!.trim().split(/\s+/)[2], 'Enable');
  const followed = await run(cat, ['-f', '--timeout', '5', chunks[0]!]);
  t.equal(followed.stdout.toString().trim().split('\n').length, 3 + 5 * 8, 'dgram-cat -f finds all of them');
  const offsets = (await run(cat, ['--format', 'jsonl', 'chunks/smalldata/chk-r0001-s000-c000.smd.xtc2'])).stdout
    .toString()
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { service: string; data?: { smdinfo: { 0: { offsetAlg: { intOffset: number } } } } },
    )
    .filter(({ service }) => service === 'L1Accept')
    .map(({ data }) => Number(data!.smdinfo[0].offsetAlg.intOffset));
  t.strictSame([offsets[8], offsets[16]], [0, 0], 'offsets begin anew in each chunk');
});

t.test('one output per stream: named pipes and descriptors', async (t) => {
  execFileSync('mkfifo', [inFolder('p0'), inFolder('p1')]);
  const readers = Promise.all(['p1', 'p0'].map((pipe) => run(cat, ['--check', pipe])));
  const result = await run(gen, ['--streams', '2', '-o', 'p0', '-o', 'p1']);
  t.equal(result.status, 0, result.stderr);
  for (const { stdout } of await readers) t.match(stdout.toString(), /^clean: 209 dgrams/);
  const fds = ['d3', 'd4'].map((name) => openSync(inFolder(name), 'w'));
  const child = spawn(gen, ['--streams', '2', '-o', 'fd:3', '-o', 'fd:4'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'ignore', ...fds],
  });
  t.equal(await exitOf(child), 0);
  for (const fd of fds) closeSync(fd);
  for (const name of ['d3', 'd4']) t.equal(await verdictOf(name), 'clean');
});

t.test('one of several readers goes away: the others get everything', async (t) => {
  execFileSync('mkfifo', [inFolder('q0')]);
  const leaver = spawn('head', ['-c', '1000', inFolder('q0')], { stdio: 'ignore' });
  const result = await run(gen, ['--streams', '2', '-n', '3000', '-o', 'q0', '-o', 'q1.xtc2']);
  await exitOf(leaver);
  t.equal(result.status, 0, result.stderr);
  t.match(result.stderr, 'q0: its reader went away before the end');
  t.match((await run(cat, ['--check', 'q1.xtc2'])).stdout.toString(), /^clean: 30\d\d dgrams/);
});

t.test('sockets get whole dgrams, large ones too', async (t) => {
  const url = `zmq+ipc://${inFolder('socket', 's')}`;
  mkdirSync(inFolder('socket'), { mode: 0o700 });
  const description = JSON.stringify({
    events: 20,
    detectors: [{ kind: 'camera', rows: 400, columns: 400 }, { kind: 'gmd' }],
  });
  const writer = run(gen, ['-', '-o', url], description);
  const reader = await run(cat, ['--check', url]);
  t.match(reader.stdout.toString(), /^clean: 27 dgrams/, reader.stderr);
  t.equal((await writer).status, 0);
});

t.test(
  'the reader of a socket goes away: its stream is lost and named, the others end in order, status 3',
  async (t) => {
    const url = `zmq+ipc://${inFolder('socket', 'gone')}`;
    mkdirSync(inFolder('socket'), { mode: 0o700, recursive: true });
    const result = run(gen, ['--streams', '2', '-n', '20000', '--rate', '10000', '-o', url, '-o', 'left.xtc2']);
    const leaver = await run(cat, ['-n', '5', url]);
    t.equal(leaver.status, 0, leaver.stderr);
    const { status, stderr } = await result;
    t.equal(status, 3, stderr);
    t.match(stderr, `${url}: its reader went away before the end`);
    t.match(stderr, /<W> dgram-gen: LOSS .*in 20000 = out 20000; a reader went away/);
    t.match(await verdictOf('left.xtc2'), /^clean/);
  },
);

t.test('--event-built, --print, --list-kinds, --json', async (t) => {
  const built = await run(gen, ['--event-built', '--streams', '2', '-n', '3']);
  t.equal(await verdictOf(built.stdout), 'clean');
  const printed = await run(gen, ['--print', join(examples, 'mixed-rates.yaml')]);
  t.equal(printed.status, 0);
  t.same((await run(gen, ['--print', '-'], printed.stdout)).stdout, printed.stdout);
  t.match(JSON.parse((await run(gen, ['--print', '--json', '-n', '7'])).stdout.toString()), { events: 7, seed: 1 });
  t.match(
    (await run(gen, ['--list-kinds'])).stdout.toString(),
    /camera .*\n.*keys: rows, columns, pixel \(uint8, uint16, float\)/,
  );
  const { detectors, generators } = JSON.parse((await run(gen, ['--list-kinds', '--json'])).stdout.toString());
  t.ok(detectors.length >= 8 && generators.length >= 10);
  const result = await run(gen, ['--json', '-n', '5', '-o', 'j.xtc2']);
  t.match(JSON.parse(result.stdout.toString()), {
    events: 5,
    dgrams: 12,
    outputs: ['j.xtc2'],
    balance: { in: 5, out: 5, unaccounted: 0 },
  });
});

t.test('--size makes events of exactly that size', async (t) => {
  const sizes = [88, 100, 4097, 70_000, 1_000_001];
  const found = await Promise.all(
    sizes.map(async (size) => {
      const { stdout } = await run(gen, ['--size', String(size), '-n', '3']);
      const lines = (await run(cat, ['--service', 'L1Accept'], stdout)).stdout.toString().trim().split('\n');
      return lines.map((line) => Number(line.trim().split(/\s+/)[6]));
    }),
  );
  t.strictSame(
    found,
    sizes.map((size) => [size, size, size]),
  );
});

t.test('rates of groups, partitions, and pacing', async (t) => {
  const { stdout, stderr } = await run(gen, [
    '-n',
    '40',
    '--group',
    '2=1.02kHz',
    '--group',
    '3=102Hz',
    '-p',
    '2',
    '-u',
    'gen0',
    '--rate',
    '100000',
  ]);
  t.match(stderr, '<I> gen0: OK 40 events');
  const lines = (await run(cat, ['--service', 'L1Accept', '--format', 'jsonl'], stdout)).stdout.toString().trim();
  t.strictSame(
    lines.split('\n').map((line) => (JSON.parse(line) as { groups: number[] }).groups),
    Array.from({ length: 40 }, (_, i) => ((i + 5) % 10 === 0 ? [2, 3] : [2])),
  );
  const realtime = await run(gen, ['--realtime', '-n', '3']);
  t.equal(realtime.status, 0);
  t.equal(await verdictOf(realtime.stdout), 'clean');
});

t.test('SIGUSR1 prints the balance', async (t) => {
  const child = spawn(gen, ['-n', '0', '--rate', '100'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
    if (/in \d+ = out \d+/.test(stderr)) child.kill('SIGINT');
  });
  child.stdout.once('data', () => child.kill('SIGUSR1'));
  child.stdout.resume();
  t.equal(await exitOf(child), 130);
  t.match(stderr, /dgram-gen: in \d+ = out \d+/);
});

t.test('what makes no sense is refused in a sentence, before anything is written', async (t) => {
  writeFileSync(inFolder('bad.yaml'), 'detectors:\n  - kind: camera\n    rowz: 3\n');
  const cases: [string[], number, RegExp][] = [
    [['bad.yaml'], 1, /^dgram-gen: bad.yaml:3:5:detectors.0.rowz: there is no key "rowz" here; allowed are .*rows/],
    [['nothere.yaml'], 2, /nothere.yaml: no such file/],
    [['--streams', '3'], 2, /the run has 3 streams \(0, 1, 2\), but there is 1 output/],
    [['-o', 'a', '-o', 'b'], 2, /the run has 1 streams? .*, but there are 2 outputs/],
    [['--streams', '2', '-o', 'a', '-o', 'a'], 2, /-o a is given twice/],
    [['--smd', '-o', 'x.xtc2'], 2, /--smd needs a folder/],
    [['--rate', '5', '--realtime'], 2, /realtime/],
    [['--rate', 'fast'], 2, /--rate must be a number/],
    [['--size', '10'], 2, /--size 10: dgrams have 88 to/],
    [['--size', '100', 'bad.yaml'], 2, /--size makes its own run/],
    [['--group', '1=10Hz', '--group', '0=1Hz'], 1, /groups.1: group 1 fires on pulses without the common group 0/],
    [['-p', '9'], 2, /0 to 7/],
    [['--json'], 2, /--json goes to standard output/],
    [['-o', 'no/such/folder/x.xtc2'], 2, /cannot write/],
    [['-o', '/dev/full', '-n', '100000'], 2, /cannot write/],
    [['--bogus'], 2, /bogus/],
  ];
  const results = await Promise.all(cases.map(([args]) => run(gen, args)));
  results.forEach((result, i) => {
    const [args, status, message] = cases[i]!;
    t.equal(result.status, status, args.join(' '));
    t.match(result.stderr, message);
    t.equal(result.stdout.length, 0);
  });
  t.notOk(existsSync(inFolder('x.xtc2')));
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.on('exit', (status) => resolve(status)));
}
