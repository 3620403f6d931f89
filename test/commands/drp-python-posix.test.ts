/** `--ipc posix` against the stand-in of the existing Python side (drp-python.md, sections 2 and 11.1). */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { behaviour, dgramsOf, run, STANDIN, scratch } from '../drp/command.ts';
import { cameraRun } from '../drp/streams.ts';
import { needsShared, SHARED } from '../golden.ts';

const needs = needsShared('conformance', 'standin');
// Every test has a partition of its own: they run in parallel with other files.
const posix = (partition: number, ...more: string[]) => [
  '--ipc',
  'posix',
  '-p',
  String(partition),
  '-D',
  'camera_0',
  '-W',
  '2',
  '--timeout',
  '5',
  ...more,
];

t.test('a script that changes nothing gives byte-identical dgrams, over five configure cycles', needs, async (t) => {
  const input = cameraRun(20, { cycles: 5 });
  const { status, stdout, stderr } = await run(
    [join(SHARED, 'conformance', 'behave_noop.py'), ...posix(8)],
    input,
    STANDIN,
  );
  t.equal(status, 0, stderr);
  t.ok(stdout.equals(input));
});

for (const [name, detector] of [
  ['written/xtcwriter_t_n10_c.xtc2', 'xppcspad_0'],
  ['test_timetool_psana.xtc2', 'opal_0'],
  ['test_data/chunking/xpptut15-r0014-s000-c000.xtc2', 'xppcspad_0'],
] as const) {
  t.test(`recorded dgrams pass byte-identically: ${name}`, needs, async (t) => {
    const file = join(SHARED, 'data', 'xtc2', name);
    const script = join(SHARED, 'conformance', 'behave_noop.py');
    const { status, stdout, stderr } = await run([script, ...posix(9), '-D', detector, '-i', file], undefined, STANDIN);
    t.equal(status, 0, stderr);
    t.ok(stdout.equals(readFileSync(file)));
  });
}

t.test('features are added, raw is dropped, order is kept', needs, async (t) => {
  const folder = scratch(t);
  const input = cameraRun(40);
  const { status, stdout, stderr } = await run([behaviour(folder, 'fex strip=raw'), ...posix(10)], input, STANDIN);
  t.equal(status, 0, stderr);
  const before = await dgramsOf(input, folder);
  const after = await dgramsOf(stdout, folder);
  t.equal(after.length, before.length);
  t.same(
    after.map((dgram) => dgram.time),
    before.map((dgram) => dgram.time),
  );
  const events = after.filter((dgram) => dgram.service === 'L1Accept');
  t.ok(events.every(({ data }) => 'fex' in data.camera!['0']! && !('raw' in data.camera!['0']!)));
});

const faults: [words: string, exit: number, expect: RegExp][] = [
  ['fault=kill@3', 0, /restarts [12]/],
  ['fault=hang@3', 0, /did not answer within 1 s/],
  ['fault=text:x@3', 0, /answered "x" instead of "g"/],
  ['fault=extent:0x7fffffff@3', 0, /says that it has/],
  ['fault=zero@3', 0, /says that it has 12 bytes/],
  ['fault=raise@3', 0, /exit status 1/],
  ['fault=break@3', 0, /did not answer/],
  ['fault=time@3', 3, /stale [12]/],
  ['fault=nosave@3', 3, /stale [12]/],
  ['fault=kill@BeginRun', 0, /restarts [12]/],
];
for (const [words, exit, expect] of faults) {
  t.test(`one fault, "${words}": named, mended, and every input is out once`, needs, async (t) => {
    const folder = scratch(t);
    const input = cameraRun(30);
    const script = behaviour(folder, `fex ${words} once=${join(folder, 'marker')}`);
    const { status, stdout, stderr } = await run([script, ...posix(11), '--timeout', '1'], input, STANDIN);
    t.equal(status, exit, stderr);
    t.match(stderr, expect);
    t.match(stderr, /in 38 = out 38/);
    const [before, after] = [await dgramsOf(input, folder), await dgramsOf(stdout, folder)];
    t.same(
      after.map((dgram) => dgram.time),
      before.map((dgram) => dgram.time),
    );
  });
}

