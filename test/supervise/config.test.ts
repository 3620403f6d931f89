import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readCnf } from '../../lib/supervise/config/cnf.ts';
import { processFileFrom } from '../../lib/supervise/config/entries.ts';
import { lint, lintEntries } from '../../lib/supervise/config/lint.ts';
import { appended, commandLine, environmentOf, pipeTexts } from '../../lib/supervise/config/words.ts';
import { readYaml } from '../../lib/supervise/config/yaml.ts';
import { openProcessFile } from '../../lib/supervise/open.ts';

const options = { platform: undefined, macros: new Map([['exp', 'rixx1']]), env: { TESTRELDIR: '/rel' } };
const read = (text: string, platform?: string) => readCnf(text, '/d/x.cnf', { ...options, platform });

t.test('sample lines of the spec: keys as names, f-strings, macros, platform, comments (spec 1.1, 4)', async (t) => {
  const text = `
import os
if not platform: platform = '2'
hutch, = ['rix'] if False else ['rix']
`;
  t.throws(() => read(text), { code: 'unreadable-input', message: /With --python/ }, 'outside of the subset');
  const sample = `
import os
if not platform: platform = '2'
collect = 'drp-srcf-cmp004'
std = f'-P rix -C {collect} -M {CONFIGDIR}/prom'   # {not this}
bld = "gmd+scbld+EM1K0:GMD:HPS,xgmd"
procmgr_config = [
 {host: 'drp-srcf-cmp004', id:'control', flags:'spu', cmd:f'control -P rix:2 -B DAQ:NEH -x 3 --user {procmgr_macro["exp"]} -t trigger -S 1 -c'},
 {                         id:'control_gui', flags:'p', cmd:f'control_gui -H {collect} --loglevel WARNING'},
 {host: 'drp-srcf-cmp013', id:'teb0', flags:'spu', cmd:'teb '+std+' -k script_path=/d'},
 {host: 'drp-srcf-cmp002', cores: 10, id:'timing_0', flags:'spu', env:'EPICS_PVA_ADDR_LIST=172.21.152.78', cmd:f'drp {std} -o /o -d /dev/datadev_1 -l 0x1 -D ts'},
 {host: 'drp-srcf-cmp002', id:'mono_encoder_0', flags:'spu', rtprio:'50', cmd:f'drp_udpencoder {std} -l 0x8'},
 {host: 'neh-base', id:'pyxpm-3', port:'29452', flags:'s', cmd:'pyxpm --ip 10.0.2.103 -P DAQ:NEH:XPM:3'},
]
for i in range(2):
  procmgr_config.append({host:'h', id:'hsd_%d' % i, flags:'spu', cmd:'drp -D hsd -l 0x%x' % (1 << i), evr:'0,1'})
procmgr_config += [{id: 'bld_0', flags: 'spu', cmd: f'drp_bld {std} -D {bld}', conda: 'c1'}]
`;
  const file = processFileFrom(read(sample));
  t.equal(file.platform, 2);
  t.equal(processFileFrom(read(sample, '4')).platform, 4, 'the command line wins');
  t.same(
    file.entries.map(({ id }) => id),
    ['control', 'control_gui', 'teb0', 'timing_0', 'mono_encoder_0', 'pyxpm-3', 'hsd_0', 'hsd_1', 'bld_0'],
  );
  const [control, gui, teb, timing, mono, xpm, , hsd, bld] = file.entries;
  t.match(control?.cmd, /--user rixx1 -t/);
  t.equal(gui?.host, undefined);
  t.equal(teb?.cmd, 'teb -P rix -C drp-srcf-cmp004 -M /d/prom -k script_path=/d');
  t.match(timing, { cores: 10, env: new Map([['EPICS_PVA_ADDR_LIST', '172.21.152.78']]), line: 11 });
  t.match(mono, { rtprio: 50 });
  t.match(xpm, { port: 29452, host: 'neh-base' });
  t.match(hsd, { cmd: 'drp -D hsd -l 0x2' });
  t.match(bld, { conda: 'c1' });
});

t.test('an entry without id or cmd, and a file without a list, are errors with their places', async (t) => {
  t.throws(() => processFileFrom(read("procmgr_config = [{id: 'a'}]")), {
    message: 'a has no cmd',
    place: { line: 1 },
  });
  t.throws(() => processFileFrom(read("procmgr_config = [{cmd: 'a'}]")), { message: 'entry 1 has no id' });
  for (const text of ['', 'x = 1', '\0\x01\xff', '{"a": 1}', 'procmgr_config = 3'])
    t.throws(() => read(text), { code: 'unreadable-input' }, JSON.stringify(text));
});

