/** Messages of constants and which run gets which set: docs/calib.md, and spec calib-pub.md, section 4. */

import t from 'tap';
import { Arrivals } from '../../lib/drp/constants/arrivals.ts';
import { type Announcement, readAnnouncement } from '../../lib/drp/constants/header.ts';
import { placeSet } from '../../lib/drp/constants/set-file.ts';
import { Random } from '../random.ts';
import { floats, framesOf } from './publisher.ts';

const SET = {
  run: 7,
  seq: 3,
  detectors: {
    epix: { pedestals: floats([1, 2, 3, 4, 5, 6], [2, 3]), geometry: { bytes: Buffer.from('QUAD 1\n') } },
    opal: {},
  },
};

t.test('a message says what it announces', (t) => {
  const announced = readAnnouncement(framesOf(SET));
  t.match(announced, { origin: '0123456789abcdef', seq: 3, exp: 'tst1', run: 7, stale: false, segment: undefined });
  t.same(
    announced.contents.map(({ name, blob, bytes }) => [name, blob, bytes]),
    [
      ['epix pedestals', 0, 24],
      ['epix geometry', 1, 7],
    ],
  );
  t.equal(readAnnouncement(framesOf({ ...SET, exp: null, run: 0 })).exp, undefined);
  const later = framesOf(SET, (header) => {
    header.news = 1;
    const { epix } = header.detectors as { epix: { constants: Record<string, unknown> } };
    epix.constants.tree = { kind: 'of a later version' };
  });
  t.equal(readAnnouncement(later).contents.length, 2, 'what a later version adds is passed over');
  t.end();
});

type Header = Record<string, unknown> & {
  detectors: Record<string, { constants: Record<string, Record<string, unknown>> }>;
};
const pedestals = (header: Record<string, unknown>) => (header as Header).detectors.epix!.constants.pedestals!;
const wrong: [string, (header: Record<string, unknown>) => void, RegExp][] = [
  ['version', (h) => Object.assign(h, { v: 2 }), /version 2 of the header; this program reads version 1/],
  ['no hash', (h) => Object.assign(h, { hash: 'x' }), /no hash/],
  ['no run', (h) => Object.assign(h, { run: -1 }), /seq, exp and run/],
  ['no detectors', (h) => Object.assign(h, { detectors: [] }), /detectors is no object/],
  ['shape', (h) => Object.assign(pedestals(h), { shape: [2, 4] }), /shape \[2,4\] of <f4 needs 32 bytes and has 24/],
  ['overflow', (h) => Object.assign(pedestals(h), { shape: [2 ** 52, 2 ** 52] }), /needs/],
  ['dtype', (h) => Object.assign(pedestals(h), { dtype: '|O' }), /dtype/],
  [
    'bytes',
    (h) => Object.assign(pedestals(h), { bytes: 20, shape: [5] }),
    /20 bytes in the header and 24 in the message/,
  ],
  ['blob', (h) => Object.assign(pedestals(h), { blob: 9 }), /none in the message/],
  ['segment', (h) => Object.assign(h, { shm: { name: '/../etc/passwd', bytes: 9 } }), /no name of a shared segment/],
  ['segment', (h) => Object.assign(h, { shm: { name: '/x', bytes: 9 } }), /does not lie in its segment/],
];
for (const [name, change, words] of wrong) {
  t.test(`refused: wrong ${name}`, (t) => {
    t.throws(() => readAnnouncement(framesOf(SET, change)), { code: 'bad-constants', message: words });
    t.end();
  });
}

t.test('garbage is refused with a sentence, never believed', (t) => {
  const random = new Random(4);
  const good = framesOf(SET);
  let refused = 0;
  const odd: string[] = [];
  for (let i = 0; i < 2000; i++) {
    const frames = good.map((frame) => Buffer.from(frame)).slice(0, 1 + random.below(4));
    const frame = frames[random.below(frames.length)]!;
    for (let k = 0; k <= random.below(3); k++) frame[random.below(frame.length)] = random.below(256);
    try {
      const { contents } = readAnnouncement(frames);
      odd.push(...contents.filter(({ blob, bytes }) => frames[2 + blob!]?.length !== bytes).map(({ name }) => name));
    } catch (error) {
      refused++;
      if ((error as { code?: string }).code !== 'bad-constants') odd.push(JSON.stringify((error as Error).message));
    }
  }
  t.same(odd, []);
  t.ok(refused > 500, `${refused} of 2000 refused`);
  t.end();
});