for (const words of ['fault=nosave@Enable', 'fault=time@Disable']) {
  t.test(`a stale result of a transition, "${words}": the input goes out (section 2.7, check 3)`, needs, async (t) => {
    const folder = scratch(t);
    const input = cameraRun(5);
    const { status, stdout, stderr } = await run(
      [behaviour(folder, `fex ${words}`), ...posix(11), '-W', '1'],
      input,
      STANDIN,
    );
    t.equal(status, 3, stderr);
    t.match(stderr, /in 13 = out 13.*stale 1/);
    t.match(stderr, /run\.steps\(\)/);
    const [before, after] = [await dgramsOf(input, folder), await dgramsOf(stdout, folder)];
    t.same(
      after.map((dgram) => dgram.service),
      before.map((dgram) => dgram.service),
    );
  });
}

t.test('a stale result of Configure ends the command: the input does not describe what is added', needs, async (t) => {
  const folder = scratch(t);
  const script = behaviour(folder, 'fex fault=time@Configure');
  const { status, stderr } = await run([script, ...posix(11)], cameraRun(5), STANDIN);
  t.equal(status, 1);
  t.match(stderr, /Configure .*: the result belongs to another dgram/);
});

t.test(
  'workers are told who publishes constants: worker 0, or a calib-pub (sections 2.4 and 2.11)',
  needs,
  async (t) => {
    const folder = scratch(t);
    const told = async (...more: string[]) => {
      const log = join(folder, `log-${more.length}`);
      const env = { ...STANDIN, UPSTREAM_DRP_CLIENT_LOG: log };
      const { status, stderr } = await run(
        [behaviour(folder, 'fex'), ...posix(11), '-W', '1', ...more],
        cameraRun(1),
        env,
      );
      t.equal(status, 0, stderr);
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      const { supervisor, address } = lines.map((line) => JSON.parse(line)).find((line) => 'supervisor' in line);
      return { supervisor, address };
    };
    t.same(await told(), { supervisor: true, address: '127.0.0.1:0' });
    t.same(await told('--calib', 'tcp://127.0.0.1:4567'), { supervisor: false, address: '127.0.0.1:4567' });
    const ipc = await run([behaviour(folder, 'fex'), ...posix(11), '--calib', 'local'], cameraRun(1), STANDIN);
    t.equal(ipc.status, 2);
    t.match(ipc.stderr, /give tcp:\/\/HOST:PORT/);
  },
);

t.test('a result larger than the pebble: abort by default, damage on request (section 5)', needs, async (t) => {
  const folder = scratch(t);
  const script = behaviour(folder, 'fex blob=200000');
  const abort = await run([script, ...posix(12), '--pebble', '100000'], cameraRun(3), STANDIN);
  t.equal(abort.status, 1);
  t.match(abort.stderr, /needs \d+ bytes; the limit is 100000/);
  const damage = await run(
    [script, ...posix(12), '--pebble', '100000', '--on-oversize', 'damage', '-W', '1'],
    cameraRun(3),
    STANDIN,
  );
  t.equal(damage.status, 3);
  t.match(damage.stderr, /damaged-oversize 3/);
  const events = (await dgramsOf(damage.stdout, folder)).filter((dgram) => dgram.service === 'L1Accept');
  t.ok(events.every(({ damage, size }) => damage[0] === 'Truncated' && size === 24));
});

t.test('a result of exactly the pebble passes', needs, async (t) => {
  const folder = scratch(t);
  const { status, stdout, stderr } = await run(
    [behaviour(folder, 'fill'), ...posix(13), '--pebble', '50000'],
    cameraRun(4),
    STANDIN,
  );
  t.equal(status, 0, stderr);
  const events = (await dgramsOf(stdout, folder)).filter((dgram) => dgram.service === 'L1Accept');
  t.ok(events.every(({ size }) => size === 50000));
});

t.test('a script that cannot be loaded ends the command with its own words', needs, async (t) => {
  const folder = scratch(t);
  const { status, stderr } = await run([behaviour(folder, 'fault=raise@ready'), ...posix(14)], cameraRun(3), STANDIN);
  t.equal(status, 1);
  t.match(stderr, /asked to fail/);
});

t.test('a comma in the path of the script is refused: it kills the existing worker (section 2.4)', async (t) => {
  const folder = scratch(t);
  const { status, stderr } = await run([behaviour(folder, 'fex', 'a,b.py'), ...posix(15)], cameraRun(1), STANDIN);
  t.equal(status, 2);
  t.match(stderr, /comma/);
});
