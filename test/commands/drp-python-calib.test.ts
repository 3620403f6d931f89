/** `drp-python --calib` with a real publisher, real sockets and real workers (spec calib-pub.md, section 4; drp-python.md, section 2.5). */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Result, type Running, run, scratch, script, start, workersOf } from '../drp/command.ts';
import { floats, framesOf, type PublishedSet, Publisher, withSegment } from '../drp/publisher.ts';
import { cameraRun } from '../drp/streams.ts';

/** Every worker says at BeginRun, or at the first event of a new process, what it has. */
const TELL = `
import os
from daqpipe import drp

def tell(run):
    constants = run.constants
    data, doc = constants["camera"]["pedestals"]
    print("RUN %d gives %s, %s, worker %d, hash %s, stale %s" % (
        constants.run, data.tolist(), doc["exact"], drp.settings().worker, constants.hash[:12], constants.stale))

def begin_run(run):
    tell(run)

def event(evt):
    pass
`;

const setOf = (run: number, values: number[], more: Partial<PublishedSet> = {}): PublishedSet => ({
  run,
  seq: run,
  detectors: { camera: { pedestals: floats(values) } },
  ...more,
});

async function publisher(t: Test, endpoint: string): Promise<Publisher> {
  const made = await new Publisher(endpoint).open();
  t.teardown(() => made.close());
  return made;
}

async function until(condition: () => boolean, running?: Running): Promise<void> {
  let ended: Result | undefined;
  void running?.result.then((result) => {
    ended = result;
  });
  while (!condition()) {
    if (ended) throw new Error(`it ended: ${ended.stderr}`);
    await sleep(20);
  }
}

/** `RUN 1 gives [1.0]` -> how many workers said so. */
function told(stderr: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, what] of stderr.matchAll(/RUN (\d+ gives \[[^\]]*\])/g)) counts[what!] = (counts[what!] ?? 0) + 1;
  return counts;
}

for (const ipc of ['sysv', 'pipe']) {
  t.test(`${ipc}: two runs with other constants, and every worker has those of its run`, async (t) => {
    const folder = scratch(t);
    const endpoint = `ipc://${join(folder, 'c.sock')}`;
    const publish = await publisher(t, endpoint);
    const input = cameraRun(30, { runs: [1, 2, 2] });
    const running = start([script(folder, TELL), '-W', '3', '--ipc', ipc, '--calib', endpoint], input);
    await publish.publish(framesOf(setOf(1, [1.5])));
    await until(() => told(running.words())['1 gives [1.5]'] === 3, running);
    await publish.publish(framesOf(setOf(2, [2.5, 3.5])));
    const { status, stdout, stderr } = await running.result;
    t.equal(status, 0, stderr);
    t.same(told(stderr), { '1 gives [1.5]': 3, '2 gives [2.5, 3.5]': 6 });
    t.match(stderr, /calib-received 2, calib-used 2/);
    t.ok(stdout.equals(input));
    t.equal(new Set(stderr.match(/(?<=RUN 1.*hash )[0-9a-f]{12}/g)).size, 1, 'all have the same hash');
  });
}

t.test('a publisher that comes late, tcp', async (t) => {
  const folder = scratch(t);
  const early = await publisher(t, 'tcp://127.0.0.1:0');
  const endpoint = early.address;
  early.close();
  const running = start([script(folder, TELL), '-W', '2', '--calib', endpoint], cameraRun(5, { runs: [4] }));
  await until(() => workersOf(running.pid).length === 2, running);
  const late = await publisher(t, endpoint);
  await late.publish(framesOf(setOf(4, [4])));
  const { status, stderr } = await running.result;
  t.equal(status, 0, stderr);
  t.same(told(stderr), { '4 gives [4.0]': 2 });
});

t.test('a publisher that is killed and started again: repeats count once, changes count', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const first = await publisher(t, endpoint);
  await first.publish(framesOf(setOf(1, [1])));
  await first.publish(framesOf(setOf(1, [1])));
  const running = start([script(folder, TELL), '-W', '1', '--calib', endpoint], cameraRun(5, { runs: [1, 2] }));
  await until(() => /RUN 1/.test(running.words()), running);
  first.close();
  const second = await publisher(t, endpoint);
  await second.publish(framesOf(setOf(1, [1], { origin: 'another0another0' })));
  await until(() => second.joined === 1, running);
  await second.publish(framesOf(setOf(2, [2], { origin: 'another0another0', seq: 2 })));
  const { status, stderr } = await running.result;
  t.equal(status, 0, stderr);
  t.same(told(stderr), { '1 gives [1.0]': 1, '2 gives [2.0]': 1 });
  t.match(stderr, /calib-received 3, calib-used 2, calib-duplicate 1/);
});

