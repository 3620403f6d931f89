import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { leftovers, run, scratch, script, start, workersOf } from '../drp/command.ts';
import { cameraRun } from '../drp/streams.ts';

t.test('--ipc-ephemeral: a replaced worker attaches all the same, and SIGKILL leaves no shared memory', async (t) => {
  const folder = scratch(t);
  const slow = script(folder, 'import time\ndef event(evt):\n    time.sleep(0.005)\n');
  const args = [slow, '-W', '2', '-D', 'ephemeral_0', '-p', '6', '--ipc-ephemeral'];
  const running = start(args, cameraRun(5000));
  while (running.received() < 2000) await sleep(20);
  process.kill(workersOf(running.pid)[0]!, 'SIGKILL');
  const before = running.received();
  while (running.received() < before + 30_000) await sleep(20);
  const workers = workersOf(running.pid);
  running.kill('SIGKILL');
  t.match((await running.result).stderr, /restarting it/);
  for (let i = 0; i < 100 && workers.some((pid) => existsSync(`/proc/${pid}`)); i++) await sleep(20);
  t.same(
    leftovers(running.pid).filter((object) => object.startsWith('shm')).length,
    1,
    'the registry, which says whose the queues are',
  );
  const next = await run(args, cameraRun(3));
  t.equal(next.status, 0, next.stderr);
  t.same(leftovers(running.pid), []);
});
