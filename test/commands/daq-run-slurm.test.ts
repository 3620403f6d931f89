/** The same files as jobs of a real Slurm (spec procmgr.md 2). */

import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { needsSlurm, SlurmCluster } from '../supervise/cluster.ts';
import { Runs, until } from '../supervise/runs.ts';

const DEAF = `bash -c 'trap "" INT TERM; while :; do sleep 0.1; done'`;
const FILE = `if not platform: platform = '2'
station = 1
procmgr_config = [
 {id: 'control', flags: 'sp', cmd: "bash -c 'echo ctl $0 $@; exec sleep 1000' x -x 3"},
 {id: 'pipe', flags: 'pu', host: 'localhost', cores: 2, env: 'O=--a=1,b=2',
  cmd: '''bash -c 'echo "<I> a: in 3 = out 3" >&2; echo $O; exit 5' | cat'''},
 {id: 'env', flags: '', cmd: 'env'},
]
`;

t.test('jobs of a real Slurm', needsSlurm(), async (t) => {
  const cluster = await SlurmCluster.start(t);
  const env = { ...cluster.env, TESTRELDIR: '/rel', CONFIGDB_AUTH: 'u:p,q=r', SECRET_OF_MINE: 'x' };
  const settled = (runs: Runs, ...args: readonly string[]) =>
    until(async () => {
      const states = await runs.states('--slurm', ...args);
      return (
        Object.values(states).every((state) => state !== 'pending') &&
        states.pipe !== 'running' &&
        states.env !== 'running'
      );
    }, 'the short ones are over');
  const by = async (runs: Runs) => Object.fromEntries((await runs.view('--slurm')).map((one) => [one.id, one]));

  await t.test(
    'one job for each: comments, exit statuses, logs, variables; no second start; stop is SIGINT',
    async (t) => {
      const runs = new Runs(t, 'a b.cnf', FILE.replace('"bash -c \'echo ctl $0', '"bash -c \'echo ctl $0'), env);
      const started = await runs.run('start', '--slurm');
      t.equal(started.status, 0, started.stderr);
      await settled(runs);
      const comments = cluster.command('squeue', '--states=all', '--noheader', '--format=%k').trim().split('\n').sort();
      t.same(comments, ['x99_p2_s1_control', 'x99_p2_s1_env', 'x99_p2_s1_pipe']);
      const views = await by(runs);
      t.match(views.pipe, { state: 'failed', status: 5, stages: [5, 0], balances: [{ stage: 1, in: 3, out: 3 }] });
      t.match(views.pipe?.slurm, { state: 'FAILED' });
      t.match(views.pipe?.log, /\/logs\/\d{4}\/\d\d\/\d\d_\d\d:\d\d:\d\d_[^:]+:pipe\.log$/);
      t.match(views.env, { state: 'done', status: 0 });
      t.match(views.control, { state: 'running' });
      const logs = (await runs.run('logs', '--slurm')).stdout.toString();
      t.match(logs, /control: ctl x -x 3 -p 2\n/);
      t.match(logs, /pipe: --a=1,b=2\n/);
      t.match(logs, /env: # PLATFORM:2\n/);
      t.match(logs, /env: CONFIGDB_AUTH=u:p,q=r\n/);
      t.match(logs, /env: PATH=\/rel\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin:/);
      t.notMatch(logs, /SECRET_OF_MINE/);
      const again = await runs.run('start', '--slurm');
      t.match([again.status, again.stderr], [2, /there already: control \(job \d+\)/]);
      t.equal((await runs.run('restart', 'control', '--slurm')).status, 0);
      await until(async () => (await by(runs)).control?.state === 'running', 'control again');
      t.not((await by(runs)).control?.slurm?.job, views.control?.slurm?.job);
      await until(async () => (await runs.run('logs', 'control', '--slurm')).stdout.includes('ctl x'), 'its words');
      await runs.run('stop', '--slurm');
      t.match((await by(runs)).control, { state: 'stopped', status: 130 });
    },
  );

  await t.test('steps of one job; one of them is stopped alone; one that is deaf is killed', async (t) => {
    const runs = new Runs(t, 's.cnf', FILE.replace("cmd: 'env'", `cmd: ${JSON.stringify(DEAF)}`), env);
    t.equal((await runs.run('start', '--slurm', '--as-step')).stderr, '');
    await until(async () => {
      const { control, env: deaf, pipe } = await by(runs);
      return control?.state === 'running' && deaf?.state === 'running' && pipe?.state === 'failed';
    }, 'steps');
    const views = await by(runs);
    t.match(views.control?.slurm?.job, /^\d+\.\d+$/);
    t.match(views.pipe, { status: 5, stages: [5, 0] }, 'a step that has ended is known from its log');
    const again = await runs.run('start', '--slurm', '--as-step');
    t.match([again.status, again.stderr], [2, /the steps of this file are there already|these are there already/]);
    await runs.run('stop', 'control', '--slurm');
    t.match(await by(runs), { control: { state: 'stopped', status: 130 }, env: { state: 'running' } });
    await runs.run('stop', '--slurm');
    t.not((await by(runs)).env?.state, 'running');
    t.equal(cluster.command('squeue', '--noheader'), '');
  });

  await t.test(
    'what comes after waits; a pending job is taken from the queue; what cannot be submitted cancels the rest',
    async (t) => {
      const runs = new Runs(t, 'y.yaml', '', env);
      const list = (more: object) =>
        writeFileSync(runs.file, JSON.stringify({ processes: { a: { cmd: 'sleep 1000', grace: 1 }, ...more } }));
      list({ b: { cmd: 'sleep 1000', after: ['a'], cores: 63 } });
      t.equal((await runs.run('start', '--slurm')).status, 0);
      await until(async () => (await runs.states('--slurm')).b === 'running', 'both');
      await runs.run('stop', '--slurm');
      t.same(await runs.states('--slurm'), { a: 'stopped', b: 'stopped' });
      list({ b: { cmd: 'sleep 1000', cores: 64 } });
      t.equal((await runs.run('start', '--slurm')).status, 0);
      await until(async () => (await runs.states('--slurm')).a === 'running', 'a');
      await runs.run('stop', 'b', '--slurm');
      t.match((await by(runs)).b, { state: 'stopped', slurm: { state: 'CANCELLED' } });
      await runs.run('stop', '--slurm');
      list({ b: { cmd: 'sleep 1000', host: 'nobody-of-this-name' } });
      const bad = await runs.run('start', '--slurm');
      t.match([bad.status, bad.stderr], [1, /Invalid node name/i]);
      await until(() => cluster.command('squeue', '--noheader') === '', 'nothing is left in the queue');
    },
  );
});

t.test('without Slurm there is a sentence; the plan needs none', async (t) => {
  const runs = new Runs(t, 'n.yaml', '{processes: {a: "true"}}');
  symlinkSync(process.execPath, join(runs.folder, 'node'));
  runs.env.PATH = runs.folder;
  t.match(await runs.run('start', '--slurm'), { status: 1, stderr: /squeue cannot be run: are Slurm's commands on/ });
  const plan = await runs.run('start', '--slurm', '--dry-run');
  t.match([plan.status, plan.stdout.toString()], [0, /^# sbatch --parsable .*\n#!\/bin\/bash\n/]);
});
