import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { namesOf } from '../config-json/blocks.ts';
import { needsShared, SHARED } from '../golden.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const json2xtc = join(root, 'bin', 'json2xtc');
const example = join(root, 'examples', 'config', 'hsd_0.json');
const camera = join(root, 'examples', 'config', 'opal_1.json');

const folder = mkdtempSync(join(tmpdir(), 'daqpipe-json2xtc-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

function run(args: readonly string[], input: string | Buffer = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(json2xtc, args, { encoding: 'buffer', cwd: folder }, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr: stderr.toString() });
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

t.test('files, standard streams, and no names at all (json2xtc.md, section 1)', async (t) => {
  const file = await run([example, 'a.xtc2']);
  t.match(file, { status: 0, stderr: '' });
  const bytes = readFileSync(join(folder, 'a.xtc2'));
  t.strictSame((await run([example])).stdout, bytes, 'one name: to standard output');
  t.strictSame((await run([example, '-'])).stdout, bytes, '-');
  t.strictSame((await run(['-', '-'], readFileSync(example))).stdout, bytes, '- -');
  t.strictSame((await run([], readFileSync(example))).stdout, bytes, 'as a filter');
  t.strictSame((await run(['-p', '3', '-u', 'conv', example])).stdout, bytes, 'with what process managers append');
});

t.test('the reference’s cases from a file to a file, both modes', needsShared('data', 'json2xtc'), async (t) => {
  const data = join(SHARED, 'data', 'json2xtc');
  const chosen = ['ok_kinds', 'ok_ulp', 'ok_wrap', 'ok_dup_key', 'bad_int_for_float', 'bad_enum_str', 'bad_empty_file'];
  const cases = readFileSync(join(data, 'CASES.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const item of cases.filter(({ case: name }) => chosen.includes(name))) {
    for (const [mode, flags] of [
      ['default', []],
      ['compat', ['--compat']],
    ] as const) {
      const out = join(folder, `${item.case}.${mode}.xtc2`);
      const { status, stderr } = await run([join(data, `${item.case}.json`), out, ...flags]);
      t.equal(status, item[mode].exit, `${item.case} ${mode}`);
      if (status === 0)
        t.ok(readFileSync(out).equals(readFileSync(join(data, item[mode].bytes))), `${item.case} ${mode}: bytes`);
      else t.notOk(existsSync(out), `${item.case} ${mode}: no file`);
      if (status !== 0) t.match(stderr, /\.json:\d+:\d+:/, `${item.case} ${mode}: place`);
    }
  }
});

t.test('a failure leaves the old output and nothing else (section 7)', async (t) => {
  const place = join(folder, 'kept');
  mkdirSync(place);
  const out = join(place, 'out.xtc2');
  writeFileSync(out, 'old');
  writeFileSync(join(folder, 'bad.json'), readFileSync(example, 'utf8').replace('"gate": 10000', '"gate": "x"'));
  const { status, stderr } = await run(['bad.json', out]);
  t.equal(status, 1);
  t.match(stderr, /^json2xtc: bad\.json:\d+:\d+:user\.raw\.gate: /);
  t.equal(readFileSync(out, 'utf8'), 'old');
  t.strictSame(readdirSync(place), ['out.xtc2']);
  t.equal((await run([example, out])).status, 0);
  t.strictSame(readdirSync(place), ['out.xtc2'], 'and a success leaves no temporary file');
});

t.test('the file behind a link is replaced, with its mode; devices are written directly', async (t) => {
  writeFileSync(join(folder, 'real.xtc2'), 'old');
  chmodSync(join(folder, 'real.xtc2'), 0o600);
  symlinkSync('real.xtc2', join(folder, 'link.xtc2'));
  t.equal((await run([example, 'link.xtc2'])).status, 0);
  t.ok(lstatSync(join(folder, 'link.xtc2')).isSymbolicLink());
  t.equal(statSync(join(folder, 'real.xtc2')).mode & 0o777, 0o600);
  t.ok(statSync(join(folder, 'real.xtc2')).size > 1000);
  t.equal((await run([example, '/dev/null'])).status, 0);
  t.ok(statSync('/dev/null').isCharacterDevice());
});

t.test('exit statuses for usage, inputs and outputs (section 1)', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['missing.json', 'x.xtc2'], 2, /missing\.json: no such file/],
    [[folder, 'x.xtc2'], 2, /is a directory/],
    [[example, join(folder, 'no', 'x.xtc2')], 2, /no\/x\.xtc2: cannot write: there is no such folder/],
    [[example, folder], 2, /cannot write: is a directory/],
    [['a', 'b', 'c'], 2, /usage: json2xtc/],
    [['--nonsense'], 2, /--nonsense/],
    [[], 2, /usage: json2xtc/],
    [['-'], 1, /-:1:1: the text is empty/],
    [[example, '--time', 'noon'], 2, /--time: "noon"/],
    [[example, '--transition', 'Lunch'], 2, /there is no transition "Lunch"; known are/],
    [[example, '--node', '4096'], 2, /4096/],
    [['--names-id', '255', '-o', 'x.xtc2', example, camera], 1, /there are 0\.\.255/],
    [['--json', example], 2, /--json/],
  ];
  for (const [args, status, text] of cases) {
    const result = await run(args);
    t.equal(result.status, status, args.join(' '));
    t.match(result.stderr, text, args.join(' '));
    t.equal(result.stdout.length, 0, `${args.join(' ')}: nothing on stdout`);
  }
  t.notOk(existsSync(join(folder, 'x.xtc2')));
});

