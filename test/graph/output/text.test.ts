/** Records for people, and what is chosen of them. */

import { Chalk } from 'chalk';
import t from 'tap';
import { Names } from '../../../lib/graph/output/names.ts';
import { joined, Standing } from '../../../lib/graph/output/standing.ts';
import { recordText, valueText } from '../../../lib/graph/output/text.ts';
import type { HeartbeatRecord } from '../../../lib/graph/run/global-side.ts';
import { type Value, vector } from '../../../lib/graph/value.ts';

const plain = new Chalk({ level: 0 });

function record(heartbeat: number, outputs: Record<string, Value>, change: Partial<HeartbeatRecord> = {}) {
  const usual = { dealt: 5, included: 5, late: 0, missing: [], closed: 'complete' as const, errors: new Map() };
  return { heartbeat, ...usual, outputs: new Map(Object.entries(outputs)), ...change } satisfies HeartbeatRecord;
}

t.test('scalars stand in one column, arrays are summarised', async (t) => {
  const long = vector(Float64Array.from({ length: 100 }, (_, i) => (i === 7 ? Number.NaN : i)));
  const sums = new Map([
    [1, 14],
    [2, 19],
  ]);
  const outputs = {
    'avg.mean': 4.714285714285714,
    'avg.count': 7,
    'hist.counts': vector(Float64Array.of(1, 2)),
    long,
    sums,
  };
  t.same(recordText(record(3, outputs), plain), [
    'heartbeat 3: 5 of 5 events',
    '  avg.mean        4.71429',
    '  avg.count             7',
    '  hist.counts  [1 2]',
    '  long         float64[100]  min 0  mean 49.9293  max 99  nan 1',
    '  sums         1: 14  2: 19',
  ]);
});

t.test('missing workers and failures are in the first line', async (t) => {
  const bad = { included: 1, late: 1, missing: [1, 3], closed: 'deadline' as const, errors: new Map([['calc', 2]]) };
  t.same(recordText(record(2, {}, bad), plain), [
    'heartbeat 2: 1 of 5 events, 1 late; missing workers 1 3 (deadline); node calc failed 2 times',
  ]);
  const coloured = recordText(record(2, {}, bad), new Chalk({ level: 1 }))[0]!;
  t.match(coloured, /\x1b\[33mmissing/);
  t.match(coloured, /\x1b\[31mnode calc/);
});

t.test('values of every kind on one line', async (t) => {
  t.equal(valueText([1, undefined, 2.5]), '[1 - 2.5]');
  t.equal(valueText(Array.from({ length: 20 }, (_, i) => i)), 'float64[20]  min 0  mean 9.5  max 19');
  t.equal(valueText(['a', 1, 'c', 2, 3, 4, 5, 6, 7]), 'a list of 9');
  t.equal(valueText('x'.repeat(100)).length, 80);
  t.equal(valueText(true), 'true');
  t.equal(valueText(Number.NaN), 'NaN');
  t.equal(valueText(1e300), '1e+300');
  t.equal(valueText(vector(new Float64Array(9).fill(Number.NaN))), 'float64[9]  nan 9');
  t.equal(valueText(vector(new Float64Array(0))), '[]');
  t.match(valueText(new Map(Array.from({ length: 20 }, (_, i) => [`k${i}`, i]))), /^20 keys {2}k0: 0 .* \.\.\.$/);
});

t.test('names: patterns, and a node for all its ports', async (t) => {
  const outputs = ['avg.mean', 'avg.count', 'hist.counts', 'average.mean'];
  const chosen = (...texts: string[]) => outputs.filter((name) => new Names(texts).has(name));
  t.same(chosen(), outputs);
  t.same(chosen('avg'), ['avg.mean', 'avg.count'], 'and not what begins with it');
  t.same(chosen('*.mean'), ['avg.mean', 'average.mean']);
  t.same(chosen('hist.counts,avg.mean', 'average'), ['avg.mean', 'hist.counts', 'average.mean']);
  t.same(chosen('avg.mea'), []);
  new Names(['avg', '*.counts']).check(outputs);
  t.throws(() => new Names(['avg', 'hits']).check(outputs), {
    code: 'usage',
    message: /no output is called hits; there are avg.mean/,
  });
});

t.test('what was not renewed stands as it was', async (t) => {
  const standing = new Standing(new Names(['a', 'b']));
  standing.with(record(1, { a: 1, b: 1, c: 1 }));
  t.same(
    [...standing.with(record(2, { b: 2 })).outputs],
    [
      ['a', 1],
      ['b', 2],
    ],
  );
  standing.keep(new Set(['b']));
  t.same([...standing.with(record(3, {})).outputs], [['b', 2]], 'another graph has no output a');
});

t.test('several records as one keep the balance', async (t) => {
  const first = record(
    1,
    { a: 1, b: 1 },
    { missing: [2], closed: 'deadline', included: 3, errors: new Map([['n', 1]]) },
  );
  const second = record(
    2,
    { b: 2 },
    { missing: [0, 2], closed: 'depth', late: 2, included: 7, errors: new Map([['n', 2]]) },
  );
  t.same(joined(joined(undefined, first), second), {
    heartbeat: 2,
    dealt: 10,
    included: 10,
    late: 2,
    missing: [0, 2],
    closed: 'depth',
    outputs: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    errors: new Map([['n', 3]]),
  });
  t.match(
    joined(first, record(2, {})),
    { missing: [2], closed: 'deadline' },
    'complete only if nobody was ever missing',
  );
});
