import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { executable, run } from '../executable.ts';
import { writtenSeeds } from '../fuzz/seeds.ts';
import { needsShared, SHARED } from '../golden.ts';
import { fileOf, streamOf, temporaryFolder } from '../stream/streams.ts';
import { dgram } from '../xtc/raw.ts';

const XTC2 = join(SHARED, 'data', 'xtc2');
const DGRAM_CAT = executable('dgram-cat');
const [flat, nested] = writtenSeeds() as [Buffer, Buffer, Buffer];

const cat = (...args: string[]) => run('dgram-cat', args);
const lines = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1);
const isSorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
const canonical = (line: string) => JSON.stringify(JSON.parse(line), (_key, value: unknown) => isSorted(value));

const GOLDENS = [
  'written/xtcwriter_t.xtc2',
  'written/py2xtc.xtc2',
  'test_hsd.xtc2',
  'test_data/chunking/xpptut15-r0014-s000-c000.xtc2',
];
t.test('--format jsonl --arrays md5 prints the goldens (dgram-json.md)', needsShared('data', 'xtc2'), async (t) => {
  for (const name of GOLDENS) {
    const { stdout, status } = await cat('--format', 'jsonl', '--arrays', 'md5', join(XTC2, name));
    const expected = readFileSync(join(XTC2, `${name}.golden.jsonl`), 'utf8')
      .trim()
      .split('\n');
    t.same(lines(stdout).map(canonical), expected.map(canonical), name);
    t.equal(status, name === 'test_hsd.xtc2' ? 1 : 0, `${name}: status`);
  }
});

interface Expectation {
  file: string;
  dgrams: number;
  findings: { code: string; severity: string; index: number; offset: number }[];
  exit: number;
}

const expectations = () =>
  readFileSync(join(XTC2, 'bad', 'EXPECT.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Expectation);

t.test(
  'every damaged file: exit status, and all good lines before (EXPECT.jsonl)',
  needsShared('data', 'xtc2', 'bad'),
  async (t) => {
    const outcomes = expectations().map(async (expected) => ({
      ...expected,
      ...(await cat('--format', 'jsonl', join(XTC2, 'bad', expected.file))),
    }));
    for (const { file, dgrams, findings, exit, status, stdout, stderr } of await Promise.all(outcomes)) {
      t.equal(status, exit, `${file}: status`);
      t.equal(lines(stdout).length, dgrams, `${file}: lines`);
      for (const { code, severity } of findings)
        if (severity !== 'info') t.match(stderr, code, `${file}: told on stderr`);
    }
  },
);

t.test(
  '--check --json reports the findings (the checker itself is tested with all files)',
  needsShared('data', 'xtc2', 'bad'),
  async (t) => {
    for (const { file, findings, exit } of expectations().filter((_, i) => i % 5 === 2)) {
      const { status, stdout } = await cat('--check', '--json', join(XTC2, 'bad', file));
      t.equal(status, exit, `${file}: status`);
      const report = JSON.parse(stdout.toString()) as { findings: Expectation['findings'] };
      const key = (finding: Expectation['findings'][number]) =>
        `${finding.offset} ${finding.code} ${finding.severity} ${finding.index}`;
      t.same(report.findings.map(key).sort(), findings.map(key).sort(), `${file}: findings`);
    }
  },
);

t.test('--check tells a short file from a damaged one', async (t) => {
  const folder = temporaryFolder(t);
  const verdict = async (name: string, bytes: Buffer) =>
    lines((await cat('--check', fileOf(folder, name, bytes))).stdout)[0];
  t.match(await verdict('good', flat), /^clean: 10 dgrams/);
  t.match(await verdict('short', flat.subarray(0, flat.length - 3)), /^incomplete: 9 dgrams/);
  t.match(await verdict('damaged', Buffer.concat([flat, Buffer.alloc(40, 0xff)])), /^damaged: 10 dgrams/);
});

t.test('--format xtc2 is a filter: unchanged bytes, from files and pipes', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', nested);
  t.ok((await cat('--format', 'xtc2', file)).stdout.equals(nested));
  for (const args of [['-'], []]) {
    const piped = await run('dgram-cat', ['--format', 'xtc2', ...args], { stdin: undefined, input: nested });
    t.same([piped.status, piped.stderr], [0, '']);
    t.ok(piped.stdout.equals(nested));
  }
  const events = await cat('--format', 'xtc2', '--service', 'L1Accept', '--detector', 'all', file);
  t.equal(events.status, 0, 'descriptions count though the Configure is refused');
  const again = await run('dgram-cat', ['--config', file, '--format', 'jsonl', '-'], {
    stdin: undefined,
    input: events.stdout,
  });
  t.equal(again.status, 0);
  t.same(
    lines(again.stdout).map((line) => (JSON.parse(line) as { service: string }).service),
    ['L1Accept', 'L1Accept'],
  );
});

t.test('--format smd writes the small-data file', needsShared('data', 'xtc2', 'written'), async (t) => {
  const made = await cat('--format', 'smd', join(XTC2, 'written', 'xtcwriter_t.xtc2'));
  t.ok(made.stdout.equals(readFileSync(join(XTC2, 'written', 'xtcwriter_t.smd.xtc2'))));
});

t.test('--where over values and enum labels, also as a filter', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', nested);
  const matching = async (...args: string[]) => {
    const { stdout, status, stderr } = await cat('--format', 'jsonl', '--no-names', ...args, file);
    return [status, lines(stdout).length, stderr] as const;
  };
  t.same(await matching('--where', 'all.config.mode == 2'), [0, 3, '']);
  t.same(await matching('--where', 'service == L1Accept and all.raw.UINT16 == 1'), [0, 2, '']);
  t.same(await matching('--where', 'all.config.mode == Low and service == Configure'), [
    1,
    0,
    'dgram-cat: no dgram matches\n',
  ]);
  const misspelt = await matching('--where', 'all.raw.UNT16 == 1');
  t.equal(misspelt[0], 1);
  t.match(misspelt[2], 'no dgram had all.raw.UNT16');
  t.equal((await matching('--where', 'service ='))[0], 2);
});