t.test('words, stages, and what is appended where (spec 1.1, 2.1)', async (t) => {
  const env = { HOME: '/h', X: 'a b' };
  t.same(commandLine(`p ~/f "$X" '$X' *.x a\\ b`, env).stages, [{ argv: ['p', '/h/f', 'a b', '$X', '*.x', 'a b'] }]);
  t.same(
    commandLine('a | b -c | d', env).stages.map(({ argv }) => argv),
    [['a'], ['b', '-c'], ['d']],
  );
  t.same(commandLine('a > f && b', env).operators, ['>', '&&']);
  t.same(commandLine("bash -c 'a | b; c'", env), { stages: [{ argv: ['bash', '-c', 'a | b; c'] }], operators: [] });
  t.same(pipeTexts(`a '|' "x | y \\" |" \\| b|c`), [`a '|' "x | y \\" |" \\| b`, 'c']);
  t.same(pipeTexts('a || b |& c'), ['a || b |& c']);
  t.same(appended({ id: 'i', flags: 'spu' }, 2, 'procmgr'), ['-u', 'i', '-p', '2']);
  t.same(appended({ id: 'i', flags: 'pu' }, 2, 'slurm'), ['-p', '2', '-u', 'i']);
  t.same(appended({ id: 'i', flags: 'p' }, undefined, 'slurm'), []);
  t.same(
    [...environmentOf('A=1  B=x=y,z C')],
    [
      ['A', '1'],
      ['B', 'x=y,z'],
    ],
  );
});

t.test('YAML: defaults, pipes, readiness, restart', async (t) => {
  const file = readYaml(
    `
platform: 3
defaults: {restart: on-failure, grace: 1}
processes:
  teb: teb-decide x
  cam:
    pipe: [a -b, 'c "|"']
    after: teb
    env: {A: 1, B: 'x=y'}
    ready: {line: 'up$'}
    restart: {when: always, most: 2, within: 9}
`,
    'f.yaml',
  );
  t.match(file, { platform: 3, notation: 'yaml' });
  t.match(file.entries[0], {
    id: 'teb',
    cmd: 'teb-decide x',
    grace: 1,
    line: 5,
    restart: { when: 'on-failure', most: 5, within: 60 },
  });
  t.match(file.entries[1], { cmd: 'a -b | c "|"', after: ['teb'], ready: { kind: 'line', pattern: 'up$' } });
  t.same(
    [...file.entries[1]!.env],
    [
      ['A', '1'],
      ['B', 'x=y'],
    ],
  );
  t.match(file.entries[1]!.restart, { when: 'always', most: 2, within: 9 });
});

t.test('YAML: mistakes are told exactly', async (t) => {
  const one = (text: string) => `processes:\n  a: ${text}\n`;
  const cases: [string, RegExp][] = [
    ['', /the file is a mapping/],
    ['- a', /the file is a mapping/],
    ['processes: 3', /processes is a mapping/],
    ['process: {}', /there is no key process;/],
    [one('{}'), /a: give cmd, or pipe/],
    [one('{cmd: x, pipe: [y]}'), /a: give cmd, or pipe/],
    [one('{cmd: x, afer: b}'), /a: there is no key afer/],
    [one('{cmd: x, ready: {line: "("}}'), /a: ready: .*regular expression/i],
    [one('{cmd: x, ready: {when: now}}'), /a: ready: there is no key when/],
    [one('{cmd: x, ready: up}'), /a: ready is/],
    [one('{cmd: x, restart: sometimes}'), /a: restart is never, on-failure or always/],
    [one('{cmd: x, grace: -1}'), /a: grace is a number of seconds/],
    [one('{cmd: x, cores: 1.5}'), /a: cores is a whole number/],
    [one('{cmd: x, env: 3}'), /a: env is/],
    [one('{cmd: x, after: [1]}'), /a: after is a list of texts/],
    [one('[x]'), /a is a command, or a mapping/],
    ['platform: two\nprocesses: {}', /platform is a number/],
    ['processes: {a: x', /not YAML/],
  ];
  for (const [text, message] of cases)
    t.throws(() => readYaml(text, 'f.yaml'), { code: 'unreadable-input', message, place: { file: 'f.yaml' } }, text);
});

