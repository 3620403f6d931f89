import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { filesBelow, needsShared, SHARED } from '../golden.ts';
import { firstDifference } from '../timing/compare-brute-force.ts';

const bin = fileURLToPath(new URL('../../bin/rog-validate', import.meta.url));
const root = join(SHARED, 'data', 'timing');

interface Run {
  args: string[];
  stdin?: string;
}

function run(args: readonly string[], options: { cwd?: string; input?: string | Buffer } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    ...options,
    input: options.input ?? '',
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

for (const folder of ['inputs', 'stdin']) {
  t.test(`command lines of ${folder} (timing 14.1)`, needsShared('data', 'timing', folder), async (t) => {
    const cwd = join(root, folder);
    const names = filesBelow(cwd, '.run.json').map((file) => file.replace('.run.json', ''));
    t.ok(names.length >= 3);
    for (const name of names) {
      const { args, stdin } = JSON.parse(readFileSync(join(cwd, `${name}.run.json`), 'utf8')) as Run;
      const { warnings, ...expected } = JSON.parse(readFileSync(join(cwd, `${name}.expect.json`), 'utf8')) as Record<
        string,
        unknown
      >;
      const input = stdin === undefined ? '' : readFileSync(join(cwd, stdin));
      const { status, stdout } = run([...args, '--json'], { cwd, input });
      t.equal(status, expected.exit, `${name}: exit status`);
      const found = JSON.parse(stdout) as { warnings: { code: string }[] };
      t.equal(firstDifference(found, expected, ''), null, name);
      const codes = new Set(found.warnings.map((warning) => warning.code));
      t.same(
        (warnings as string[]).filter((code) => !codes.has(code)),
        [],
        `${name}: warnings`,
      );
    }
  });
}

const folder = mkdtempSync(join(tmpdir(), 'rog-validate-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const good = file(
  'good.yaml',
  'format: rog-partition/1\ncommon: 0\ngroups: {0: {fixed: 71kHz}, 1: {fixed: 10kHz}}\ndetectors: {hsd_0: 1}\n',
);
const bad = file(
  'bad.json',
  '{"format":"rog-partition/1","common":0,"groups":{"0":{"fixed":"35kHz"},"1":{"fixed":"10kHz"}}}',
);
const unknown = file(
  'unknown.json',
  '{"format":"rog-partition/1","common":0,"groups":{"0":{"fixed":"10kHz"},"1":{"eventcode":40}}}',
);

t.test('exit statuses and the last line (timing 14.2)', async (t) => {
  const last = (text: string) => text.trimEnd().split('\n').at(-1);
  const ok = run(['--partition', good, '-p', '0', '-u', 'someone']);
  t.equal(ok.status, 0);
  t.equal(last(ok.stdout), '<I> rog-validate: OK common=0 groups=0,1 pulses=910000 warmup=0 period=1 violations=0');
  const violation = run(['-q', '--partition', bad]);
  t.equal(violation.status, 1);
  t.equal(
    violation.stdout,
    '<E> rog-validate: VIOLATION common=0 groups=0,1 pulses=910000 warmup=0 period=1 violations=5000 first=91\n',
  );
  const unproved = run(['--partition', unknown, '--json']);
  t.equal(unproved.status, 3);
  t.match(last(unproved.stderr), /^<W> rog-validate: UNPROVED .* violations=0 possible=900000$/);
  t.match(JSON.parse(unproved.stdout), { verdict: 'UNPROVED', exit: 3 });
});

t.test('inputs that cannot be used: exit 2, place, and the form that was asked for', async (t) => {
  const missing = run(['--partition', join(folder, 'nowhere.json'), '--json']);
  t.equal(missing.status, 2);
  t.match(JSON.parse(missing.stdout), { verdict: 'ERROR', exit: 2, errors: [{ text: /nowhere\.json: no such file/ }] });
  const broken = run([
    '--partition',
    file('broken.json', '{"format":"rog-partition/1","common":0,"groups":{"0":{"fixed":"5Hz"}}}'),
  ]);
  t.equal(broken.status, 2);
  t.match(broken.stdout, /^<E> rog-validate: ERROR .*broken\.json:groups\.0\.fixed: "5Hz" is no marker/);
  t.equal(run([]).status, 2, 'nothing to check');
  t.equal(run(['--stdin', 'u8']).status, 2, 'masks without a common group');
  t.equal(run(['--no-such-flag']).status, 2);
});

t.test('standard input may be the partition, and ~/ is expanded', async (t) => {
  t.equal(run(['--partition', '-'], { input: readFileSync(bad) }).status, 1);
  const { status } = spawnSync(process.execPath, [bin, '--partition', '~/good.yaml'], {
    env: { PATH: process.env.PATH, HOME: folder },
  });
  t.equal(status, 0);
});

t.test('text names groups, detectors, pulses and why; --plot draws them', async (t) => {
  const { stdout } = run(['--partition', bad, '--plot']);
  t.match(
    stdout,
    /pulse +91 = period 0 bucket 91 .* mask 0x02: group 1 fires, common 0 \(35kHz \(every 26 ticks\)\) does not/,
  );
  t.match(stdout, /group {2}1 .*X/);
  t.match(stdout, /\^ pulse 91/);
  t.match(run(['--partition', good]).stdout, /hsd_0/);
  t.notMatch(stdout, /\u001b/, 'no colour in a pipe');
});

t.test('--tsv has one line per phase and group', async (t) => {
  const lines = run(['--partition', bad, '--tsv'])
    .stdout.trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  t.equal(lines.length, 5);
  t.ok(lines.every((cells) => cells.length === lines[0]?.length));
  t.same(lines.at(-1)?.slice(0, 3), ['fires', 'steady', '1']);
});

t.test('a recorded run against its own Configure', needsShared('data', 'xtc2', 'test_ts.xtc2'), async (t) => {
  const recorded = join(SHARED, 'data', 'xtc2', 'test_ts.xtc2');
  const { status, stdout } = run(['--ts', recorded, '--xtc', recorded, '--ignore-dest', '-p', '4', '--json']);
  t.equal(status, 0);
  const result = JSON.parse(stdout) as { groups: Record<string, { steady: { sum: number } }>; recorded: unknown };
  t.same(
    Object.values(result.groups).map((group) => group.steady.sum),
    [1, 1, 1, 1, 1, 1, 1, 1],
    'every group once per period (timing 11.2)',
  );
  t.match(result.recorded, { events: 2, comparison: { comparable: true, predicted: 2, missing: 0, unexpected: 0 } });
});

t.test('SIGTERM ends a wait for masks with 143', async (t) => {
  const child = spawn(process.execPath, [bin, '--stdin', 'u8', '-p', '0'], { stdio: ['pipe', 'ignore', 'ignore'] });
  // More than a pipe holds: when it is gone the command is reading, so its signal handlers are in place.
  await new Promise((resolve) => child.stdin.write(Buffer.alloc(1 << 20, 1), resolve));
  child.kill('SIGTERM');
  const status = await new Promise((resolve) => child.on('exit', resolve));
  child.stdin.destroy();
  t.equal(status, 143);
});

t.test('the examples do what they say', async (t) => {
  const examples = fileURLToPath(new URL('../../examples/timing/', import.meta.url));
  t.equal(run(['--partition', join(examples, 'two-cameras.yaml')]).status, 0);
  t.match(run(['--partition', join(examples, 'lost-events.yaml')]).stdout, /violations=5000 first=91\n$/);
  const script = join(examples, 'as-library.ts');
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', script, join(examples, 'lost-events.yaml')],
    { encoding: 'utf8' },
  );
  t.equal(status, 1);
  t.match(stdout, /group 1 loses 5000 of 10000 pulses/);
});
