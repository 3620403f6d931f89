/** Rules: `value:P,M`, `all`, `none`, expressions over primitives (spec teb.md, 4). */

import t from 'tap';
import { makeDecider } from '../../../lib/trigger/decide/make.ts';
import type { Decider, DeciderSetup } from '../../../lib/trigger/decide/types.ts';
import { needsShared } from '../../golden.ts';
import { Scenario } from '../scenarios.ts';
import { decideEvents, type EventRecords, event, eventsOf, LIMITS, SETUP, setupOf, tmo, tprm } from './deciding.ts';

const ALL = 2 | (15 << 2);

async function rule(text: string, monitorRule?: string, setup: DeciderSetup = SETUP): Promise<Decider> {
  const decider = await makeDecider(setup, { kind: 'rule', rule: text, monitorRule }, LIMITS, () => {});
  await decider.configure({});
  return decider;
}

const decisions = async (text: string, events: readonly EventRecords[], monitorRule?: string) =>
  (await decideEvents(await rule(text, monitorRule), events, 7)).data;

t.test('all, none, value', async (t) => {
  const events = [
    event(1, { 0: tmo(7, 9), 1: tmo(0, 0) }),
    event(2, { 0: tmo(0, 9), 2: tmo(0, 7) }),
    event(3, { 0: tmo(7) }),
    event(4, {}),
  ];
  t.same(await decisions('all', events), [ALL, ALL, ALL, ALL]);
  t.same(await decisions('none', events), [0, 0, 0, 0]);
  t.same(await decisions('value:7,9', events), [ALL, ALL & ~2, 2, 0]);
  t.same(await decisions('value:0xdeadbeef,0', [event(1, { 0: tmo(0xdeadbeef, 1) })]), [2]);
});

t.test('the scenarios of the value trigger', needsShared('data', 'teb'), async (t) => {
  for (const name of ['one_common', 'prescale', 'drop_second_common', 'two_common_two_slow_1hz']) {
    const scenario = new Scenario(name);
    const { persistValue, monitorValue } = (scenario.config as unknown as { trigger: Record<string, number> }).trigger;
    const decider = await rule(`value:${persistValue},${monitorValue}`, undefined, setupOf(scenario));
    const { data } = await decideEvents(decider, eventsOf(scenario));
    const expected = scenario.expected().filter(({ svc, bypass }) => svc === 12 && bypass === 0);
    t.same(
      data.map((word) => (word >> 1) & 1),
      expected.map(({ persist }) => persist),
      name,
    );
  }
});

t.test('expressions: fields of primitives, keys, what belongs to the event', async (t) => {
  const codes = Buffer.alloc(40);
  codes[0] = 0x83;
  codes.writeUInt32LE(1 << 30, 4);
  const setup = { ...SETUP, drps: SETUP.drps.map((drp) => ({ ...drp, kind: undefined })) };
  const one = event(5000, { 0: codes, 1: tprm({ n: 4, deep: { x: 2 }, name: 'a', yes: true }), 2: tmo(3) }, 3);
  const evaluate = async (text: string) =>
    (await decideEvents(await rule(text, undefined, setup), [one])).data[0] === ALL;
  for (const text of [
    'andor.n > 3',
    'andor_0.n == 4 and slow_0.write < 4',
    'eventcode(30)',
    'slow',
    'group(1)',
    'pid == 5000',
    'andor.deep.x == 2',
    'andor',
    'timing.destination == 3 and timing.beam == 1',
    'andor.name == "a"',
    'andor.yes',
    'not exists(andor.m)',
    'rogs == 3',
    'andor.m > 1 or andor.n > 1',
  ]) {
    t.ok(await evaluate(text), text);
  }
  for (const text of [
    'andor.n > 4',
    'eventcode(31)',
    'andor.m > 1',
    'andor.m < 1',
    'andor.m == 1',
    'group(2)',
    'keep',
    'andor.constructor',
    'slow_0.nothing',
  ]) {
    t.notOk(await evaluate(text), text);
  }
});

t.test('prescale counts, with `or` only what nothing else has kept; it begins anew at Configure', async (t) => {
  const events = Array.from({ length: 10 }, (_, i) => event(i + 1, { 1: tprm({ n: i }) }));
  const decider = await rule('andor.n > 7 or prescale(4)');
  t.equal(decider.stateless, false);
  const wanted = [ALL, 0, 0, 0, ALL, 0, 0, 0, ALL, ALL];
  t.same((await decideEvents(decider, events, 3)).data, wanted);
  await decider.configure({});
  t.same((await decideEvents(decider, events, 10)).data, wanted);
});

t.test('a rule of its own for monitors', async (t) => {
  const events = [0, 5, 9].map((n, i) => event(i + 1, { 1: tprm({ n }) }));
  t.same(await decisions('andor.n > 3', events, 'andor.n > 7'), [0, 2, ALL]);
  t.same(await decisions('all', events, 'none'), [2, 2, 2]);
});

t.test('what is missing or bad is counted by name', async (t) => {
  const decider = await rule('andor.n > 3');
  const payloads = [tprm({ m: 1 }), tprm(Buffer.from('{')), tprm({ n: 9 }, { codec: 2 }), tprm([1]), Buffer.alloc(0)];
  const { data } = await decideEvents(decider, [
    ...payloads.map((payload, i) => event(i, { 1: payload })),
    event(9, { 0: tmo(1) }),
  ]);
  t.same(data, [0, 0, 0, 0, 0, 0]);
  t.same(decider.counts.missingKeys, { 'andor.n': 1 });
  t.same(decider.counts.primBad, { andor_0: 3 });
});

t.test('an expression that fails for an event: by policy, and the others go on', async (t) => {
  const events = [tprm({ ok: true }), tprm({ ok: 'yes' }), tprm({})].map((payload, i) => event(i, { 1: payload }));
  const decider = await rule('andor.ok');
  const { data, forced } = await decideEvents(decider, events);
  t.same(data, [ALL, 2, 0]);
  t.same(forced, [1]);
  t.equal(decider.counts.forced, 1);
});

t.test('rules that cannot be meant', async (t) => {
  for (const [text, message] of [
    ['value:1', /value:P,M/],
    ['value:1,4294967296', /32-bit/],
    ['nobody.n > 3', /no source nobody/],
    ['andor.n > 3 or nobody.n > 3', /no source nobody/],
    ['pid > 0 or nobody_0.n > 3', /no source nobody_0/],
    ['andor.n >', /--rule/],
    ['quit()', /--rule.*quit/],
    ['x'.repeat(6000), /5000 characters/],
  ] as const) {
    await t.rejects(rule(text), { name: 'UsageError', message }, text.slice(0, 40));
  }
});