t.test('ids twice, unknown ones, circles: errors with the line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'supervise-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const cases: [string, string, RegExp][] = [
    ['a.cnf', "procmgr_config=[{id:'a',cmd:'x'},\n{id:'a',cmd:'y'}]", /the id a is used twice/],
    ['b.yaml', 'processes: {a: {cmd: x, after: [b]}}', /a comes after b, which does not exist/],
    ['c.yaml', 'processes:\n  a: {cmd: x, after: [b]}\n  b: {cmd: x, after: [a]}', /a comes after itself/],
    ['d.yaml', 'processes: {a: {cmd: x, after: [a]}}', /a comes after itself/],
  ];
  for (const [name, text, message] of cases) {
    const path = join(folder, name);
    writeFileSync(path, text);
    const opened = openProcessFile(path, { ...options, platform: undefined, python: undefined });
    await t.rejects(opened, { code: 'unreadable-input', message }, name);
  }
});

const lintOptions = {
  env: {},
  findProgram: (name: string) => (name.startsWith('no') ? undefined : `/bin/${name}`),
  takesAppended: (name: string) => name === 'ours',
};

t.test('lint: every code, and whether the existing lint has it (spec 1.5)', async (t) => {
  const codes = (text: string, platform?: string) =>
    lint(read(`procmgr_config = [${text}]`, platform), lintOptions).map(
      ({ code, existing }) => `${code}${existing ? '' : ' new'}`,
    );
  const good = "cmd:'x', flags:'s'";
  const cases: [string, string[]][] = [
    [`{id:'a', ${good}}`, []],
    [`{${good}}`, ['missing-key']],
    ["{id:'a', flags:'s'}", ['missing-key']],
    [`{id:'a', ${good}, 'nmae':'x'}`, ['unknown-key']],
    [`{id:'a', cmd:3, flags:'s'}`, ['not-text']],
    [`{id:'a:b|c', ${good}}`, ['bad-id']],
    [`{id:'${'a'.repeat(31)}', ${good}}`, ['bad-id']],
    [`{id:'a', ${good}}, {id:'a', ${good}}`, ['duplicate-id']],
    [`{id:'a', port:'29452', ${good}}, {id:'b', port:'29452', ${good}}`, ['duplicate-port new']],
    [`{id:'a', cmd:'x', flags:'sq'}`, ['unknown-flag']],
    [`{id:'a', cmd:'x', flags:''}`, ['not-stopped-politely new']],
    [`{id:'a', ${good}, rtprio:'100'}`, ['bad-priority new']],
    [`{id:'a', ${good}, env:'A'}`, ['bad-env new']],
    [`{id:'a', ${good}, env:'A=b=c'}`, ['bad-env new']],
    [`{id:'a', ${good}, env:'A=b,c'}`, ['bad-env new']],
    [`{id:'a', cmd:'/usr/bin/chrt -f 50 x', flags:'s'}`, ['wrapper-in-cmd']],
    [`{id:'a', cmd:'x > f', flags:'s'}`, ['outer-shell new']],
    [`{id:'a', cmd:'x | y', flags:'su'}`, ['outer-shell new', 'appended-to-last-stage new']],
    [`{id:'a', cmd:'x | ours', flags:'su'}`, ['outer-shell new']],
    [`{id:'a', cmd:'nothing', flags:'s'}`, ['missing-program new']],
    [`{id:'a', cmd:'x |', flags:'s'}`, ['outer-shell new', 'missing-program new']],
    [`{id:'a', cores: 10, ${good}}`, ['unknown-to-existing-lint']],
    [`{id:'a', cmd:'x', flags:'sg'}`, ['unknown-to-existing-lint']],
    [`{id:'a', cmd:TESTRELDIR + 'x', flags:'s'}`, ['unknown-to-existing-lint']],
  ];
  for (const [text, expected] of cases) t.same(codes(text), expected, text);
  t.same(codes(`{id:'a', ${good}}`, '12'), ['bad-platform']);
  const own = readYaml('processes: {a: nothing, b: "x > f", c: "x | y"}', 'f.yaml');
  t.same(
    lintEntries(own, lintOptions).map(({ code, id }) => [id, code]),
    [
      ['a', 'missing-program'],
      ['b', 'needs-shell'],
    ],
  );
});

