// `npm run long:kill -- [--events N] [--kills N] [--seed S]`: random SIGKILLs of drp-python's workers while a run goes through, and an
// account of every input afterwards: once, in order, with its own features or marked with damage.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { accountFor } from '../test/drp/account.ts';
import { FEX, leftovers, script, start, workersOf } from '../test/drp/command.ts';
import { cameraRun } from '../test/drp/streams.ts';
import { Random } from '../test/random.ts';

const { values } = parseArgs({
  options: { events: { type: 'string' }, kills: { type: 'string' }, seed: { type: 'string' }, ipc: { type: 'string' } },
});
const events = Number(values.events ?? 200_000);
const wanted = Number(values.kills ?? 1000);
const random = new Random(Number(values.seed ?? 1));
const folder = mkdtempSync(join(tmpdir(), 'kill-workers-'));
try {
  // Slow enough that the run lasts as long as the kills do.
  const pause = `\nimport time\n_event = event\ndef event(evt):\n    time.sleep(${(0.15 * wanted) / events})\n    _event(evt)\n`;
  const input = cameraRun(events);
  const args = ['-W', '2', '--restarts', '1000000', '--restart-pause', '0', '--ipc', values.ipc ?? 'sysv'];
  const running = start([script(folder, FEX + pause), ...args], input);
  let over = false;
  void running.result.then(() => {
    over = true;
  });
  while (running.received() === 0 && !over) await sleep(20);
  let kills = 0;
  while (!over && kills < wanted) {
    await sleep(20 + random.below(200));
    const workers = workersOf(running.pid);
    const victim = workers[random.below(Math.max(1, workers.length))];
    if (victim === undefined) continue;
    try {
      process.kill(victim, 'SIGKILL');
      kills++;
    } catch {
      // It has just ended by itself.
    }
  }
  const { status, stdout, stderr } = await running.result;
  if (stdout.length === 0) throw new Error(`no output, status ${status}: ${stderr}`);
  const account = accountFor(input, stdout);
  console.log(stderr.trimEnd().split('\n').slice(-2).join('\n'));
  console.log(
    `${kills} kills, status ${status}: ${account.in} in, ${account.out} out, ${account.damaged} damaged, ${account.wrong} wrong, ${account.misplaced} out of place`,
  );
  console.log(`left behind: ${leftovers(running.pid).length} IPC objects, ${workersOf(running.pid).length} workers`);
  if (
    account.in !== account.out ||
    account.wrong + account.misplaced > 0 ||
    leftovers(running.pid).length > 0 ||
    (status !== 0 && status !== 3)
  )
    process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
