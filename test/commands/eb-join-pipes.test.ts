/** eb-join over pipes: who comes late, who stays away, who leaves. */

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { joinRun, lines, overPipes, summary } from '../trigger/join-command.ts';
import { asked, until } from '../trigger/processes.ts';
import { asRecords, asXtc, decisions, detectorRun, scratch } from '../trigger/streams.ts';

t.test('nothing waits for a later event: each decision lets its event leave at once', async (t) => {
  const folder = scratch(t);
  const { process, toEvents, toResults } = overPipes(t, folder, ['--format', 'jsonl']);
  const events = detectorRun(5);
  const results = decisions(events, () => ({ persist: 1 }));
  for (const [i, event] of events.entries()) {
    // Now the event comes first, now the decision.
    if (i % 2 === 0) toEvents.write(asRecords([event]));
    toResults.write(results[i]!);
    if (i % 2 === 1) toEvents.write(asRecords([event]));
    await until(`event ${i}`, () => lines(process.stdout()).length === i + 1);
  }
  toEvents.end();
  toResults.end();
  t.equal(await process.ended, 0, process.stderr());
});

t.test('undecided events stop the reading of events, never that of results; then all is joined', async (t) => {
  const folder = scratch(t);
  const { process, toEvents, toResults } = overPipes(t, folder, [
    '--buffers',
    '5',
    '--record',
    join(folder, 'out.xtc2'),
  ]);
  const events = detectorRun(2000, { padding: 3000 });
  toEvents.end(asRecords(events));
  await asked(process, /waiting 5/);
  t.ok(toEvents.writableLength > 0, 'the writer of events waits');
  toResults.end(Buffer.concat(decisions(events, () => ({ persist: 1 }))));
  t.equal(await process.ended, 0, process.stderr());
  t.ok(readFileSync(join(folder, 'out.xtc2')).equals(asXtc(events)));
});

t.test(
  'SIGTERM: what is held is joined with the decisions that still come, and the file is put in place (section 11)',
  async (t) => {
    const folder = scratch(t);
    const record = join(folder, 'out.xtc2');
    const { process, toEvents, toResults } = overPipes(t, folder, ['--record', record]);
    const events = detectorRun(10);
    toEvents.write(asRecords(events));
    toResults.write(Buffer.concat(decisions(events, () => ({ persist: 1 })).slice(0, 9)));
    await asked(process, /in 14 = out 9 \+ waiting 5/);
    process.child.kill('SIGTERM');
    t.equal(await process.ended, 1, 'five decisions are missing');
    t.match(process.stderr(), /no_decision 5/);
    t.equal(dgramsIn(readFileSync(record)), 14);
  },
);

t.test('a monitor that goes away, or stops reading, loses its stream; recording goes on', async (t) => {
  for (const how of ['goes', 'hangs'] as const) {
    const folder = scratch(t);
    const mon = join(folder, 'mon');
    execFileSync('mkfifo', [mon]);
    const reader = spawn('sh', ['-c', how === 'goes' ? `head -c 500 < ${mon}` : `exec sleep 1000 < ${mon}`], {
      stdio: 'ignore',
    });
    t.teardown(() => void reader.kill('SIGKILL'));
    const events = detectorRun(3000, { padding: 200 });
    const results = decisions(events, () => ({ persist: 1, monitor: 1, monbuf: '40000001' }));
    const outcome = await joinRun(
      folder,
      asXtc(events),
      [Buffer.concat(results)],
      ['--record', join(folder, 'o.xtc2'), '--mon', mon],
    );
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(outcome.stderr, /monitors are lost/);
    t.ok(readFileSync(join(folder, 'o.xtc2')).equals(asXtc(events)), how);
    t.ok(Number(summary(outcome).mon_lost) > 0);
  }
});

t.test(
  'a reader of the recording that goes away ends the run with status 4, and what it lacks is counted',
  async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'out');
    execFileSync('mkfifo', [out]);
    const reader = spawn('sh', ['-c', `head -c 500 < ${out}`], { stdio: 'ignore' });
    t.teardown(() => void reader.kill('SIGKILL'));
    const events = detectorRun(5000, { padding: 200 });
    const results = Buffer.concat(decisions(events, () => ({ persist: 1 })));
    const outcome = await joinRun(folder, asXtc(events), [results], ['--record', out]);
    t.equal(outcome.status, 4, outcome.stderr);
    t.match(outcome.stderr, /connection-lost/);
    t.ok(Number(summary(outcome).undelivered) > 0);
  },
);

function dgramsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 12 + bytes.readUInt32LE(at + 20)) count++;
  return count;
}
