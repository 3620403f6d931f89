/** examples/beamline.cnf as a person runs it, and with kills at random times (docs/supervise.md). */

import { join } from 'node:path';
import t from 'tap';
import { PROJECT, run } from '../executable.ts';
import { accountOf, KEEPER } from '../supervise/beamline/account.ts';
import { Beamline } from '../supervise/beamline/beamline.ts';
import { soak } from '../supervise/beamline/soak.ts';
import { until } from '../supervise/runs.ts';

const EVENTS = 150;

t.test('the lint finds nothing wrong in it, on any platform and with a real interpreter', async (t) => {
  const file = join(PROJECT, 'examples', 'beamline.cnf');
  for (const more of [[], ['-p', '3'], ['--python', 'python3'], ['-D', 'run=/x', '-D', 'events=5']]) {
    const { status, stdout, stderr } = await run('daq-run', ['lint', file, ...more]);
    t.same([status, stdout.toString(), stderr], [0, '', ''], more.join(' '));
  }
});

t.test(
  `a run of ${EVENTS} events: every one is recorded or discarded by name, every balance closes, nothing is left`,
  async (t) => {
    const beamline = new Beamline('-D', `events=${EVENTS}`);
    t.teardown(() => beamline.clear());
    const started = await beamline.run('start');
    t.equal(started.status, 0, `${started.stdout}${started.stderr}`);
    const path = /^(timing|calib_epix|teb0|meb0|drp_.*|rec_.*)$/;
    await until(
      async () => (await beamline.view()).every(({ id, state }) => !path.test(id) || state === 'done'),
      'the end of the data path',
    );
    const view = await beamline.view();
    t.same(
      view.filter(({ id }) => !path.test(id)).map(({ id, state }) => `${id} ${state}`),
      ['calibdb', 'shm', 'page', 'collect', 'collect0', 'worker0', 'worker1', 'manage'].map((id) => `${id} running`),
      'those who look go on',
    );
    t.match((await beamline.run('logs', 'page')).stdout.toString(), /look at http:\/\/127.0.0.1:\d+/);
    const stopped = await beamline.run('stop');
    t.equal(stopped.status, 0, `${stopped.stdout}${stopped.stderr}`);
    const account = await accountOf(beamline.recorded, beamline.logs, []);
    t.match(account, { runs: 1, cut: 0, problems: [] });
    // Three detectors at the full rate, the camera at a tenth of it.
    t.equal(account.pulses, EVENTS * 3 + EVENTS / 10);
    t.equal(account.recorded + account.named, account.pulses);
    t.ok(account.recorded > 0 && account.named > 0, `${account.recorded} recorded, ${account.named} not`);
    t.same(await beamline.remains(), []);
  },
);

t.test(
  'killed at random: runs begin again, and every pulse is recorded, named, or was under way in what was killed',
  async (t) => {
    const lines: string[] = [];
    const victims = ['rec_gmd_0', 'teb0', 'shm', KEEPER];
    const { kills, account, problems } = await soak({ seed: 5, until: { victims }, say: (line) => lines.push(line) });
    t.same(problems, [], lines.join('; '));
    t.same(
      kills.map(({ id }) => id),
      victims,
    );
    t.ok(account.runs >= 4, 'a recorder, the decider and the keeper end a run, those who look do not');
    t.ok(account.recorded > 0 && account.named > 0, JSON.stringify(account));
  },
);
