import t from 'tap';
import { SC } from '../../lib/timing/machine.ts';
import type { Group, Partition, Select } from '../../lib/timing/partition.ts';
import { makePlan } from '../../lib/timing/pulse/plan.ts';
import { findSources } from '../../lib/timing/pulse/source.ts';
import { crossCheck } from '../../lib/timing/rule/cross-check.ts';
import { finish } from '../../lib/timing/steps.ts';
import { validate } from '../../lib/timing/validate.ts';

const fixed = (interval: number): Select => ({ kind: 'fixed', label: `${interval}`, interval });

function partitionOf(selects: Record<number, Select>, extra: Partial<Partition> = {}): Partition {
  const groups = Object.entries(selects).map(
    ([g, select]): Group => ({ index: Number(g), select, destinations: null, detectors: [] }),
  );
  return {
    machine: SC,
    common: 0,
    autoCommon: false,
    groups,
    programs: new Map(),
    engines: 8,
    codes: new Map(),
    beam: { kind: 'unknown' },
    inhibits: new Map(),
    maxPeriods: 1000,
    transient: 'auto',
    warnings: [],
    ...extra,
  };
}

t.test('markers: violations are the table of timing 1.5', async (t) => {
  const intervals = [910000, 91000, 9100, 910, 91, 13, 1, 26];
  for (const common of intervals) {
    for (const other of intervals) {
      const verdict = validate(partitionOf({ 0: fixed(common), 1: fixed(other) }));
      const lcm = (a: number, b: number): number => (b === 0 ? a : lcm(b, a % b));
      const both = 910000 / ((common * other) / lcm(common, other));
      t.equal(verdict.violations.steady.groups[1]?.certain, 910000 / other - both, `${other} under ${common}`);
    }
  }
});

t.test(
  'a 10 kHz group under 35 kHz loses every second pulse, the first at bucket 91, and the hint says what helps',
  async (t) => {
    const verdict = validate(partitionOf({ 0: fixed(26), 1: fixed(91) }));
    t.equal(verdict.violations.steady.first, 91);
    t.match(verdict.hints.join('\n'), /every 2nd pulse is outside/);
    t.match(verdict.hints.join('\n'), /10kHz is the slowest marker/);
  },
);

t.test('a contradiction between counting and closed form is never an answer (timing 14.3)', async (t) => {
  const partition = partitionOf(
    { 0: fixed(13), 1: fixed(91), 2: { kind: 'code', code: 40 } },
    { codes: new Map([[40, [{ period: 28, start: 3, step: 1, count: 2 }]]]) },
  );
  const plan = makePlan(partition, finish(findSources(partition)));
  const verdict = validate(partition);
  t.ok(crossCheck(plan, verdict) > 5);
  const coinc = { ...verdict.coinc, steady: verdict.coinc.steady.with(1, 4711) };
  t.throws(() => crossCheck(plan, { ...verdict, coinc }), { code: 'cross-check', message: /4711/ });
  const first = verdict.groups[1];
  if (first) {
    const groups = { ...verdict.groups, 1: { ...first, steady: { ...first.steady, sum: 9999 } } };
    t.throws(() => crossCheck(plan, { ...verdict, groups }), { code: 'cross-check', message: /sum of group 1/ });
  }
});

t.test('the period limit makes a clean result unproved (timing 13.1)', async (t) => {
  const loop = { words: [2147483649, 1074135057, 3221225472, 0], start: 0 };
  const codes: Record<number, Select> = { 0: { kind: 'code', code: 256 }, 1: { kind: 'code', code: 256 } };
  const programs = new Map([[0, loop]]);
  t.equal(validate(partitionOf(codes, { programs })).verdict, 'OK');
  t.equal(validate(partitionOf(codes, { programs, maxPeriods: 17 })).verdict, 'UNPROVED');
});

t.test('lint findings (timing 14.4)', async (t) => {
  const codesOf = (partition: Partition): string[] => validate(partition).warnings.map((warning) => warning.code);
  const one = (group: Partial<Group>) =>
    partitionOf({}, { groups: [{ index: 0, select: fixed(1), destinations: null, detectors: [], ...group }] });
  const program = (words: number[]) => partitionOf({ 0: fixed(1) }, { programs: new Map([[0, { words, start: 0 }]]) });
  const sync = (marker: number, occurrences: number) => 0x40000000 + marker * 65536 + occurrences;
  const cases: [string, Partition][] = [
    ['l0delay-range', one({ l0Delay: 100 })],
    ['keepraw-range', one({ keepRawRate: 0.5 })],
    ['code-out-of-range', one({ select: { kind: 'code', code: 300 } })],
    ['common-never-fires', one({ select: { kind: 'code', code: 300 } })],
    ['marker-undefined', one({ select: { kind: 'undefinedMarker', index: 8 } })],
    ['ac-slots-empty', one({ select: { kind: 'mains', rate: SC.mains[5] as (typeof SC.mains)[number], slots: [] } })],
    ['code-without-source', partitionOf({ 0: fixed(1), 1: { kind: 'code', code: 40 } })],
    ['code-map-old', partitionOf({ 0: fixed(1), 1: { kind: 'code', code: 272 } }, { engines: 4 })],
    [
      'common-stricter-inhibit',
      partitionOf({ 0: fixed(1), 1: fixed(13) }, { inhibits: new Map([[0, [{ interval: 5, limit: 1 }]]]) }),
    ],
    [
      'inhibit-interval-1',
      partitionOf({ 0: fixed(1), 1: fixed(13) }, { inhibits: new Map([[1, [{ interval: 1, limit: 1 }]]]) }),
    ],
    ['free-running', program([0x80000001, sync(6, 28), 0])],
    ['finite', program([0x80000001, sync(0, 1), 2])],
    ['checkpoint-ignored', program([0x20000000, sync(0, 1), 0])],
    ['call-ignored', program([0xa0000000, sync(0, 1), 0])],
    ['mixed-sync', program([sync(0, 1), 0x60000001, 0])],
    ['counter-shared', program([sync(0, 1), sync(6, 9), 0x01002001, 0x01003000, 0])],
    ['instruction-budget', program([sync(0, 1), ...Array.from({ length: 20 }, () => 0x80000001), 0])],
    ['stale-markers', program([sync(0, 100), 0])],
    [
      'forcereset-start',
      partitionOf({ 0: fixed(1) }, { programs: new Map([[0, { words: [sync(6, 28), 0], start: 'any' as const }]]) }),
    ],
  ];
  for (const [code, partition] of cases) t.ok(codesOf(partition).includes(code), code);
  const quiet = codesOf(program([sync(0, 1), 0x80000001, 0]));
  t.same(quiet, [], 'a program that waits for the slow marker has nothing to complain about');
});