t.test('-n, --skip and --damage without value', async (t) => {
  const folder = temporaryFolder(t);
  const [a, b] = [fileOf(folder, 'a.xtc2', flat), fileOf(folder, 'b.xtc2', flat)];
  const offsets = async (...args: string[]) =>
    lines((await cat('--format', 'jsonl', '--no-data', ...args)).stdout).map(
      (line) => (JSON.parse(line) as { index: number }).index,
    );
  t.same(await offsets('-n', '2', a), [0, 1]);
  t.same(await offsets('--skip', '8', a), [8, 9]);
  t.same(await offsets('--skip', '8', '-n', '3', a, b), [8, 9, 0], 'across files');
  t.same(await offsets('-n', '0', a), []);
  const damaged = fileOf(folder, 'd.xtc2', Buffer.concat([flat, dgram({ sec: 2000, damage: 0x20 })]));
  for (const args of [
    ['--damage', damaged],
    [damaged, '--damage'],
    ['--damage', 'any', damaged],
    ['--damage=MissingData', damaged],
  ]) {
    t.same(await offsets(...args), [10], args.join(' ').replace(damaged, 'FILE'));
  }
  t.equal((await cat('--damage', 'TimedOut', damaged)).status, 1, 'no match');
});

t.test('what cannot be read is named, with status 2; wrong usage too', async (t) => {
  const folder = temporaryFolder(t);
  for (const [args, message] of [
    [[join(folder, 'missing')], /missing: no such file/],
    [[folder], /is a directory/],
    [['--groups', 'x', folder], /"x"/],
    [['--format', 'pdf', folder], /pdf/],
    [['--check', '--stats', folder], /one view at a time/],
    [['--config', join(folder, 'none'), folder], /none: no such file/],
    [['--merge', '--format', 'smd', folder], /smd/],
  ] as const) {
    const { status, stderr, stdout } = await cat(...args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, message);
    t.equal(stdout.length, 0);
    t.notMatch(stderr, /at .*\.(ts|cjs):/, 'no stack');
  }
});

t.test('empty and foreign input', async (t) => {
  const folder = temporaryFolder(t);
  const empty = await cat(fileOf(folder, 'empty', Buffer.alloc(0)));
  t.equal(empty.status, 0);
  t.match(empty.stderr, /empty-file/);
  t.equal((await cat('/dev/null')).status, 0);
  const foreign = await cat(fileOf(folder, 'text', Buffer.from('hello '.repeat(100))));
  t.equal(foreign.status, 1);
  t.match(foreign.stderr, /not-xtc2/);
});

