import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { needsShared, SHARED } from '../golden.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples', 'config', 'hsd_0.json');
const camera = join(root, 'examples', 'config', 'opal_1.json');

const folder = mkdtempSync(join(tmpdir(), 'daqpipe-xtc2json-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

function run(name: string, args: readonly string[], input: string | Buffer = ''): Promise<Result> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', cwd: folder, maxBuffer: 1 << 26 } as const;
    const child = execFile(join(root, 'bin', name), args, options, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr: stderr.toString() });
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

t.test('one document, as a file and as a filter', async (t) => {
  await run('json2xtc', [example, 'one.xtc2']);
  const { status, stdout, stderr } = await run('xtc2json', ['one.xtc2']);
  t.match({ status, stderr }, { status: 0, stderr: '' });
  t.match(JSON.parse(stdout.toString()), {
    'detName:RO': 'hsd_0',
    lanes: [{ gain: 1 }, { gain: 0.985 }],
    rate: 5951.189847,
  });
  t.match(stdout.toString(), /"gain": 1\.0,\n/, 'floating form');
  const bytes = readFileSync(join(folder, 'one.xtc2'));
  t.strictSame((await run('xtc2json', [], bytes)).stdout, stdout);
  t.equal((await run('xtc2json', ['one.xtc2', 'one.json'])).status, 0);
  t.strictSame(readFileSync(join(folder, 'one.json')), stdout);
  t.strictSame((await run('json2xtc', ['one.json'])).stdout, bytes, 'and back');
  t.match((await run('xtc2json', ['--compact', 'one.xtc2'])).stdout.toString(), /^\{"detType:RO":"hsd",.*\}\n$/);
  t.notOk(
    readdirSync(folder).some((name) => name.endsWith('.tmp')),
    'no temporary file is left',
  );
});

t.test('several documents: a list or lines, chosen by detector, algorithm and segment', async (t) => {
  await run('json2xtc', ['-o', 'two.xtc2', '--split-segment', example, camera]);
  const bytes = readFileSync(join(folder, 'two.xtc2'));
  const all = await run('xtc2json', ['two.xtc2']);
  t.equal(all.status, 0);
  t.match(all.stderr, /--split-segment/);
  t.strictSame(
    JSON.parse(all.stdout.toString()).map((document: Record<string, unknown>) => document['detName:RO']),
    ['hsd_0', 'opal_1'],
  );
  t.strictSame((await run('json2xtc', ['--list', '--split-segment'], all.stdout)).stdout, bytes, 'a list comes back');
  const lines = await run('xtc2json', ['--format', 'jsonl', 'two.xtc2']);
  t.equal(lines.stdout.toString().trim().split('\n').length, 2);
  t.strictSame((await run('json2xtc', ['--list', '--split-segment'], lines.stdout)).stdout, bytes, 'lines come back');
  for (const [args, name] of [
    [['--detector', 'opal'], 'opal_1'],
    [['--detector', 'opal_1'], 'opal_1'],
    [['--detector', 'h*'], 'hsd'],
    [['--segment', '0', '--alg', 'config'], 'hsd'],
    [['--segment', '0', '--join-segment'], 'hsd_0'],
  ] as const) {
    t.equal(
      JSON.parse((await run('xtc2json', [...args, 'two.xtc2'])).stdout.toString())['detName:RO'],
      name,
      args.join(' '),
    );
  }
  const lost = await run('xtc2json', ['--detector', 'opal', '--no-join-segment', 'two.xtc2']);
  t.match(lost, { status: 3, stderr: /not kept: opal_1 config: segment 1: it comes back as 0/ });
  t.match(await run('xtc2json', ['--detector', 'epix', 'two.xtc2']), {
    status: 1,
    stderr: /there are: hsd_0 config, opal_1 config/,
  });
});

t.test('descriptions in Configure, values in another transition', async (t) => {
  const names = (await run('json2xtc', ['--names-only', example])).stdout;
  const data = (await run('json2xtc', ['--data-only', '--transition', 'BeginStep', example])).stdout;
  const both = Buffer.concat([names, data]);
  const { status, stdout } = await run('xtc2json', ['--transition', 'BeginStep'], both);
  t.equal(status, 0);
  t.strictSame((await run('json2xtc', [], stdout)).stdout, (await run('json2xtc', [example])).stdout);
  t.match(await run('xtc2json', [], both), { status: 1, stderr: /no values.*hsd_0_0 config \(no values here\)/ });
  t.match(await run('xtc2json', [], data), { status: 1, stderr: /there is no Configure/ });
});

t.test('bad inputs are named, never a crash', async (t) => {
  t.match(await run('xtc2json', ['missing.xtc2']), { status: 2, stderr: /no such file/ });
  t.match(await run('xtc2json', ['a', 'b', 'c']), { status: 2, stderr: /usage: xtc2json/ });
  t.match(await run('xtc2json', [], ''), { status: 1, stderr: /empty-file/ });
  t.match(await run('xtc2json', [], 'this is no XTC2 file, whatever it is called'), { status: 1, stderr: /not-xtc2/ });
  const bytes = (await run('json2xtc', [example])).stdout;
  t.match(await run('xtc2json', [], bytes.subarray(0, 5000)), { status: 1, stderr: /incomplete-payload/ });
  const mutated = Buffer.from(bytes);
  mutated.writeUInt32LE(0x7fffffff, 24 + 12 + 1036 + 516);
  t.match(await run('xtc2json', [], mutated), { status: 1, stderr: /bad-field-type/ });
  writeFileSync(join(folder, 'kept.json'), 'old');
  await run('xtc2json', ['missing.xtc2', 'kept.json']);
  t.equal(readFileSync(join(folder, 'kept.json'), 'utf8'), 'old');
});

t.test(
  'recorded Configures: every field and value comes back, whatever their order',
  needsShared('data', 'xtc2'),
  async (t) => {
    for (const [file, segments] of [
      ['test_ts.xtc2', []],
      ['test_hsd.xtc2', ['--split-segment']],
    ] as const) {
      const path = join(SHARED, 'data', 'xtc2', file);
      const { status, stdout } = await run('xtc2json', ['--format', 'jsonl', path]);
      t.equal(status, 3, `${file}: the order of its fields is not that of a document`);
      const back = await run('json2xtc', ['--list', ...segments], stdout);
      t.equal(back.status, 0, back.stderr);
      writeFileSync(join(folder, 'back.xtc2'), back.stdout);
      const show = async (input: string) =>
        JSON.parse(
          (
            await run('dgram-cat', [
              '--format',
              'jsonl',
              '--arrays',
              'full',
              '-n',
              '1',
              '--service',
              'Configure',
              input,
            ])
          ).stdout.toString(),
        );
      const [before, after] = [await show(path), await show('back.xtc2')];
      t.ok(Object.keys(before.data).length > 0, file);
      t.strictSame(after.data, before.data, `${file}: values`);
      t.strictSame(after.enums, before.enums, `${file}: enums`);
    }
  },
);