t.test('constants that never come end the command, which says what it waited for, and where', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const args = [script(folder, TELL), '-W', '1', '--calib', endpoint, '--beginrun-timeout', '1'];
  const nothing = await run(args, cameraRun(5, { runs: [9] }));
  t.equal(nothing.status, 1);
  t.match(
    nothing.stderr,
    new RegExp(`no constants for run 9 of tst1 came from ${endpoint} within 1 s; nothing came at all`),
  );
  t.match(nothing.stderr, /FAILED in 1 = out 1/);
  const publish = await publisher(t, endpoint);
  await publish.publish(framesOf(setOf(8, [8])));
  const other = await run(args, cameraRun(5, { runs: [9] }));
  t.equal(other.status, 1);
  t.match(other.stderr, /what came last was for run 8 of tst1/);
  t.match(other.stderr, /calib-received 1/);
});

t.test('--calib-missing warn: the run goes on, the script is told why, status 3', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const curious = script(
    folder,
    'def begin_run(run):\n    try:\n        run.constants["camera"]\n    except KeyError as error:\n        print("SEEN", error, run.constants.hash == "")\ndef event(evt):\n    pass\n',
  );
  const { status, stderr } = await run(
    [curious, '-W', '2', '--calib', endpoint, '--calib-missing', 'warn', '--beginrun-timeout', '1'],
    cameraRun(5, { runs: [9] }),
  );
  t.equal(status, 3, stderr);
  t.match(stderr, /SEEN no constants for run 9 of tst1 came from ipc.* True/);
  t.match(stderr, /in 13 = out 13.*calib-missing 1/);
});

t.test('stale constants are used, said and counted; status 3', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const publish = await publisher(t, endpoint);
  await publish.publish(framesOf(setOf(3, [3], { stale: true })));
  const { status, stderr } = await run(
    [script(folder, TELL), '-W', '1', '--calib', endpoint],
    cameraRun(5, { runs: [3] }),
  );
  t.equal(status, 3, stderr);
  t.match(stderr, /constants of run 3 of tst1 from .* are stale/);
  t.match(stderr, /worker 0, hash [0-9a-f]+, stale True/);
  t.match(stderr, /calib-stale 1/);
});

t.test('wrong messages are refused with a sentence, and the right one that follows is taken', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const publish = await publisher(t, endpoint);
  const running = start([script(folder, TELL), '-W', '1', '--calib', endpoint], cameraRun(5, { runs: [1] }));
  await until(() => publish.joined === 1, running);
  await publish.publish(framesOf(setOf(1, [6]), (header) => Object.assign(header, { v: 2 })));
  const cut = framesOf(setOf(1, [6, 7]));
  cut[2] = cut[2]!.subarray(0, 4);
  await publish.publish(cut);
  const flipped = framesOf(setOf(1, [6]));
  flipped[2]![0]! ^= 1;
  await publish.publish(flipped);
  await publish.publish(framesOf(setOf(1, [1])));
  const { status, stderr } = await running.result;
  t.equal(status, 0, stderr);
  t.match(stderr, /version 2 of the header/);
  t.match(stderr, /camera pedestals has 8 bytes in the header and 4 in the message/);
  t.match(stderr, /camera pedestals: its contents have another sha256/);
  t.same(told(stderr), { '1 gives [1.0]': 1 });
  t.match(stderr, /calib-received 4, calib-used 1, calib-refused 3/);
});

t.test('a worker that is killed in a run has the same constants again, though the publisher is gone', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const name = `/drp-calib-test-${process.pid}`;
  const shared = withSegment(setOf(1, [5, 6]), name);
  t.teardown(shared.remove);
  const publish = await publisher(t, endpoint);
  await publish.publish(shared.frames);
  const slow = script(folder, `${TELL}    time.sleep(0.005)\n`.replace('import os', 'import time'));
  const running = start([slow, '-W', '2', '--calib', endpoint], cameraRun(3000, { runs: [1] }));
  await until(() => told(running.words())['1 gives [5.0, 6.0]'] === 2, running);
  publish.close();
  shared.remove();
  process.kill(workersOf(running.pid)[0]!, 'SIGKILL');
  await until(() => told(running.words())['1 gives [5.0, 6.0]'] === 3, running);
  running.kill('SIGTERM');
  const { stderr } = await running.result;
  t.match(stderr, /restarting it/);
  t.equal(new Set(stderr.match(/(?<=hash )[0-9a-f]{12}/g)).size, 1);
  t.notMatch(stderr, /other calibration constants/);
});

t.test('a worker whose constants have another hash than those it was given fails', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const publish = await publisher(t, endpoint);
  await publish.publish(framesOf(setOf(1, [1])));
  const liar = script(
    folder,
    `
import os
from daqpipe import drp, stream
def begin_run(run):
    if drp.settings().worker == 1 and not os.path.exists(${JSON.stringify(join(folder, 'lied'))}):
        open(${JSON.stringify(join(folder, 'lied'))}, "w").close()
        stream.active("").results.constants ^= 1
def event(evt):
    pass
`,
  );
  const { status, stderr } = await run([liar, '-W', '2', '--calib', endpoint], cameraRun(5, { runs: [1] }));
  t.equal(status, 0, stderr);
  t.match(stderr, /worker 1 failed: it has other calibration constants than it was given; restarting it/);
});

