/** The example of the whole trigger chain: simulated detectors, a script for each, decisions, joining, recorded files. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { PROJECT, run } from '../executable.ts';
import type { Summary } from '../trigger/teb-command.ts';

const EVENTS = 400;
const DETECTORS = { timing_0: 1, hsd_0: 1, gmd_0: 10, diode_0: 100 };

t.test('examples/trigger/pipeline.sh', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-chain-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await run('teb-decide', ['--help']);
  const { exitCode, stdout, stderr } = await execa('bash', [join(PROJECT, 'examples/trigger/pipeline.sh'), folder], {
    reject: false,
  });
  t.equal(exitCode, 0, stderr);
  const summary = JSON.parse(/^teb-decide: (\{.*\})$/m.exec(stdout)![1]!) as Summary & { persisted: number };
  t.match(summary, { events: EVENTS, fixed_up: 0, forced: 0, contributions: 888, decided: 888 });
  t.ok(summary.persisted > EVENTS / 10 && summary.persisted < EVENTS, `${summary.persisted} recorded`);

  const times: Record<string, string[]> = {};
  for (const [name, every] of Object.entries(DETECTORS)) {
    const file = join(folder, `${name}.xtc2`);
    t.equal((await run('dgram-cat', ['--check', file])).status, 0, `${name} is sound`);
    const lines = (await run('dgram-cat', ['--service', 'L1Accept', file])).stdout.toString().trim().split('\n');
    times[name] = lines.map((line) => line.split(/ {2,}/).find((part) => part.startsWith('2026'))!);
    if (every > 1) t.equal(lines.length, EVENTS / every, `all events of ${name}, which is slow`);
  }
  t.same(times.timing_0, times.hsd_0, 'both fast detectors recorded the same events');
  for (const name of ['gmd_0', 'diode_0'])
    t.ok(
      times[name]!.every((time) => times.timing_0!.includes(time)),
      name,
    );
  t.match(stdout, /triginfo_0 triginfo 0\.0\.1/);

  const viewer = JSON.parse(/^for the viewer: (\{.*\})$/m.exec(stdout)![1]!) as Record<string, number>;
  const [monitored] = summary.monitored;
  t.match(viewer, { events: monitored, delivered: monitored, transitions: 11, stray: 0, fixed_up: 0 });
  const shown = await run('dgram-cat', ['-d', join(folder, 'viewer.xtc2')]);
  for (const name of Object.keys(DETECTORS)) t.match(shown.stdout.toString(), `${name} `, `the viewer knows ${name}`);
  const balance = /eb-join: OK in 411 = out (\d+) \+ discarded (\d+)/.exec(stderr)!;
  t.equal(Number(balance[1]), summary.persisted + 11, 'what was decided was recorded');
  t.equal(Number(balance[1]) + Number(balance[2]), EVENTS + 11);
});
