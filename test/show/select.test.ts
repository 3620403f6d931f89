import t, { type Test } from 'tap';
import { Quota, Selection, type SelectionText } from '../../lib/show/select.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { EPICS_EPOCH, type Epoch } from '../../lib/xtc/time.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, data, dgram, L1ACCEPT, names, SLOW_UPDATE, shapesData, walkAll } from '../xtc/raw.ts';

/** Numbers of the dgrams that are wanted. */
function wanted(options: SelectionText, dgrams: readonly Buffer[], epoch: Epoch = 'epics'): number[] {
  const walker = new Walker();
  const selection = new Selection(options, epoch, walker);
  return dgrams.flatMap((bytes, index) => {
    const one = new Dgram(bytes);
    const accepted = selection.accepts(one);
    walker.walk(one, {});
    return accepted ? [index] : [];
  });
}

const refuses = (t: Test, options: SelectionText, quoted: string) =>
  t.throws(() => new Selection(options, 'epics', new Walker()), {
    name: 'UsageError',
    code: 'usage',
    message: new RegExp(quoted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
  });

const l1 = (parts: Parameters<typeof dgram>[0] = {}) => dgram({ service: L1ACCEPT, ...parts });

t.test('--service: names in any letter case, joined by commas', async (t) => {
  const stream = [
    dgram({ service: CONFIGURE }),
    l1(),
    dgram({ service: SLOW_UPDATE }),
    dgram({ service: 11 }),
    dgram({ service: 14 }),
  ];
  t.same(wanted({ service: 'L1Accept' }, stream), [1]);
  t.same(wanted({ service: 'l1accept, slowupdate' }, stream), [1, 2]);
  t.same(wanted({ service: 'Unused_11,Invalid_14' }, stream), [3, 4]);
  for (const bad of ['L1', '', 'L1Accept,', 'constructor']) refuses(t, { service: bad }, `"${bad.split(',').at(-1)!}"`);
});

t.test('--groups: a mask or group numbers, any of them', async (t) => {
  const stream = [l1({ env: 0x0c000001 }), l1({ env: 0x0c000008 }), l1({ env: 0x0c008000 }), l1()];
  t.same(wanted({ groups: '0x9' }, stream), [0, 1]);
  t.same(wanted({ groups: '9' }, stream), [0, 1]);
  t.same(wanted({ groups: 'g0,g15' }, stream), [0, 2]);
  for (const bad of ['0', 'g16', 'g99', '65536', '-1', 'g', '1e3', '', 'g1,2']) refuses(t, { groups: bad }, `"${bad}"`);
});

t.test('--damage: any, flags by name, user values as numbers', async (t) => {
  const stream = [l1(), l1({ damage: 0x20 }), l1({ damage: 0x3000 }), l1({ damage: 0x1000 }), l1({ damage: 0x800 })];
  t.same(wanted({ damage: 'any' }, stream), [1, 2, 3, 4]);
  t.same(wanted({ damage: 'MissingData' }, stream), [1]);
  t.same(wanted({ damage: 'User1,User2' }, stream), [3], 'not User3');
  t.same(wanted({ damage: 'missingdata,bit11' }, stream), [1, 4]);
  for (const bad of ['Broken', 'User16', 'any,Truncated', '']) refuses(t, { damage: bad }, `"${bad.split(',')[0]!}"`);
});

t.test('--event: fraction, nanoseconds, or the 64-bit timestamp', async (t) => {
  const stream = [l1({ sec: 7, nsec: 500_000_000 }), l1({ sec: 7, nsec: 5 }), l1({ sec: 8, nsec: 0 })];
  t.same(wanted({ event: '7.5' }, stream), [0]);
  t.same(wanted({ event: '7-5' }, stream), [1]);
  t.same(wanted({ event: String((7n << 32n) | 5n) }, stream), [1]);
  for (const bad of ['x', '7,5', '7.1234567890', '4294967296.0', String(1n << 64n), '', '-1'])
    refuses(t, { event: bad }, `"${bad}"`);
});

t.test('--time: both ends belong to the range, either may be missing', async (t) => {
  const stream = [1, 2, 3].map((sec) => l1({ sec, nsec: 123_456_789 }));
  t.same(wanted({ time: '2..' }, stream), [1, 2]);
  t.same(wanted({ time: '..2' }, stream), [0]);
  t.same(wanted({ time: '..2.123456789' }, stream), [0, 1]);
  t.same(wanted({ time: '2-123456789..3.5' }, stream), [1, 2]);
  t.same(wanted({ time: '..' }, stream), [0, 1, 2]);
});

t.test('--time: UTC dates as the lines show them, to the nanosecond, in the chosen epoch', async (t) => {
  const unix = Date.UTC(2025, 2, 28, 14, 3, 20) / 1000;
  const stream = [0, 1, 2].map((nsec) => l1({ sec: unix - EPICS_EPOCH, nsec: 123_456_788 + nsec }));
  const date = '2025-03-28 14:03:20.123456789';
  t.same(wanted({ time: `${date}..${date}` }, stream), [1]);
  t.same(wanted({ time: `${date.replace(' ', 'T')}Z..` }, stream), [1, 2]);
  t.same(wanted({ time: '2025-03-28..2025-03-29' }, stream), [0, 1, 2]);
  t.same(wanted({ time: `${date}..` }, stream, 'unix'), []);
  for (const bad of [
    '5',
    'yesterday..',
    'x1..',
    '2025-02-30..',
    '2025-03-28T25:00..',
    '1980-01-01..',
    '4294967296..',
    '1.5x..',
  ]) {
    refuses(t, { time: bad }, `"${bad.replace('..', '')}"`);
  }
});

const det = (name: string, segment: number, alg: string, id: number) => ({
  names: names(
    [
      { name: 'energy', type: 0 },
      { name: 'mode:Gain', type: 11 },
    ],
    { det: name, segment, alg, id },
  ),
  data: shapesData([data(Buffer.alloc(5))], id),
});
const hsd0 = det('hsd', 0, 'raw', 0x100);
const hsd1 = det('hsd', 1, 'fex', 0x101);
const opal = det('opal', 0, 'raw', 0x102);
const recorded = [
  dgram({ service: CONFIGURE }, hsd0.names, hsd1.names, opal.names),
  l1({}),
  dgram({}, hsd0.data),
  dgram({}, hsd1.data),
  dgram({}, opal.data),
];

t.test('--detector, --alg and --field: who has it, by name, segment or pattern', async (t) => {
  t.same(wanted({ detector: 'hsd' }, recorded), [0, 2, 3]);
  t.same(wanted({ detector: 'hsd_1' }, recorded), [0, 3]);
  t.same(wanted({ detector: 'o*l,hsd_1' }, recorded), [0, 3, 4]);
  t.same(wanted({ detector: 'hsd', alg: 'raw' }, recorded), [0, 2]);
  t.same(wanted({ field: 'mode' }, recorded), [0, 2, 3, 4]);
  t.same(wanted({ detector: 'opal', field: 'en*' }, recorded), [0, 4]);
  t.same(wanted({ field: 'none' }, recorded), []);
  t.same(wanted({ detector: 'h.d' }, recorded), [], 'a dot is a dot');
});

t.test('patterns: pieces between stars in order, in linear time', async (t) => {
  const matches = (pattern: string, name: string) => {
    const walker = new Walker();
    const {
      names: [block],
    } = walkAll([dgram({ service: CONFIGURE }, names([], { det: name }))], {}, walker);
    return new Selection({ detector: pattern }, 'epics', walker).wants(block!);
  };
  for (const [pattern, name, expected] of [
    ['*', '', true],
    ['a*', 'a', true],
    ['a*a', 'a', false],
    ['a*b*c', 'axbxc', true],
    ['a*b*c', 'axcxb', false],
    ['*b*', 'abc', true],
    ['**', 'x', true],
    ['a*bc', 'abcbc', true],
    ['ab*bc', 'abc', false],
    [`${'a*'.repeat(60)}b`, 'a'.repeat(255), false],
  ] as const)
    t.equal(matches(pattern, name), expected, `${pattern.slice(0, 20)} ${name.slice(0, 20)}`);
});

t.test(
  'a look for detectors does not need the walks that were passed over: descriptions count even if refused',
  async (t) => {
    t.same(wanted({ service: 'L1Accept', detector: 'opal' }, recorded), [4]);
  },
);

t.test('--transitions keeps all that is not an event', async (t) => {
  const stream = [
    dgram({ service: CONFIGURE }),
    l1({ sec: 1 }),
    l1({ sec: 2 }),
    dgram({ service: 11, sec: 1 }),
    dgram({ service: SLOW_UPDATE }),
  ];
  t.same(wanted({ transitions: true, time: '2..' }, stream), [0, 2, 4]);
});

t.test('--skip and -n count wanted dgrams, across inputs if the quota is shared', async (t) => {
  const stream = Array.from({ length: 6 }, (_, i) => dgram({ service: i % 2 === 0 ? L1ACCEPT : SLOW_UPDATE }));
  t.same(wanted({ service: 'L1Accept', skip: 1, count: 1 }, stream), [2]);
  t.same(wanted({ count: 0 }, stream), []);
  const quota = new Quota({ skip: 5, count: 2 });
  const taken = Array.from({ length: 9 }, () => quota.take());
  t.same(
    taken.flatMap((yes, i) => (yes ? [i] : [])),
    [5, 6],
  );
  t.ok(quota.done);
  t.ok(new Quota({ count: 0 }).done);
});