t.test(
  '--config gives a chunk its descriptions and labels; the next chunk of a stream has them by itself',
  async (t) => {
    const folder = temporaryFolder(t);
    const configureSize = 12 + flat.readUInt32LE(20);
    const c000 = fileOf(folder, 'x-r0001-s000-c000.xtc2', flat);
    const c001 = fileOf(folder, 'x-r0001-s000-c001.xtc2', flat.subarray(configureSize));
    const alone = await cat('--check', c001);
    t.equal(alone.status, 1);
    t.match(alone.stdout.toString(), /unknown-namesid.*--config/);
    t.equal((await cat('--check', '--config', c000, c001)).status, 0);
    t.equal((await cat('--check', c000, c001)).status, 0);
  },
);

t.test('--merge: time order; as xtc2 one dgram per event', async (t) => {
  const folder = temporaryFolder(t);
  const [a, b] = [1, 2].map((node) => fileOf(folder, `s00${node}.xtc2`, streamOf(node))) as [string, string];
  const merged = await cat('--merge', '--format', 'jsonl', '--no-data', a, b);
  t.equal(lines(merged.stdout).length, 20);
  const built = await cat('--merge', '--format', 'xtc2', a, b);
  const shown = await run('dgram-cat', ['--format', 'jsonl', '--no-names', '-'], {
    stdin: undefined,
    input: built.stdout,
  });
  t.same([merged.status, built.status, shown.status], [0, 0, 0]);
  const events = lines(shown.stdout).map((line) => JSON.parse(line) as { level: string; contributors: unknown[] });
  t.equal(events.length, 10);
  for (const event of events) t.match(event, { level: 'Event', contributors: [{ src: 1 }, { src: 2 }] });
  t.equal(lines((await cat('--merge', '-n', '3', a, b)).stdout).length, 3);
});

t.test('resync goes on behind garbage', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', Buffer.concat([flat, Buffer.alloc(333, 0xff), flat]));
  const plain = await cat('--format', 'jsonl', '--no-data', file);
  const resync = await cat('--format', 'jsonl', '--no-data', '--resync', file);
  t.same([plain.status, lines(plain.stdout).length], [1, 10]);
  t.same([resync.status, lines(resync.stdout).length], [1, 20]);
  t.match(plain.stderr, /--resync goes on there/);
});

t.test('a closed pipe is an ordinary end: `| head -1`', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', Buffer.concat(Array<Buffer>(400).fill(flat)));
  const { stdout, stderr } = await execa('bash', [
    '-c',
    `"${DGRAM_CAT}" -d "${file}" | head -1; echo "\${PIPESTATUS[0]}"`,
  ]);
  t.match(stdout, /Configure.*\n0$/);
  t.equal(stderr, '');
});

t.test('-p N -u NAME at the end of the line are taken, as process managers give them', async (t) => {
  const { status, stderr } = await cat(join(temporaryFolder(t), 'missing'), '-p', '3', '-u', 'monitor_0');
  t.equal(status, 2);
  t.match(stderr, /^monitor_0: /);
  const file = fileOf(temporaryFolder(t), 'a.xtc2', flat);
  t.equal(lines((await cat(file, '-p', '3', '-u', 'monitor_0')).stdout).length, 10);
});

t.test('no escape sequences, with and without TERM, NO_COLOR and HOME', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', flat);
  for (const env of [{}, { TERM: 'xterm', NO_COLOR: '1' }]) {
    for (const args of [[file], ['--stats', file], ['--help']]) {
      const { stdout, status } = await run('dgram-cat', args, {
        env: { PATH: process.env.PATH, ...env },
        extendEnv: false,
      });
      t.equal(status, 0);
      t.notOk(stdout.includes(0x1b), `${args[0]} with ${JSON.stringify(env)}`);
    }
  }
});

t.test('no mutant gets a signal or an internal fault out of the executable', async (t) => {
  const { mutant, seedOf } = await import('../fuzz/mutate.ts');
  const { Random } = await import('../fuzz/random.ts');
  const seed = seedOf(flat);
  const outcomes = Array.from({ length: 8 }, (_, i) =>
    run('dgram-cat', ['--resync', '-d', '-'], { stdin: undefined, input: mutant(seed, new Random(i)) }),
  );
  for (const { status, stderr } of await Promise.all(outcomes)) {
    t.ok(status === 0 || status === 1, `status ${status}`);
    t.notMatch(stderr, /internal fault/);
  }
});
