import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Contents } from '../../lib/show/contents.ts';
import { FindingLog, findingLine } from '../../lib/show/findings.ts';
import { Hex } from '../../lib/show/hex.ts';
import { dgramLine, lineTitles } from '../../lib/show/line.ts';
import { namesLines } from '../../lib/show/names-table.ts';
import { Stats } from '../../lib/show/stats.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import type { Finding } from '../../lib/xtc/finding.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { frame } from '../fuzz/frame.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';
import {
  CONFIGURE,
  DATA,
  data,
  dgram,
  names,
  PARENT,
  type RawField,
  shapes,
  shapesData,
  u32,
  xtc,
} from '../xtc/raw.ts';

const fields: RawField[] = [
  { name: 'n', type: 1 },
  { name: 'gain:Gain', type: 11 },
  { name: 'High:Gain', type: 12 },
  { name: 'text', type: 10, rank: 1 },
  { name: 'image', type: 8, rank: 2 },
];
const floats = Buffer.alloc(32);
for (let i = 0; i < 8; i++) floats.writeFloatLE(i / 10, 4 * i);
const values = data(Buffer.from([5, 0]), u32(3, 3), Buffer.from('a "b"\0\0\0'), floats);
const block = shapesData([shapes([8], [2, 4]), values], 0x10b, 0x20);
const configure = dgram(
  { service: CONFIGURE, sec: 0x385c2eb7, env: 0x02020009 },
  names(fields, { id: 0x10b, det: 'hsd', segment: 2 }),
  block,
);

function contents(bytes: Buffer, wants = () => true): string[] {
  const walker = new Walker();
  const view = new Contents(walker, { head: 3, names: true, wants });
  const one = new Dgram(bytes);
  view.begin(one);
  walker.walk(one, view.visitor, view.report);
  return view.end();
}

t.test('one aligned line per dgram', async (t) => {
  t.equal(
    lineTitles(),
    '   index        offset  transition    time (UTC)                     groups             size  damage',
  );
  t.equal(
    dgramLine(new Dgram(configure), 'epics'),
    '       0             0  Configure     2019-12-19 01:02:47.000000000  0 3                3818  -',
  );
  const damaged = dgram({ damage: 0x5021, env: 0x0c00ffff, nsec: 0xffffffff });
  t.equal(
    dgramLine(new Dgram(damaged), 'unix'),
    '       0             0  L1Accept      1970-01-01 00:00:01.4294967295  0-15                 24  Truncated,MissingData,User5',
  );
});

t.test('-d: descriptions, values and faults in their place', async (t) => {
  t.same(contents(configure), [
    '  names hsd_2 raw 1.2.3 (0x10b), type type, id -',
    '    n          UINT16',
    '    gain:Gain  ENUMVAL',
    '    High:Gain  ENUMDICT',
    '    text       CHARSTR[x]',
    '    image      FLOAT[xx]',
    '  damage on ShapesData of hsd_2 raw 1.2.3 (0x10b): MissingData',
    '  hsd_2 raw 1.2.3 (0x10b)',
    '    n          UINT16      5',
    '    gain:Gain  ENUMVAL     3 High',
    '    High:Gain  ENUMDICT    3',
    '    text       CHARSTR[8]  "a \\"b\\""',
    '    image      FLOAT[2,4]  0 0.1 0.2 ...',
  ]);
  t.same(contents(dgram({}, xtc(PARENT, Buffer.alloc(3), { src: 0x10000004, damage: 0x20 }))), [
    '  contributor 4 Event, 15 bytes, MissingData',
    '  ! child-tail at 36: 3 bytes left in a container',
  ]);
  t.same(
    contents(configure, () => false),
    ['  damage on ShapesData of hsd_2 raw 1.2.3 (0x10b): MissingData'],
  );
});

t.test('-d: impossible ranks and a hundred thousand fields are shown, not fatal', async (t) => {
  t.ok(
    contents(dgram({ service: CONFIGURE }, names([{ name: 'x', type: 0, rank: 0xffffffff }]))).includes(
      '    x  UINT8[rank 4294967295]',
    ),
  );
  const record = names([{ name: 'x', type: 0 }]).subarray(12 + 1036);
  const many = Buffer.concat([names([]).subarray(12), ...Array<Buffer>(130_000).fill(record)]);
  t.equal(contents(dgram({ service: CONFIGURE }, xtc(4, many))).length, 130_001);
});