t.test('--check reports and writes nothing', async (t) => {
  const good = await run(['--check', example, 'never.xtc2']);
  t.equal(good.status, 0);
  t.match(good.stdout.toString(), /hsd_0\.json: ok: hsd_0 segment 0 config 2\.1\.0: \d+ fields, NamesId 0x100/);
  t.notOk(existsSync(join(folder, 'never.xtc2')));
  writeFileSync(
    join(folder, 'two.json'),
    readFileSync(example, 'utf8').replace('"gate": 10000', '"gate": -1').replace('"xpre": 4', '"xpre": 1e2'),
  );
  const bad = await run(['--check', '--json', 'two.json']);
  t.equal(bad.status, 1);
  t.match(JSON.parse(bad.stdout.toString()), {
    ok: false,
    inputs: [{ file: 'two.json', errors: 2, problems: [{ key: 'user.fex.xpre' }, { key: 'user.raw.gate' }] }],
  });
});

t.test('several documents, halves, ids, segments and times', async (t) => {
  const { stdout } = await run([
    '-o',
    '-',
    '--split-segment',
    '--node',
    '7',
    '--names-id',
    '20',
    '--time',
    '5.25',
    example,
    camera,
  ]);
  t.match(namesOf(stdout), [
    { id: 0x714, detName: 'hsd', segment: 0 },
    { id: 0x715, detName: 'opal', segment: 1 },
  ]);
  t.equal(stdout.readUInt32LE(4), 5);
  t.equal(stdout.readUInt32LE(0), 250_000_000);
  const names = (await run(['--names-only', example])).stdout;
  const data = (await run(['--data-only', example])).stdout;
  t.equal(names.readUInt32LE(8), 0x02000000, 'descriptions go with Configure');
  t.equal(data.readUInt32LE(8), 0x0c000000, 'values go with L1Accept');
  const both = (await run([example])).stdout;
  t.strictSame(Buffer.concat([names.subarray(24), data.subarray(24)]), both.subarray(24));
  const list = `[${readFileSync(example)}, ${readFileSync(camera)}]`;
  t.equal((await run(['--list'], list)).stdout.length, both.length + (await run([camera])).stdout.length - 24);
  t.match(await run([], list), { status: 1, stderr: /a list, not an object/ });
});

t.test('the reader of the output may leave early', async (t) => {
  const child = spawn('/bin/sh', ['-c', `"${json2xtc}" "${example}" | head -c 10 | wc -c`]);
  const text = await new Promise((resolve) => child.stdout.on('data', (data) => resolve(String(data).trim())));
  t.equal(text, '10');
});