t.test('contents are compared with their sha256', async (t) => {
  const frames = framesOf(SET);
  const announced = readAnnouncement(frames);
  frames[2]![3]! ^= 1;
  await t.rejects(placeSet(announced, frames), { code: 'bad-constants', message: /epix pedestals: .*sha256/ });
});

const announcement = (more: Partial<Announcement>): Announcement => ({
  origin: 'a',
  seq: 1,
  exp: 'tst1',
  run: 1,
  stale: false,
  hash: 'h',
  segment: undefined,
  contents: [],
  ...more,
});

t.test('repeats: the same publisher sends again, or it was started again inside a run', (t) => {
  const arrivals = new Arrivals<Announcement>();
  const repeat = (more: Partial<Announcement>) => {
    const announced = announcement(more);
    const known = arrivals.isRepeat(announced);
    if (!known) arrivals.add(announced);
    return known;
  };
  t.notOk(arrivals.isRepeat(announcement({ seq: 4 })));
  t.notOk(repeat({ seq: 4 }), 'the one before could not be used');
  t.ok(repeat({ seq: 4 }));
  t.ok(repeat({ seq: 3, run: 9 }), 'an old number');
  t.notOk(repeat({ seq: 5 }), 'the same constants for the same run on purpose');
  t.ok(repeat({ origin: 'b', seq: 1 }), 'another process, the same run and constants');
  t.ok(repeat({ origin: 'b', seq: 1 }), 'whose numbers count from then on');
  t.notOk(repeat({ origin: 'b', seq: 2, run: 2 }));
  t.notOk(repeat({ origin: 'c', seq: 1, run: 2, hash: 'other' }), 'started again with other constants');
  t.notOk(repeat({ origin: 'd', seq: 1, run: 2, hash: 'other', exp: undefined }), 'without experiment nobody knows');
  t.end();
});

t.test('a run gets the newest set of its own number and experiment', (t) => {
  const arrivals = new Arrivals<Announcement>();
  const add = (more: Partial<Announcement>) => arrivals.add(announcement(more));
  const take = (run: number | undefined, exp: string | undefined = 'tst1') => {
    const taken = arrivals.take({ run, exp });
    return taken && [taken.set.seq, taken.passed.map(({ seq }) => seq)];
  };
  t.equal(take(1), undefined);
  add({ seq: 1, run: 1 });
  add({ seq: 2, run: 2 });
  add({ seq: 3, run: 3, exp: 'other' });
  t.same(take(2), [2, [1]]);
  t.equal(take(1), undefined, 'that one is gone');
  t.same(take(2), [2, []], 'the same run again');
  t.equal(take(3), undefined, 'another experiment');
  add({ seq: 4, run: 2 });
  t.same(take(2), [4, [2, 3]]);
  add({ seq: 5, run: 8 });
  t.same(take(undefined, undefined), [5, [4]], 'a stream without run numbers');
  t.end();
});

t.test('sets that nobody asks for do not pile up, and the one in use stays', (t) => {
  const arrivals = new Arrivals<Announcement>();
  const dropped: number[] = [];
  arrivals.add(announcement({ seq: 1 }));
  arrivals.take({ run: 1, exp: undefined });
  for (let seq = 2; seq <= 20; seq++)
    dropped.push(...arrivals.add(announcement({ seq, run: seq })).map((set) => set.seq));
  t.same(dropped, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  t.same(
    arrivals.clear().map(({ seq }) => seq),
    [1, 13, 14, 15, 16, 17, 18, 19, 20],
  );
  t.end();
});