t.test('derived files through an interpreter: select, add, rename, extend, show (spec 2.1)', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'supervise-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, 'main_cnf.py'),
    `platform = '4'
host, id, flags, env, cmd, cores = ('host', 'id', 'flags', 'env', 'cmd', 'cores')
procmgr_config = [{id: 'timing_0', cmd: 'drp -D ts', flags: 'spu', cores: 10}, {id: 'teb0', cmd: 'teb'}, {id: 'x', cmd: 'x'}]
procmgr_ami = [{id: 'ami', cmd: 'ami-local', host: 'h2'}]
`,
  );
  const path = join(folder, 'derived.py');
  writeFileSync(
    path,
    `from main_cnf import *
from psdaq.slurm.config import Config
station = 1
config = Config(procmgr_config)
config.select(['timing_0', 'nobody'])
config.add({id: 'extra', cmd: f'python {"p"}.py', flags: ''})
config.rename(['timing_0', 'timing_1'], ['teb0', 'teb1'])
config.extend(procmgr_ami)
config.show()
`,
  );
  const file = await openProcessFile(path, { ...options, platform: undefined, python: 'python3' });
  t.match(file, { platform: 4, station: 1 });
  t.same(
    file.entries.map(({ id, cmd, host, cores }) => [id, cmd, host, cores]),
    [
      ['extra', 'python p.py', undefined, undefined],
      ['timing_1', 'drp -D ts', undefined, 10],
      ['teb1', 'teb', undefined, undefined],
      ['ami', 'ami-local', 'h2', undefined],
    ],
  );
  writeFileSync(path, 'raise ValueError("not today")');
  const broken = openProcessFile(path, { ...options, platform: undefined, python: 'python3' });
  await t.rejects(broken, { code: 'unreadable-input', message: /python3 cannot run the file: ValueError: not today/ });
});

t.test('a .cnf says in daq_run what only daq-run knows: policies for all, and by id over them', async (t) => {
  const list = "procmgr_config = [{id: 'rec', cmd: 'r', flags: 's'}, {id: 'drp', cmd: 'd', flags: 's'}]\n";
  const policies = `
daq_run = {'*': {'restart': 'on-failure', 'drain': 2.5},
           'drp': {'after': ['rec'], 'together': 'run', 'ready': {'line': 'up', 'within': 3}, 'restart': {'when': 'always', 'most': 9}}}
`;
  const [rec, drp] = processFileFrom(read(list + policies)).entries;
  t.match(rec, { after: [], restart: { when: 'on-failure', most: 5, within: 60 }, drain: 2.5, together: undefined });
  t.match(drp, {
    ...{ after: ['rec'], together: 'run', drain: 2.5, readyWithin: 3, grace: 5 },
    ready: { kind: 'line', pattern: 'up' },
    restart: { when: 'always', most: 9, within: 60 },
  });
  const lintOptions = { findProgram: (name: string) => name, env: {}, takesAppended: () => true };
  t.same(lint(read(list + policies), lintOptions), []);
  for (const [text, message] of [
    ["daq_run = {'x': {}}", /no process x/],
    ["daq_run = {'rec': {'afterr': 'drp'}}", /rec: there is no key afterr/],
    ["daq_run = {'rec': 3}", /rec is a dictionary/],
    ["daq_run = {'*': {'ready': {'within': 'soon'}}}", /rec: ready within is a number/],
    ['daq_run = [1]', /it is a dictionary/],
  ] as const) {
    t.throws(() => processFileFrom(read(list + text)), { message, place: { file: '/d/x.cnf' } }, text);
    t.match(lint(read(list + text), lintOptions), [
      { code: 'bad-policy', severity: 'error', message, existing: false },
    ]);
  }
  const nobody = read(`${list}daq_run = {'rec': {'after': ['nobody']}}`);
  t.match(lint(nobody, lintOptions), [
    { code: 'bad-policy', id: 'rec', message: /after nobody, which does not exist/ },
  ]);
});

t.test('YAML: readiness with a time limit, groups, time to work off the input', async (t) => {
  const { entries } = readYaml(
    'processes: {a: {cmd: x, ready: {path: /p, within: 0}, together: g, drain: 1}}',
    'y.yaml',
  );
  t.match(entries[0], { ready: { kind: 'path', path: '/p' }, readyWithin: 0, together: 'g', drain: 1 });
  const within = readYaml('processes: {a: {cmd: x, ready: {within: 4}}}', 'y.yaml').entries[0];
  t.match(within, { ready: { kind: 'alive', seconds: 0.2 }, readyWithin: 4 });
});