t.test('a segment that is gone is a message that is passed over', async (t) => {
  const folder = scratch(t);
  const endpoint = `ipc://${join(folder, 'c.sock')}`;
  const shared = withSegment(setOf(1, [5]), `/drp-calib-gone-${process.pid}`);
  shared.remove();
  const publish = await publisher(t, endpoint);
  const running = start([script(folder, TELL), '-W', '1', '--calib', endpoint], cameraRun(5, { runs: [1] }));
  await until(() => publish.joined === 1, running);
  await publish.publish(shared.frames);
  await publish.publish(framesOf(setOf(1, [1], { seq: 2 })));
  const { status, stderr } = await running.result;
  t.equal(status, 0, stderr);
  t.match(stderr, /is not on this machine, or not any more/);
  t.same(told(stderr), { '1 gives [1.0]': 1 });
});

/** Inodes of constants that a process maps, and kilobytes of its own share of all that it maps. */
function mapped(pid: number): { inodes: string[]; pss: number } {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n');
  const found = maps
    .filter((line) => / (\/dev\/shm\/|\/.*)#\d+ \(deleted\)$/.test(line))
    .map((line) => line.split(/\s+/)[4]!);
  const pss = Number(/^Pss_Shmem:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  return { inodes: [...new Set(found)], pss };
}

t.test(
  '200 MB of constants are on the node once for four workers, go with the next run, and SIGKILL leaves nothing',
  async (t) => {
    const folder = scratch(t);
    const endpoint = `ipc://${join(folder, 'c.sock')}`;
    const publish = await publisher(t, endpoint);
    const pixels = 50_000_000;
    const big = (run: number): PublishedSet => ({
      run,
      seq: run,
      detectors: {
        camera: { pedestals: { dtype: '<f4', shape: [2, pixels / 2], bytes: Buffer.alloc(pixels * 4, run) } },
      },
    });
    const use = script(
      folder,
      `
def begin_run(run):
    data, _ = run.constants["camera"]["pedestals"]
    view = memoryview(data).cast("B")
    print("READ", run.number, sum(view[::4096]) // len(view[::4096]), len(view))
    if run.number == 2:
        while True:
            pass
def event(evt):
    pass
`,
    );
    const args = [use, '-W', '4', '--calib', endpoint, '-D', `big${process.pid}_0`, '--timeout', '60'];
    const running = start(args, cameraRun(5, { runs: [1, 2] }));
    await publish.publish(framesOf(big(1)));
    await until(() => (running.words().match(/READ 1 1 200000000/g) ?? []).length === 4, running);
    await publish.publish(framesOf(big(2)));
    await until(() => (running.words().match(/READ 2 2 200000000/g) ?? []).length === 4, running);
    const workers = workersOf(running.pid);
    t.equal(workers.length, 4);
    const seen = workers.map(mapped);
    t.equal(
      new Set(seen.flatMap(({ inodes }) => inodes)).size,
      1,
      'one file, that of run 2 alone, is all that they map',
    );
    t.ok(seen.every(({ inodes }) => inodes.length === 1));
    const share = seen.reduce((sum, { pss }) => sum + pss, 0);
    t.ok(share < 300_000, `shared memory of all workers together: ${share} kB`);
    const held = readdirSync(`/proc/${running.pid}/fd`).filter((fd) =>
      /#\d+ \(deleted\)/.test(linkOf(running.pid, fd)),
    );
    t.equal(held.length, 1, 'the parent keeps nothing of run 1');
    running.kill('SIGKILL');
    await running.result;
    await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)));
    const again = await run(
      [script(folder, 'def event(evt):\n    pass\n', 'nothing.py'), ...args.slice(1)],
      cameraRun(1, { runs: [2] }),
    );
    t.equal(again.status, 0, again.stderr.slice(0, 2000));
  },
);

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

t.test('--calib and --constants exclude each other; an address that is none is refused', async (t) => {
  const folder = scratch(t);
  const file = script(folder, TELL);
  const both = await run([file, '--calib', 'tcp://127.0.0.1:1', '--constants', folder], cameraRun(1));
  t.equal(both.status, 2);
  for (const [address, words] of [
    ['nonsense', /zmq\+ipc:\/\/PATH|ipc:\/\/PATH/],
    ['tcp://127.0.0.1', /HOST:PORT/],
    ['local', /give -D/],
  ] as const) {
    const { status, stderr } = await run([file, '--calib', address], cameraRun(1));
    t.equal(status, 2, stderr);
    t.match(stderr, words);
  }
});
