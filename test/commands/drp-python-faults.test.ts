/** drp-python when things go wrong: exceptions, hangs, garbage, kills of workers and of itself, full disks, closed pipes. */

import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { BIN, dgramsOf, FEX, leftovers, run, scratch, script, start, workersOf } from '../drp/command.ts';
import { cameraRun } from '../drp/streams.ts';

t.test(
  'an exception in the script: traceback, one retry, then the input with MissingData damage in its place',
  async (t) => {
    const folder = scratch(t);
    const bad = FEX.replace(
      '    n = evt.det.raw.number\n',
      '    n = evt.det.raw.number\n    assert n != 7, "seven is bad"\n',
    );
    const { status, stdout, stderr } = await run([script(folder, bad), '-W', '2'], cameraRun(40));
    t.equal(status, 3, stderr);
    t.match(stderr, /seven is bad/);
    t.match(stderr, /damaged-failure 1/);
    const events = (await dgramsOf(stdout, folder)).filter((dgram) => dgram.service === 'L1Accept');
    t.equal(events.length, 40);
    t.same(events[7]!.damage, ['MissingData']);
    t.equal(events[7]!.data.camera!['0']!.raw!.number, 7, 'the input itself');
    t.ok(events.every(({ damage }, i) => i === 7 || damage.length === 0));
  },
);

t.test('a worker that hangs is named, replaced, and its event tried once more', async (t) => {
  const folder = scratch(t);
  const marker = join(folder, 'hung');
  const hang = `import os, time\ndef event(evt):\n    if evt.det.raw.number == 5 and not os.path.exists(${JSON.stringify(marker)}):\n        open(${JSON.stringify(marker)}, "w").close()\n        time.sleep(60)\n`;
  const input = cameraRun(30);
  const { status, stdout, stderr } = await run([script(folder, hang), '-W', '2', '--timeout', '1'], input);
  t.equal(status, 0, stderr);
  t.match(stderr, /did not answer within 1 s/);
  t.ok(existsSync(marker) && stdout.equals(input));
});

t.test('garbage in place of an answer fails the worker, not the command', async (t) => {
  const folder = scratch(t);
  const marker = join(folder, 'lied');
  const lie = `import os\ndef event(evt):\n    if evt.det.raw.number == 5 and not os.path.exists(${JSON.stringify(marker)}):\n        open(${JSON.stringify(marker)}, "w").close()\n        os.write(4, b"x" * 100)\n`;
  const input = cameraRun(30);
  const { status, stdout, stderr } = await run([script(folder, lie), '-W', '1', '--ipc', 'pipe'], input);
  t.equal(status, 0, stderr);
  t.match(stderr, /none of ours/);
  t.ok(stdout.equals(input));
});

t.test('the same detector twice at once: the second is refused and told who has it', async (t) => {
  const folder = scratch(t);
  const file = script(folder, 'import time\ndef event(evt):\n    time.sleep(0.05)\n');
  const first = start([file, '-D', 'twice_0', '-p', '7'], cameraRun(60));
  while (first.received() === 0) await sleep(20);
  const second = await run([file, '-D', 'twice_0', '-p', '7'], cameraRun(1));
  t.equal(second.status, 2, second.stderr);
  t.match(second.stderr, new RegExp(`${first.pid}`));
  t.equal((await first.result).status, 0);
});

t.test('SIGTERM ends in order: what was taken is out, workers and IPC objects are gone', async (t) => {
  const folder = scratch(t);
  const running = start(
    [script(folder, 'import time\ndef event(evt):\n    time.sleep(0.005)\n'), '-W', '2'],
    cameraRun(5000),
  );
  while (running.received() < 5000) await sleep(20);
  const workers = workersOf(running.pid);
  running.kill('SIGTERM');
  const { status, stdout, stderr } = await running.result;
  t.equal(status, 143, stderr);
  const balance = /in (\d+) = out (\d+)/.exec(stderr);
  t.ok(balance && balance[1] === balance[2], stderr);
  t.equal((await dgramsOf(stdout, folder)).length, Number(balance![2]));
  t.same(leftovers(running.pid), []);
  t.ok(workers.every((pid) => !existsSync(`/proc/${pid}`)));
});

