import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { ProcessFile } from '../../lib/supervise/config/types.ts';
import { planJobs, planSteps, stopOrder } from '../../lib/supervise/slurm/plan.ts';
import { readAccounts, readJobs, readSteps, stateOf } from '../../lib/supervise/slurm/queue.ts';
import { bodyLines, exportsOf, quoted } from '../../lib/supervise/slurm/script.ts';
import { entry } from './entries.ts';

const options = {
  ...{ logs: '/l 100%', started: new Date('2026-03-04T05:06:07Z'), queue: 'drpq', host: 'here' },
  env: { HOME: '/h', TESTRELDIR: '/rel', CONDA_PREFIX: '/conda', AMI_TESTRELDIR: '/amirel', CONFIGDB_AUTH: 'u:secret' },
  programFolders: ['/ours'],
  takesAppended: (program: string) => program === 'dgram-cat',
};
const fileOf = (...entries: ProcessFile['entries']): ProcessFile => ({
  ...{ file: '/d/rix.cnf', notation: 'cnf', platform: 2, station: 0, entries },
});
const teb = entry('teb0', {
  cmd: 'teb -k "a b"',
  flags: 'spu',
  host: 'cmp013',
  cores: 10,
  env: new Map([['O', "a=b,c 'd'"]]),
});
const control = entry('control', { cmd: 'control -P rix:2 -x 3 -c', flags: 'spu', host: 'localhost' });
const pipe = entry('pipe', { cmd: 'dgram-cat f | tee g', flags: 'pu', after: ['teb0'] });

t.test('one job for each process: what sbatch is asked for (spec 2.2, 2.3)', async (t) => {
  const [job] = planJobs(fileOf(control, teb, pipe), ['teb0'], options);
  t.same(job?.args, [
    ...['--parsable', '--no-requeue', '--open-mode=append', '--export=ALL', '--partition=drpq', '--job-name=teb0'],
    ...['--comment=x3_p2_s0_teb0', '--output=/l 100%%/2026/03/04_05:06:07_cmp013:teb0.log', '--chdir=/d'],
    ...['--ntasks=1', '--cpus-per-task=10', '--nodelist=cmp013'],
  ]);
  t.equal(
    job?.script,
    `#!/bin/bash
export TESTRELDIR=/rel
export CONDA_PREFIX=/conda
export PATH=/rel/bin:/conda/bin:/conda/epics/bin/linux-x86_64:/usr/sbin:/usr/bin:/sbin:/bin:/ours
export LD_LIBRARY_PATH=/rel/lib
export O='a=b,c '\\''d'\\'''
export PYTHONPATH="$(echo /rel/lib/python3*/site-packages | tr ' ' :)"
read -r -d '' body <<'END_OF_BODY'
exec >> '/l 100%/2026/03/04_05:06:07_cmp013:teb0.log' 2>&1
trap : INT TERM
printf '%s\\n' '# ID:      teb0'
printf '%s\\n' '# PLATFORM:2'
echo '# HOST:    '"$(hostname)"
printf '%s\\n' '# CMDLINE: teb -k "a b" -p '\\''2'\\'' -u teb0'
printf '%s\\n' '# CONDA_PREFIX:/conda'
printf '%s\\n' '# CONFIGDB_AUTH:*****'
printf '%s\\n' '# TESTRELDIR:/rel'
echo "# SLURM_JOB_ID:$SLURM_JOB_ID"
teb -k "a b" -p '2' -u teb0
statuses=($?)
status=0
for one in "\${statuses[@]}"; do [ "$one" = 0 ] || status=$one; done
echo "# daq-run: ended with status $status"
exit "$status"
END_OF_BODY
exec srun --ntasks=1 --cpus-per-task=10 --unbuffered --job-name=teb0 --export=HOME,USER,CONDA_DEFAULT_ENV,CONDA_EXE,CONFIGDB_AUTH,SUBMODULEDIR,DISPLAY,XAUTHORITY,DAQMGR_EXPORT,TESTRELDIR,CONDA_PREFIX,PATH,LD_LIBRARY_PATH,O,PYTHONPATH bash -c "$body"
`,
  );
  t.notMatch(job?.script, /secret/);
});

t.test('hosts, dependencies, cores, GPUs, and what the existing manager adds (spec 2.1, 2.3)', async (t) => {
  const drp = entry('t0', { cmd: 'drp -D ts', flags: 'pug', cores: 10 });
  const stat = entry('daqstat', { cmd: 'daqstat' });
  const jobs = planJobs(fileOf(teb, pipe, drp, stat, control), ['teb0', 'pipe', 't0', 'daqstat', 'control'], options);
  const by = (id: string) => jobs.find(({ ids }) => ids.includes(id))!;
  t.same(by('pipe').after, ['teb0']);
  t.match(by('pipe').script, /\nexec >> '\/l 100%\/2026\/03\/04_05:06:07_'"\$SLURMD_NODENAME":pipe.log 2>&1\n/);
  t.ok(by('pipe').args.includes('--output=/l 100%%/2026/03/04_05:06:07_%N:pipe.log'));
  t.ok(by('control').args.includes('--nodelist=here'));
  t.ok(by('t0').args.includes('--gres=gpu:1'));
  t.match(by('t0').script, /\ndrp -D ts -W 6 -p '2' -u t0\n/);
  t.match(by('daqstat').script, /\ndaqstat \/d\/rix.cnf\n/);
  t.match(by('pipe').script, /\{ dgram-cat f -p '2' -u pipe\n\} 2>&10 10>&- 11>&- \|\n {2}\{ tee g\n\} 2>&11/);
  t.match(planJobs(fileOf(teb), ['teb0'], options)[0]!.args.join(' '), /--comment=x99_p2_s0_teb0/, 'no control: 99');
});

