/** Values out of dgrams and out of records. */

import t from 'tap';
import type { Value } from '../../../lib/json/value.ts';
import { Board } from '../../../lib/live/view/board.ts';
import { DgramFeed } from '../../../lib/live/view/dgram-feed.ts';
import { type OfferedHere, offeredBy, usualPlots } from '../../../lib/live/view/offer.ts';
import { RecordFeed } from '../../../lib/live/view/record-feed.ts';
import type { ByteSource } from '../../../lib/stream/source.ts';
import { EPICS_EPOCH } from '../../../lib/xtc/time.ts';
import { GMD, HSD, sampleRun } from '../../stream/sample-run.ts';

/** Bytes in pieces of a size. */
function sourceOf(bytes: Buffer, piece: number): ByteSource {
  let at = 0;
  return {
    name: 'memory',
    size: undefined,
    read: (into) => {
      const got = bytes.copy(into, 0, at, Math.min(bytes.length, at + piece));
      at += got;
      return got;
    },
    skip: () => 0,
    close: () => {},
  };
}

/** A board that remembers what it was given. */
class Notes extends Board {
  readonly given: [field: string, value: Value, time: number, arrived: number][] = [];

  constructor() {
    super(10);
  }

  override add(field: string, value: Value, time: number, arrived: number): void {
    const kept = typeof value === 'object' && 'data' in value ? { ...value, data: value.data.slice() } : value;
    this.given.push([field, kept, time, arrived]);
  }
}

t.test('scalars of every event, arrays as often as there are pictures', async (t) => {
  const board = new Notes();
  const offers: (readonly OfferedHere[])[] = [];
  let clock = 0;
  const feed = new DgramFeed(sourceOf(Buffer.concat(sampleRun(100)), 1000), {
    board,
    epoch: 'unix',
    period: 200,
    // A millisecond passes whenever somebody looks.
    now: () => clock++,
    onOffer: (fields) => offers.push(fields),
  });
  feed.select(['hsd_0:raw:energy', 'hsd:raw:trace', 'gmd:fex:count', 'none:at:all', 'nonsense']);
  await feed.run();
  const of = (field: string) => board.given.filter(([name]) => name === field);
  t.same(
    of('hsd_0:raw:energy').map(([, value]) => value),
    Array.from({ length: 100 }, (_, i) => i / 2),
  );
  t.equal(of('gmd:fex:count').length, 50);
  const traces = of('hsd:raw:trace');
  t.ok(traces.length >= 1 && traces.length <= 1 + clock / 200, `${traces.length} arrays in ${clock} ms`);
  t.match(traces[0]![1], { shape: [8] });
  t.equal(of('none:at:all').length, 0);
  t.ok(Math.abs(of('hsd_0:raw:energy')[5]![2] - 1_000_000_002.000005) < 1e-6);
  t.match(feed, { read: 103, events: 100, time: '2001-09-09 01:46:42.000099000' });
  t.same(
    offers[0]?.map(({ name }) => name),
    ['hsd_0:raw:energy', 'hsd_0:raw:trace', 'gmd_3:fex:count'],
  );
  t.same(feed.words(), []);
});

t.test('times count from the epoch of the input; fields may change while it runs', async (t) => {
  const board = new Notes();
  const feed = new DgramFeed(sourceOf(Buffer.concat(sampleRun(50)), 500), {
    board,
    epoch: 'epics',
    period: 0,
    now: Date.now,
    onOffer: () => feed.select(['gmd_3:fex:count']),
  });
  await feed.run();
  t.equal(board.given.length, 25);
  t.equal(Math.floor(board.given[0]![2]), 1_000_000_002 + EPICS_EPOCH);
});

t.test('a cut stream says so', async (t) => {
  const feed = new DgramFeed(sourceOf(Buffer.concat(sampleRun(3)).subarray(0, -5), 100), {
    board: new Board(1),
    epoch: 'epics',
    period: 0,
    now: Date.now,
    onOffer: () => {},
  });
  await feed.run();
  t.match(feed.words().join(), /incomplete-header/);
});

t.test('a few of each kind are sensible, configurations and bookkeeping are not', async (t) => {
  const config = { ...HSD, alg: 'config' };
  const runinfo = { ...GMD, detName: 'runinfo' };
  t.same(usualPlots(offeredBy([config, runinfo, HSD, GMD])), [
    'hsd_0:raw:energy',
    'gmd_3:fex:count',
    'hsd_0:raw:trace',
  ]);
  t.equal(usualPlots(offeredBy(Array.from({ length: 9 }, () => HSD))).length, 5);
});

const RECORDS = [
  { heartbeat: 1, dealt: 5, outputs: { mean: 1.5, spectrum: { $array: 'float64', shape: [2], data: [1, 2] } } },
  { heartbeat: 2, dealt: 5, outputs: { mean: { $num: 'nan' }, 'b.counts': { $map: [[1, 2]] }, empty: null } },
];

t.test('records come in pieces of any size; lines that are none are counted', async (t) => {
  const lines = [JSON.stringify(RECORDS[0]), 'rubbish', '', '{"heartbeat":"x"}', 'null', JSON.stringify(RECORDS[1])];
  for (const [piece, end] of [
    [1, '\n'],
    [7, ''],
    [10_000, '\r\n'],
  ] as const) {
    const board = new Notes();
    const offers: string[][] = [];
    const feed = new RecordFeed(sourceOf(Buffer.from(lines.join('\n') + end), piece), {
      board,
      now: () => 77,
      onOffer: (fields) => offers.push(fields.map(({ name }) => name)),
    });
    await feed.run();
    t.same(board.given, [
      ['mean', 1.5, 1, 77],
      ['spectrum', { dtype: 'float64', shape: [2], data: Float64Array.of(1, 2) }, 1, 77],
      ['mean', Number.NaN, 2, 77],
      ['b.counts', new Map([[1, 2]]), 2, 77],
    ]);
    t.same(offers, [
      ['mean', 'spectrum'],
      ['mean', 'spectrum', 'b.counts'],
    ]);
    t.match(feed, { read: 5, bad: 3, events: 2, time: 'heartbeat 2', arrived: 77 });
    t.match(feed.words().join(), /^3 of 5 lines are no records; the first: .*rubbish/);
  }
});