t.test('SIGKILL of drp-python: its workers die with it, and the next start clears what it left', async (t) => {
  const folder = scratch(t);
  const slow = script(folder, 'import time\ndef event(evt):\n    time.sleep(0.01)\n');
  const running = start([slow, '-W', '2', '-D', 'killed_0', '-p', '6'], cameraRun(5000));
  while (running.received() < 2000) await sleep(20);
  const workers = workersOf(running.pid);
  running.kill('SIGKILL');
  await running.result;
  for (let i = 0; i < 100 && workers.some((pid) => existsSync(`/proc/${pid}`)); i++) await sleep(20);
  t.ok(
    workers.every((pid) => !existsSync(`/proc/${pid}`)),
    'parent-death signal',
  );
  t.ok(leftovers(running.pid).length > 0, 'SIGKILL leaves objects');
  const next = await run([slow, '-W', '2', '-D', 'killed_0', '-p', '6'], cameraRun(3));
  t.equal(next.status, 0, next.stderr);
  t.match(next.stderr, /removed \d+ IPC objects/);
  t.same(leftovers(running.pid), []);
});

t.test('random SIGKILLs of workers lose nothing: every input is out once, in order', async (t) => {
  const folder = scratch(t);
  const input = cameraRun(4000);
  const running = start(
    [
      script(folder, `${FEX}\nimport time\n_event = event\ndef event(evt):\n    time.sleep(0.0002)\n    _event(evt)\n`),
      '-W',
      '2',
      '--restarts',
      '1000',
      '--restart-pause',
      '0',
    ],
    input,
  );
  let kills = 0;
  while (running.received() === 0) await sleep(20);
  const killer = setInterval(() => {
    // On a busy machine a process takes as long to start as the next kill takes to come: that must end.
    if (kills >= 15) return;
    const workers = workersOf(running.pid);
    const victim = workers[kills % Math.max(1, workers.length)];
    if (victim === undefined) return;
    try {
      process.kill(victim, 'SIGKILL');
      kills++;
    } catch {
      // It has just ended by itself.
    }
  }, 150);
  const { status, stdout, stderr } = await running.result;
  clearInterval(killer);
  t.ok(kills >= 3, `${kills} kills`);
  t.ok(status === 0 || status === 3, stderr);
  const [before, after] = [await dgramsOf(input, folder), await dgramsOf(stdout, folder)];
  t.same(
    after.map(({ time }) => time),
    before.map(({ time }) => time),
  );
  const events = after.filter(({ service }) => service === 'L1Accept');
  const wrong = events.filter(({ data, damage }, n) => damage.length === 0 && data.camera!['0']!.fex?.n !== n);
  t.equal(wrong.length, 0, 'every undamaged event has its own features');
  t.same(leftovers(running.pid), []);
});

t.test('a full disk and a closed pipe end it in order', async (t) => {
  const folder = scratch(t);
  const noop = script(folder, 'def event(evt):\n    pass\n');
  const full = await run([noop, '-o', '/dev/full'], cameraRun(500, { pixels: 32 }));
  t.equal(full.status, 2, full.stderr);
  t.match(full.stderr, /no space|ENOSPC/i);
  const file = join(folder, 'in.xtc2');
  writeFileSync(file, cameraRun(5000, { pixels: 32 }));
  const status = await new Promise((resolve) => {
    spawn('bash', ['-c', `${BIN} ${noop} -i ${file} 2>/dev/null | head -c 100 >/dev/null; exit \${PIPESTATUS[0]}`]).on(
      'close',
      resolve,
    );
  });
  t.equal(status, 0, 'EPIPE is an ordinary end');
});

t.test('--metrics serves the balance and each worker, SIGUSR1 prints the balance', async (t) => {
  const running = start(
    [script(scratch(t), 'import time\ndef event(evt):\n    time.sleep(0.01)\n'), '-W', '2', '--metrics', '0'],
    cameraRun(400),
  );
  while (running.received() === 0) await sleep(20);
  const url = /metrics at (\S+)/.exec(running.words())![1]!;
  const text = await (await fetch(url)).text();
  t.match(text, /daqpipe_drp_worker_events_total\{worker="1"/);
  running.kill('SIGUSR1');
  const { status, stderr } = await running.result;
  t.equal(status, 0, stderr);
  t.match(stderr, /in \d+ = out \d+[\s\S]*in 416 = out 416/);
});
