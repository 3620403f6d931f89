import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../executable.ts';
import { Runs, until } from '../supervise/runs.ts';

const yaml = (processes: Readonly<Record<string, unknown>>) => JSON.stringify({ processes });
const DEAF = `bash -c 'trap "" INT PIPE; echo deaf; while :; do sleep 0.1; done'`;

t.test('start, status, logs, restart and stop from separate shells; the manager appends -u and -p', async (t) => {
  const runs = new Runs(
    t,
    'x:y z.cnf',
    `if not platform: platform = '2'
procmgr_config = [{id: 'a=b c', flags: 'spu', cmd: "bash -c 'echo $0 $@ $V; sleep 1000' w", env: 'V=x=1,2'}, {id: 'once', flags: 's', cmd: 'true'}]`,
  );
  const started = await runs.run('start');
  t.equal(started.status, 0, started.stderr);
  await until(async () => (await runs.states()).once === 'done', 'once');
  t.same(await runs.states(), { 'a=b c': 'running', once: 'done' });
  t.match(await runs.log('a=b c'), /# PLATFORM:2\n# HOST: .*\n# CMDLINE: .*\n(# .*\n)*w -u a=b c -p 2 x=1,2\n/);
  const [before] = await runs.view();
  t.equal((await runs.run('restart', 'a=b c')).status, 0);
  t.not((await runs.view())[0]?.pids[0], before?.pids[0]);
  const logs = await runs.run('logs', 'a=b c');
  t.match(logs.stdout.toString(), /w -u a=b c -p 2/);
  const other = await runs.run('status', '-p', '4');
  t.match(
    [other.status, other.stderr],
    [1, /nothing of .* is running/],
    'another platform is another set of processes',
  );
  t.equal((await runs.run('stop', '-p', '2')).status, 0, 'the same platform, given');
  t.equal((await runs.run('stop', '-p', '2')).status, 0, 'it is as was asked');
  t.equal((await runs.run('restart', '-p', '2')).status, 1, 'nothing was started');
  t.equal((await runs.run('status')).status, 1);
  await until(() => runs.processes().length === 0, 'nothing is left');
  const last = await runs.run('logs', 'once');
  t.match(last.stdout.toString(), /ended with status 0/, 'the last logs are still found');
});

t.test('pipelines: real pipes, pipefail, each stage with its status; stages that are killed or deaf', async (t) => {
  const runs = new Runs(
    t,
    'p.yaml',
    yaml({
      good: { pipe: ["bash -c 'head -c 300000 /dev/zero; echo e >&2'", 'cat', 'wc -c'] },
      middle: { pipe: ['echo x', "bash -c 'cat; exit 3'", 'cat'] },
      killed: { pipe: ['sleep 1000', "bash -c 'kill -KILL $$'"], grace: 0.2 },
      deaf: { pipe: [DEAF, "bash -c 'exit 4'"], grace: 0.2 },
      missing: { pipe: ['echo x', 'no-such-program-here', 'cat'], grace: 0.2 },
      background: "bash -c 'sleep 1000 & echo left'",
    }),
  );
  await runs.run('start');
  await until(
    async () => Object.values(await runs.states()).every((state) => state === 'done' || state === 'failed'),
    'ends',
  );
  const by = Object.fromEntries((await runs.view()).map((one) => [one.id, one]));
  t.match(by.good, { state: 'done', stages: [0, 0, 0] });
  t.match(await runs.log('good'), /\[1\] e\n/);
  t.match(by.middle, { state: 'failed', status: 3, stages: [0, 3, 0] });
  t.match(by.killed, { state: 'failed', status: 137, stages: [130, 137] });
  t.match(by.deaf, { state: 'failed', status: 4, stages: [137, 4] });
  t.match(by.missing, { state: 'failed', status: 127 });
  t.equal(by.missing?.stages[1], 127);
  t.equal(by.background?.state, 'done');
  const left = runs.processes().length;
  t.equal(left, 2, 'the keeper and its guard');
  await runs.run('stop');
  await until(() => runs.processes().length === 0, 'nothing is left');
});

t.test('output: without newline, huge lines, binary', async (t) => {
  const script = `process.stdout.write(Buffer.from([0,255,10,128])); process.stdout.write('y'.repeat(1e6)); process.stderr.write('end')`;
  const runs = new Runs(t, 'o.yaml', yaml({ o: `${process.execPath} -e "${script}"` }));
  await runs.run('start');
  await until(async () => (await runs.states()).o === 'done', 'the end');
  const text = await runs.log('o');
  t.ok(text.includes('\x00\xff\n\x80'));
  t.equal((text.replace(/^#.*/gm, '').match(/y/g) ?? []).length, 1e6);
  t.match(text, /end\n/);
  const table = (await runs.run('status')).stdout.toString();
  t.notMatch(table, /[^\x20-\x7e\n]/, 'a table stays a table');
});

t.test('readiness by line and by path, order of start and stop, restarts with a budget', async (t) => {
  const runs = new Runs(t, 'r.yaml', '');
  const note = (what: string) => `echo ${what} >> ${runs.folder}/order`;
  const on = (id: string) =>
    `bash -c 'trap "${note(`-${id}`)}; exit 0" INT; ${note(`+${id}`)}; echo up; touch ${runs.folder}/${id}.ready; while :; do sleep 0.05; done'`;
  writeFileSync(
    runs.file,
    yaml({
      c: { cmd: on('c'), after: ['b'] },
      b: { cmd: on('b'), after: ['a'], ready: { path: `${runs.folder}/b.ready` } },
      a: { cmd: on('a'), ready: { line: '^up$' } },
      flaky: { cmd: `bash -c '${note('flaky')}; exit 9'`, restart: { when: 'on-failure', most: 1, within: 60 } },
      late: { cmd: 'true', after: ['flaky'] },
    }),
  );
  const started = await runs.run('start');
  t.equal(started.status, 1, 'something failed');
  t.match(await runs.states(), { a: 'running', b: 'running', c: 'running', flaky: 'failed', late: 'failed' });
  t.match(
    (await runs.view()).find(({ id }) => id === 'flaky'),
    { restarts: 1, status: 9 },
  );
  await runs.run('stop');
  const order = readFileSync(join(runs.folder, 'order'), 'utf8').split('\n');
  t.equal(order.filter((line) => line === 'flaky').length, 2);
  t.same(
    order.filter((line) => /^[+-]/.test(line)),
    ['+a', '+b', '+c', '-c', '-b', '-a'],
  );
});

t.test('who is not ready in time has failed, and is named with what it waits for and its last words', async (t) => {
  const silent = `bash -c 'trap "exit 0" INT; echo one; echo two; while :; do sleep 0.05; done'`;
  const runs = new Runs(
    t,
    'w.yaml',
    yaml({
      mute: { cmd: silent, ready: { line: 'listening', within: 0.3 } },
      other: { cmd: silent, ready: { path: '/nowhere/x' } },
      patient: { cmd: 'sleep 100', ready: { path: '/nowhere/y', within: 0 } },
      next: { cmd: 'true', after: ['mute'] },
    }),
  );
  const started = await runs.run('start', '--ready-within', '1');
  t.equal(started.status, 1);
  t.match(
    started.stderr,
    /mute was not ready within 0.3 s: no line of its output matches \/listening\/; its last words: one \| two\n/,
  );
  t.match(started.stderr, /other was not ready within 1 s: there is no \/nowhere\/x; its last words: one \| two\n/);
  t.match(started.stderr, /patient is not ready after \d+ s: there is no \/nowhere\/y; it has said nothing\n/);
  t.match(await runs.states(), { mute: 'failed', other: 'failed', next: 'failed', patient: 'starting' });
  t.match((await runs.view())[0], { status: 1, stages: [0] }, 'it said that all is well, but it was not');
});

t.test('grace: whole groups are killed; ^C once asks, twice kills', async (t) => {
  const runs = new Runs(t, 'g.yaml', '');
  writeFileSync(
    runs.file,
    yaml({
      g: { cmd: DEAF, grace: 0.2 },
      tree: { cmd: `bash -c 'trap "" INT; sleep 1000 & sleep 1001 & wait; wait'`, grace: 0.2 },
    }),
  );
  await runs.run('start');
  const stopped = await runs.run('stop');
  t.match(stopped.stdout.toString(), /g +stopped .* 137 /);
  await until(() => runs.processes().length === 0, 'nothing is left');
  writeFileSync(runs.file, yaml({ g: { cmd: DEAF, grace: 1000, ready: { line: 'deaf' } } }));
  const foreground = runs.launch('start', '--foreground');
  await until(() => /g: running/.test(foreground.words()), 'running');
  foreground.child.kill('SIGINT');
  await until(() => /g: stopping/.test(foreground.words()), 'stopping');
  foreground.child.kill('SIGINT');
  t.equal(await foreground.ended, 130);
  await until(() => runs.processes().length === 0, 'nothing is left');
});

t.test('--foreground ends by itself; the chain adds up, or does not', async (t) => {
  const say = (words: string) => `bash -c 'echo "${words}" >&2'`;
  const runs = new Runs(
    t,
    'f.yaml',
    yaml({ f: { pipe: [say('<I> a: in 5 = out 5'), say('<W> b: in 5 = out 4 + lost 1')] } }),
  );
  const good = await runs.run('start', '--foreground');
  t.match([good.status, good.stdout.toString()], [0, /f +2 +bash +5 +4 +lost 1\nf: it adds up/]);
  writeFileSync(runs.file, yaml({ f: { pipe: [say('<I> a: in 5 = out 5'), say('<I> b: in 5 = out 3')] } }));
  const bad = await runs.run('start', '--foreground', '--json');
  t.equal(bad.status, 3);
  t.match(JSON.parse(bad.stdout.toString()), [{ id: 'f', chain: { adds: false } }]);
});

t.test('the keeper is killed: nothing is left, children of children included; a new start works', async (t) => {
  const runs = new Runs(t, 'k.yaml', yaml({ k: "bash -c 'sleep 1000 & sleep 1001; true'", p: 'sleep 1000 | cat' }));
  const { stdout } = await runs.run('start', '--json');
  t.match(JSON.parse(stdout.toString()), [{ state: 'running' }, { state: 'running' }]);
  await until(() => runs.processes().length === 7, 'keeper, guard, bash, three sleeps, cat');
  const keeper = runs.processes().find((pid) => /daq-run.*keep/.test(commandOf(pid)))!;
  process.kill(keeper, 'SIGKILL');
  await until(() => runs.processes().length === 0, 'nothing is left');
  t.equal((await runs.run('status')).status, 1);
  t.equal((await runs.run('start')).status, 0);
  t.match(await runs.states(), { k: 'running', p: 'running' });
});

function commandOf(pid: number): string {
  return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
}

t.test('eight starts at once: one keeper, every process once', async (t) => {
  const runs = new Runs(t, 't.yaml', '');
  writeFileSync(runs.file, yaml({ one: `bash -c 'echo x >> ${runs.folder}/count; sleep 1000'` }));
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => runs.run('start')));
  t.ok(
    outcomes.every(({ status }) => status === 0),
    outcomes.map(({ stderr }) => stderr).join(),
  );
  t.equal(readFileSync(join(runs.folder, 'count'), 'utf8'), 'x\n');
});

t.test('logs --follow shows what comes', async (t) => {
  const runs = new Runs(t, 'l.yaml', '');
  writeFileSync(runs.file, yaml({ l: `bash -c 'tail -n +1 -F ${runs.folder}/in 2>/dev/null'` }));
  writeFileSync(join(runs.folder, 'in'), 'first\n');
  await runs.run('start');
  const follow = runs.launch('logs', '--follow');
  await until(() => follow.words().includes('first'), 'first');
  appendFileSync(join(runs.folder, 'in'), 'second\n');
  await until(() => follow.words().includes('second'), 'second');
  follow.child.kill('SIGINT');
  t.equal(await follow.ended, 130);
});

t.test('mistakes: files that are none, folders that cannot be written, words and ids that do not exist', async (t) => {
  const runs = new Runs(t, 'm.cnf', "procmgr_config = [{id: 'a', cmd: 'true > x', flags: 's'}]");
  const fails = async (message: RegExp, ...words: string[]) => {
    const outcome = await run('daq-run', words, { env: runs.env });
    t.match(outcome, { status: 2, stderr: message }, words.join(' '));
  };
  await fails(/needs a shell/, 'start', runs.file);
  await fails(/no list procmgr_config/, 'start', runs.write('empty.cnf', ''));
  await fails(/the file is a mapping/, 'start', runs.write('empty.yaml', ''));
  await fails(/directory/i, 'start', runs.folder);
  await fails(/no such file/i, 'status', join(runs.folder, 'none.cnf'));
  await fails(/garbage.cnf/, 'lint', runs.write('garbage.cnf', '\x00\xffPK{{{'));
  const good = runs.write('good.yaml', yaml({ a: 'true' }));
  await fails(/there is no b; there are a/, 'start', good, 'b');
  await fails(/there is no "daq-run dance"/, 'dance', good);
  await fails(/missing: file \(process file\)\nusage: daq-run .*\nexample: daq-run /, 'start');
  mkdirSync(join(runs.folder, 'x'));
  await fails(/logs cannot be written here/, 'start', good, '--logs', join(good, 'logs'));
  t.same(
    readdirSync(join(runs.folder, 'runtime')).filter((name) => name.endsWith('.sock')),
    [],
  );
});

t.test('lint: text as the existing one says it, and JSON', async (t) => {
  const runs = new Runs(
    t,
    'i.cnf',
    "procmgr_config = [\n{id: 'a:', cmd: 'true', flags: 'sq'},\n{id: 'b', cmd: 'true', flags: ''}]",
  );
  const text = await runs.run('lint');
  t.equal(text.status, 1);
  t.match(
    text.stdout.toString(),
    /^Error: line 2: a:: an id must not contain : \[bad-id\]\nError: line 2: .*\[unknown-flag\]\nWarning: line 3: b: .*\[not-stopped-politely, new\]\n$/,
  );
  const json = JSON.parse((await runs.run('lint', '--json')).stdout.toString());
  t.match(json[0], { code: 'bad-id', severity: 'error', id: 'a:', line: 2, existing: true });
  writeFileSync(runs.file, "procmgr_config = [{id: 'a', cmd: 'true', flags: 's'}]");
  t.match(await runs.run('lint'), { status: 0 });
});