t.test('variables: the group chooses the release, DAQMGR_EXPORT is taken apart, the entry wins', async (t) => {
  const env = { ...options.env, DAQMGR_EXPORT: 'A=1,B=x=y' };
  const made = exportsOf(entry('a', { envGroup: 'ami', env: new Map([['A', '2']]) }), {
    ...options,
    env,
    file: '',
    platform: 1,
  });
  t.equal(made.get('TESTRELDIR'), '/amirel');
  t.equal(made.get('A'), '2');
  t.equal(made.get('B'), 'x=y');
});

t.test('one job with steps', async (t) => {
  const job = planSteps(fileOf(control, teb), ['control', 'teb0'], options);
  t.equal(job.comment, 'x3_p2_s0_steps:rix.cnf');
  t.ok(job.args.includes('--output=/l 100%%/2026/03/04_05:06:07_%N:rix.cnf.steps.log'));
  t.match(job.script, /exec srun .* --exclusive --nodes=1 --ntasks-per-node=1 --job-name=teb0 --nodelist=cmp013 /);
  t.ok(job.args.includes('--nodelist=here,cmp013'));
  t.ok(job.args.includes('--ntasks-per-node=10'));
  t.match(job.script, /exec >> '\/l 100%\/2026\/03\/04_05:06:07_cmp013:teb0.log' 2>&1\n/);
});

t.test('bodies are scripts: quoting, conda, statuses of stages; run by a real shell', async (t) => {
  for (const word of ["a'b", 'a b', '', '$X', '*', 'a\nb', 'é;|', '--x=y'])
    t.equal(execFileSync('bash', ['-c', `printf %s ${quoted(word)}`], { encoding: 'utf8' }), word);
  const shell = (cmd: string, more = {}) => {
    const lines = bodyLines(entry('a', { cmd, ...more }), { ...options, file: '', platform: 1, env: {} });
    try {
      return [
        0,
        execFileSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
      ];
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string };
      return [status, stdout];
    }
  };
  const [status, text] = shell("bash -c 'echo e >&2; exit 3' | cat -n '|' /dev/null # c") as [number, string];
  t.equal(status, 1);
  t.match(text, /\n\[1\] e\n/);
  t.match(
    text,
    /stage 1 \(bash\) ended with 3\n# daq-run: stage 2 \(cat\) ended with 1\n# daq-run: ended with status 1\n$/,
  );
  t.match(shell('exit 4 && true')[0], 4);
  t.match(shell('false | true')[0], 1, 'pipefail');
  t.match(shell('true', { conda: 'x' }), [
    1,
    /conda environment x cannot be activated\n# daq-run: ended with status 1\n$/,
  ]);
});

t.test('entries are stopped before those they come after', async (t) => {
  const chain = [entry('a'), entry('b', { after: ['a'] }), entry('c'), entry('d', { after: ['b', 'c'] })];
  t.same(stopOrder(chain), [['d'], ['b'], ['a', 'c']]);
});

t.test('what squeue and sacct print is understood', async (t) => {
  const cell = (text: string, width: number) => `${text.padEnd(width)}|`;
  const row = (...[job, state, exit, comment, used]: string[]) =>
    `${cell(job!, 24)}${cell(state!, 24)}${cell(exit!, 24)}${cell(comment!, 256)}${cell('a', 256)}${cell(used!, 24)}${cell('n1', 256)}\n`;
  const jobs = readJobs(
    row('1', 'FAILED', '1792', 'x99_p2_s0_a', '0:02') +
      row('2', 'RUNNING', '0', 'x', '1-02:03:04') +
      row('3', 'CANCELLED', '9', '(null)', 'INVALID'),
  );
  t.same(
    jobs.map(({ job, status, seconds }) => [job, status, seconds]),
    [
      ['1', 7, 2],
      ['2', undefined, 93784],
      ['3', 137, undefined],
    ],
  );
  t.equal(jobs[0]?.comment, 'x99_p2_s0_a');
  const steps = readSteps(['5.1|teb0|0:03|n1|', '5.batch|batch|0:03|n1|'].join('\n'));
  t.match(steps, [{ job: '5.1', name: 'teb0', seconds: 3 }]);
  const accounts = readAccounts('7|CANCELLED by 0|0:15|a|12|n1\n7.0|FAILED|3:0|a|12|n1\n');
  t.match(accounts, [
    { state: 'CANCELLED', status: 143 },
    { state: 'FAILED', status: 3 },
  ]);
  const words = [
    ['PENDING', undefined],
    ['RUNNING', undefined],
    ['COMPLETED', 0],
    ['FAILED', 3],
    ['FAILED', 130],
    ['TIMEOUT', 0],
  ] as const;
  t.same(
    words.map(([state, status]) => stateOf({ state, status })),
    ['pending', 'running', 'done', 'failed', 'stopped', 'failed'],
  );
});