t.test('-x: every byte of headers and fields with its place and meaning', async (t) => {
  const walker = new Walker();
  const view = new Hex(walker, 'epics');
  const bytes = dgram({ service: CONFIGURE }, names([{ name: 'n', type: 1 }]), shapesData([data(Buffer.from([5, 0]))]));
  const one = new Dgram(bytes);
  one.offset = 1000;
  view.begin(one);
  walker.walk(one, view.visitor);
  t.same(view.end(), [
    '          1000  00 00 00 00 01 00 00 00                          time 1990-01-01 00:00:01.000000000',
    '          1008  00 00 00 02                                      env: Configure, groups -',
    '          1012  00 00 00 00 00 00 00 00 4a 06 00 00              root: src 0:0, damage -, type Parent, extent 1610',
    '          1024  00 01 00 00 00 00 04 00 24 06 00 00              Names det_0 raw: names id 0x100, damage -, type Names, extent 1572',
    '          1036  00 00 00 00 74 79 70 65 00 00 00 00 00 00 00 00  description: det_0 raw 1.2.3, 1 fields',
    '          1052  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
    '                ... 1528 more bytes',
    '          2596  00 01 00 00 00 00 01 00 1a 00 00 00              ShapesData det_0 raw: names id 0x100, damage -, type ShapesData, extent 26',
    '          2608  00 00 00 00 00 00 03 00 0e 00 00 00              Data: src 0:0, damage -, type Data, extent 14',
    '          2620  05 00                                            n UINT16 = 5',
  ]);
});

t.test('--stats: counts, damage of every level, steps', async (t) => {
  const walker = new Walker();
  const stats = new Stats();
  const event = (sec: number, damage = 0) =>
    dgram({ sec, damage }, block, shapesData([xtc(DATA, values.subarray(12), { damage: 1 })], 0x10b));
  const stream = [
    configure,
    dgram({ service: 6 }),
    event(1),
    event(2, 8 + 0x1000),
    dgram({ service: 7 }),
    dgram({ service: 6 }),
    event(5),
    dgram({ service: 7 }),
    event(6),
  ];
  for (const [index, bytes] of stream.entries()) {
    const one = new Dgram(bytes);
    one.index = index;
    stats.begin(one);
    walker.walk(one, stats.visitor);
  }
  const document = stats.document();
  t.match(document, {
    dgrams: 9,
    steps: [
      { events: 2, damaged: 1 },
      { events: 1, damaged: 0 },
    ],
  });
  const l1 = document.transitions.find(({ transition }) => transition === 'L1Accept');
  t.match(l1, { count: 4, rate: 0.6, maxGap: 3, maxGapAt: 6 });
  t.same(document.damage, [
    { where: 'ShapesData of hsd_2 raw', counts: { MissingData: 4 } },
    { where: 'Data of hsd_2 raw', counts: { Truncated: 3 } },
    { where: 'root', counts: { Corrupted: 1, User1: 1 } },
  ]);
  t.ok(
    stats.lines('epics').some((line) => /^hsd_2 +raw +7 /.test(line)),
    'one in Configure, two each in three events',
  );
});

t.test('--stats of fifty thousand steps takes linear time', async (t) => {
  const stats = new Stats();
  for (let i = 0; i < 50_000; i++) stats.begin(new Dgram(dgram({ service: 6 })));
  t.ok(stats.lines('epics').length > 50_000);
});

t.test('--names: one line per detector, segment and algorithm', async (t) => {
  const walker = new Walker();
  walker.walk(new Dgram(configure), {});
  t.same(namesLines([...walker.table]), [
    'detector  segment  alg  version  type  id  names id  fields  first fields',
    'hsd             2  raw  1.2.3    type  -   0x10b          5  n:UINT16 gain:Gain:ENUMVAL text:CHARSTR[1] image:FLOAT[2]',
  ]);
});

t.test('faults: the first of each kind and a count of the rest, worst told apart', async (t) => {
  const log = new FindingLog(2);
  const finding: Finding = { code: 'unknown-namesid', severity: 'error', index: 1, offset: 9, detail: 'what' };
  for (let offset = 5; offset > 0; offset--) log.add({ ...finding, offset });
  log.add({ ...finding, code: 'over-reference-limit', severity: 'info' });
  t.same([log.errors, log.warnings], [5, 0]);
  t.same(log.lines(false), [
    'error unknown-namesid: dgram 1, offset 4: what',
    'error unknown-namesid: dgram 1, offset 5: what',
    'unknown-namesid: 3 more',
  ]);
  t.match(findingLine({ ...finding, code: 'bad-extent', resume: 77 }), /a plausible dgram follows at 77/);
});

t.test('every view shows every sample and every damaged file', needsShared('data', 'xtc2'), async (t) => {
  const root = join(SHARED, 'data', 'xtc2');
  for (const name of filesBelow(root, '.xtc2')) {
    const walkers = [new Walker(), new Walker({ corrupted: true }), new Walker()] as const;
    const view = new Contents(walkers[0], { head: 3, names: true, wants: () => true });
    const hex = new Hex(walkers[1], 'epics');
    const stats = new Stats();
    let lines = 0;
    frame(readFileSync(join(root, name)), { resync: true }, (one) => {
      view.begin(one);
      walkers[0].walk(one, view.visitor, view.report);
      hex.begin(one);
      walkers[1].walk(one, hex.visitor);
      stats.begin(one);
      walkers[2].walk(one, stats.visitor);
      lines += view.end().length + hex.end().length;
    });
    t.ok(lines > 0 || stats.document().dgrams === 0, name);
    t.ok(stats.lines('unix').length > 0);
  }
});
