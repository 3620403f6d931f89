/** Whole pictures by their text: what is drawn how, and at every size. */

import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import t from 'tap';
import type { CompiledGraph } from '../../../lib/graph/compile/compiled.ts';
import { frameOf } from '../../../lib/graph/plot/frame.ts';
import { Gallery } from '../../../lib/graph/plot/gallery.ts';
import type { HeartbeatRecord } from '../../../lib/graph/run/global-side.ts';
import { type Value, vector } from '../../../lib/graph/value.ts';

const plain = new Chalk({ level: 0 });
const NODES = [
  { id: 'hist', op: 'Binning', parameters: { bins: 4, range: [0, 8] } },
  { id: 'steps', op: 'MeanVsScan', parameters: {} },
  { id: 'fly', op: 'MeanVsScan', parameters: { binned: true, bins: 4, range: [-2, 2] } },
  { id: 'both', op: 'Binning2D', parameters: { xrange: [0, 1], yrange: [5, 9] } },
];

function record(
  heartbeat: number,
  outputs: Record<string, Value>,
  change: Partial<HeartbeatRecord> = {},
): HeartbeatRecord {
  const usual = { dealt: 5, included: 5, late: 0, missing: [], closed: 'complete' as const, errors: new Map() };
  return { heartbeat, ...usual, outputs: new Map(Object.entries(outputs)), ...change };
}

/** The scene after these records. */
function sceneOf(...records: HeartbeatRecord[]) {
  const gallery = new Gallery(() => ({ lines: [], pages: 1 }));
  gallery.graph({ graph: { spec: { name: 'tried', nodes: NODES } } as unknown as CompiledGraph, version: 1 });
  for (const one of records) gallery.add(one);
  return gallery.scene();
}

const image = { dtype: 'uint16', shape: [8, 8], data: Uint16Array.from({ length: 64 }, (_, i) => i) };
const USUAL: Record<string, Value> = {
  'avg.mean': 4.8,
  'avg.count': 5,
  'hist.counts': vector(Float64Array.of(1, 2, 0, 1), 'int64'),
  'steps.keys': [1, 2, 4],
  'steps.mean': [10, 30, 20],
  'fly.mean': [1, undefined, 3, 4],
  'wf.mean': vector(Float64Array.from({ length: 200 }, (_, i) => Math.sin(i / 30))),
  'view.value': image,
  'names.map': new Map([
    ['on', 10],
    ['off', 5],
  ]),
  'user.text': 'hello',
};

t.test('each output is drawn as what it is', async (t) => {
  const { scalars, panes } = sceneOf(record(1, { ...USUAL, 'avg.mean': 2 }), record(2, USUAL));
  t.same(
    scalars.map(({ name, text, history }) => [name, text, history]),
    [
      ['avg.mean', '4.8', [2, 4.8]],
      ['avg.count', '5', [5, 5]],
      ['user.text', '"hello"', []],
    ],
  );
  const drawn = new Map(panes.map(({ name, picture }) => [name, picture.draw({ columns: 30, rows: 6 }, plain)]));
  t.same(
    [...drawn.keys()],
    ['hist.counts', 'steps.mean', 'fly.mean', 'wf.mean', 'view.value', 'names.map'],
    'keys are an axis',
  );
  t.equal(drawn.get('hist.counts')!.at(-1), '        └0──────────────────8', 'edges by the parameters of the node');
  t.equal(drawn.get('steps.mean')!.at(-1), '        └1───────────────────4', 'keys by the port beside it');
  t.equal(drawn.get('fly.mean')!.at(-1), '        └-1.5──────────────1.5', 'middles of bins; nothing in the empty one');
  t.equal(drawn.get('fly.mean')!.join('').match(/•/g)!.length, 3);
  t.match(drawn.get('wf.mean')![0], /[\u2801-\u28ff]/);
  t.match(drawn.get('view.value')![0], /^ {7}0│ /);
  t.same(drawn.get('names.map')!.slice(0, 2), [` on ${'█'.repeat(23)} 10`, `off ${'█'.repeat(12)} 5`]);
});

