/** Configuration of the trigger chain: everything that is refused at start (spec teb.md, section 4). */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { withOverrides } from '../../../lib/trigger/config/overrides.ts';
import { parseConfig, readConfig } from '../../../lib/trigger/config/read.ts';
import { needsShared } from '../../golden.ts';
import { Scenario, scenarioNames } from '../scenarios.ts';

const DRPS = [
  { id: 3, alias: 'andor_0', rog: 1 },
  { id: 0, alias: 'timing_0', rog: 0, buffers: 4096, prim_max: 40 },
];
const parse = (document: object) => parseConfig(JSON.stringify({ drps: DRPS, ...document }), '/data/cfg.json');

t.test('what is left out has its default; order is by number', async (t) => {
  const config = parse({});
  t.strictSame(
    config.drps.map(({ id }) => id),
    [0, 3],
  );
  t.match(config.drps[0], { alias: 'timing_0', buffers: 4096, primBytes: 40 });
  t.match(config, { common: 0, monThrottle: 0, trigger: undefined, skewTicks: undefined });
  t.strictSame(config.mebs, []);
  t.strictSame(config.reserved, Array(8).fill(0));
  t.strictSame(config.notes, []);
  t.strictSame(config.contributors, [0, 3]);
});

t.test('scenarios are configurations', needsShared('data', 'teb'), async (t) => {
  for (const name of [...scenarioNames('scn'), ...scenarioNames('arr.jsonl')]) {
    t.doesNotThrow(() => readConfig(new Scenario(name).configFile), name);
  }
});

t.test('what is wrong is refused, with its place', async (t) => {
  const wrong: [object, string | undefined, RegExp][] = [
    [{ common: 2 }, 'drps', /no contributing source in the common group 2/],
    [{ drps: [] }, 'drps', /common group/],
    [{ common: 8 }, 'common', /from 0 to 7/],
    [{ drps: [{ id: 64, rog: 0 }] }, 'drps[0].id', /is 64 .* from 0 to 63/],
    [{ drps: [{ id: 0, rog: 9 }] }, 'drps[0].rog', /from 0 to 7/],
    [{ drps: [{ id: 0 }] }, 'drps[0].rog', /missing/],
    [{ drps: [...DRPS, { id: 3, alias: 'x', rog: 1 }] }, 'drps[2].id', /3 is there twice/],
    [{ drps: [...DRPS, { id: 4, alias: 'andor_0', rog: 1 }] }, 'drps[2].alias', /"andor_0" is there twice/],
    [{ drps: 'all' }, 'drps', /should be a list/],
    [{ mebs: [{ id: 4, buffers: 1 }] }, 'mebs[0].id', /from 0 to 3/],
    [
      {
        mebs: [
          { id: 0, buffers: 1 },
          { id: 0, buffers: 1, alias: 'b' },
        ],
      },
      'mebs[1].id',
      /twice/,
    ],
    [{ mebs: [{ id: 0 }] }, 'mebs[0].buffers', /missing/],
    [{ rogRsrvdBuf: { 9: 1 } }, 'rogRsrvdBuf', /"9", which is no readout group/],
    [{ rogRsrvdBuf: { 1: -1 } }, 'rogRsrvdBuf.1', /is -1/],
    [{ trigger: { kind: 'magic' } }, 'trigger.kind', /"magic"/],
    [{ trigger: { kind: 'value', persistValue: 1 } }, 'trigger.monitorValue', /missing/],
    [{ trigger: { kind: 'script' } }, 'trigger.script', /missing/],
    [{ trigger_body: { buildDets: 7 } }, 'trigger_body.buildDets', /aliases/],
    [{ options: { skew_ticks: -5 } }, 'options.skew_ticks', /is -5/],
  ];
  for (const [document, key, message] of wrong) {
    t.throws(
      () => parse(document),
      { code: 'usage', message, place: { file: '/data/cfg.json', key } },
      JSON.stringify(document),
    );
  }
  t.throws(() => parseConfig('{"drps":', 'c.json'), { code: 'usage', message: /no JSON/, place: { file: 'c.json' } });
  t.throws(() => parseConfig('[]', 'c.json'), { code: 'usage', message: /a list and should be an object/ });
  t.throws(() => readConfig('/no/such/file'), { code: 'unreadable-input' });
});

t.test("the configuration database's object: exact list of detectors, flat reservations, notes (D5)", async (t) => {
  const trigger_body = {
    soname: 'libtmoTeb.so',
    prescale: 1000,
    persistValue: 7,
    monitorValue: 9,
    buildAll: 0,
    buildDets: 'timing_0, nobody_0',
    'rogRsrvdBuf[0]': 0,
    'rogRsrvdBuf[1]': 3,
    'rogRsrvdBuf[5]': 2,
  };
  const config = parse({ trigger_body });
  t.strictSame(config.contributors, [0]);
  t.strictSame(config.reserved, [0, 3, 0, 0, 0, 2, 0, 0]);
  t.strictSame(config.trigger, { kind: 'value', persistValue: 7, monitorValue: 9 });
  t.match(config.notes, [/"soname"/, /"prescale"/, /"nobody_0"/, /group 5, which has no sources/]);
  t.strictSame(parse({ trigger_body: { ...trigger_body, buildAll: 1 } }).contributors, [0, 3]);
  t.throws(() => parse({ trigger_body: { buildDets: '---' } }), /common group/);
  t.throws(() => parse({ trigger_body: { buildDets: 'timing' } }), /common group/, 'part of an alias is not an alias');
  const script = parse({ trigger_body: { pythonScript: 'sub/trigger.py', persistValue: 1 } });
  t.strictSame(script.trigger, { kind: 'script', script: '/data/sub/trigger.py' });
});

t.test('the command line says instead', async (t) => {
  const config = parse({ mebs: [{ id: 0, buffers: 8 }], rogRsrvdBuf: [0, 3] });
  t.equal(withOverrides(config, {}).mebs[0]!.buffers, 8);
  const other = withOverrides(config, {
    meb: ['2:4:ami', '1:16'],
    reserve: ['1:5', '4:1'],
    monThrottle: 10,
    skewTicks: 0,
  });
  t.strictSame(other.mebs, [
    { id: 1, alias: 'meb1', buffers: 16 },
    { id: 2, alias: 'ami', buffers: 4 },
  ]);
  t.strictSame(other.reserved, [0, 5, 0, 0, 1, 0, 0, 0]);
  t.match(other, { monThrottle: 10, skewTicks: 0 });
  t.match(other.notes, [/group 4/]);
  for (const meb of [['4:1'], ['1'], ['x:1'], ['1:1', '1:2'], ['1:1:a', '2:1:a']]) {
    t.throws(() => withOverrides(config, { meb }), { code: 'usage', message: /--meb/ });
  }
  for (const reserve of [['8:1'], ['1'], ['1:-1']]) {
    t.throws(() => withOverrides(config, { reserve }), { code: 'usage', message: /--reserve/ });
  }
});

t.test('a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trigger-config-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'c.json');
  writeFileSync(file, JSON.stringify({ drps: DRPS, trigger: { kind: 'script', script: 'a.py' } }));
  t.strictSame(readConfig(file).trigger, { kind: 'script', script: join(folder, 'a.py') });
});