t.test('x to the right and y upwards in Binning2D, by its ranges', async (t) => {
  const counts = { dtype: 'int64', shape: [2, 2], data: Float64Array.of(9, 0, 0, 0) };
  const lines = sceneOf(record(1, { 'both.counts': counts })).panes[0]!.picture.draw({ columns: 14, rows: 3 }, plain);
  t.match(lines[0], /^ {7}9│/);
  t.match(lines[1], /^ {7}5│/);
  t.match(lines[2], /└0─+1/);
});

t.test('80 by 24: the heartbeat, scalars, panes', async (t) => {
  const bad = { missing: [1], closed: 'deadline' as const, included: 3, errors: new Map([['avg', 2]]) };
  const { lines, pages } = frameOf(sceneOf(record(7, USUAL, bad)), { columns: 80, rows: 24 }, plain);
  t.equal(pages, 1);
  t.equal(lines[0], 'tried  heartbeat 7: 3 of 5 events; missing workers 1 (deadline); node avg failed 2 times');
  t.equal(lines[1], '  avg.mean      4.8 ▅');
  t.equal(lines[3], '  user.text "hello"');
  t.match(lines[4], /^hist\.counts int64\[4\] +steps\.mean float64\[3\] +fly\.mean float64\[4\] nan 1$/);
  t.ok(lines.length <= 24);
  t.ok(lines.every((line, i) => i === 0 || line.length <= 80));
});

t.test('panes that do not fit are on further pages, and that is said', async (t) => {
  const scene = sceneOf(record(1, USUAL));
  const size = { columns: 50, rows: 12 };
  const first = frameOf(scene, size, plain);
  t.match(first.lines[0], /; plots 1 to 2 of 6$/);
  t.equal(first.pages, 3);
  t.match(frameOf(scene, size, plain, 2).lines[0], /; plots 5 to 6 of 6$/);
  t.match(frameOf(scene, size, plain, 99).lines[0], /; plots 5 to 6 of 6$/, 'beyond the last page is the last');
});

t.test('many scalars on a small screen', async (t) => {
  const scalars = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`n${i}.value`, i]));
  const { lines } = frameOf(sceneOf(record(1, scalars)), { columns: 40, rows: 10 }, plain);
  t.equal(lines.length, 10);
  t.equal(lines.at(-1), '  and 32 more');
});

t.test('no size is too small, and none too large', async (t) => {
  const scene = sceneOf(record(1, USUAL));
  for (const columns of [1, 5, 9, 10, 20, 33, 80, 300])
    for (const rows of [1, 2, 3, 5, 8, 24, 100]) {
      const { lines } = frameOf(scene, { columns, rows }, plain);
      t.ok(lines.length <= rows, `${columns} x ${rows}`);
    }
  t.match(frameOf(sceneOf(), { columns: 80, rows: 24 }, plain).lines, [/no heartbeat yet/]);
});

t.test('colours change nothing but colours', async (t) => {
  const scene = sceneOf(record(1, { ...USUAL, 'view.value': 1 }));
  const coloured = frameOf(scene, { columns: 80, rows: 24 }, new Chalk({ level: 3 })).lines;
  t.ok(coloured.some((line) => line.includes('\x1b[')));
  t.same(
    coloured.map((line) => stripVTControlCharacters(line).trimEnd()),
    frameOf(scene, { columns: 80, rows: 24 }, plain).lines.map((line) => line.trimEnd()),
  );
});

t.test('a trend forgets what is long ago, and outputs that are gone', async (t) => {
  const gallery = new Gallery(() => ({ lines: [], pages: 1 }));
  for (let i = 0; i < 5000; i++) gallery.add(record(i, { 'a.b': i }));
  const { history } = gallery.scene().scalars[0]!;
  t.ok(history.length <= 1024);
  t.equal(history.at(-1), 4999);
  gallery.add(record(5000, {}));
  gallery.add(record(5001, { 'a.b': 1 }));
  t.same(gallery.scene().scalars[0]!.history, [1]);
});
