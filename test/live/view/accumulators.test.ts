/** Trends, histograms and small arrays against naive rules. */

import t from 'tap';
import { RecentValues } from '../../../lib/live/view/recent-values.ts';
import { envelope, smallImage } from '../../../lib/live/view/reduce.ts';
import { Trend } from '../../../lib/live/view/trend.ts';
import { Random } from '../../random.ts';

t.test('a trend holds mean, least and largest of each bucket of its window', async (t) => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const trend = new Trend(10, 20);
    let points: { number: number; value: number }[] = [];
    let x = random.below(1000) - 500;
    for (let i = 0; i < 300; i++) {
      // Mostly forward, sometimes a little back, seldom far.
      x += random.below(40) === 0 ? random.below(60) - 30 : random.below(10) / 20 - 0.05;
      const value = random.below(20) === 0 ? Number.NaN : random.below(100) - 50;
      trend.add(x, value);
      if (Number.isNaN(value)) continue;
      const number = Math.floor(x / 0.5);
      const newest = Math.max(...points.map((point) => point.number), Number.NEGATIVE_INFINITY);
      if (number <= newest - 20) points = [];
      points.push({ number, value });
      points = points.filter((point) => point.number > Math.max(newest, number) - 20 || number <= newest - 20);
    }
    const numbers = [...new Set(points.map(({ number }) => number))].sort((a, b) => a - b);
    const { x: xs, mean, low, high } = trend.points();
    t.same(
      [...xs],
      numbers.map((number) => (number + 0.5) * 0.5),
      `seed ${seed}`,
    );
    numbers.forEach((number, k) => {
      const values = points.filter((point) => point.number === number).map(({ value }) => value);
      t.equal(low[k], Math.min(...values));
      t.equal(high[k], Math.max(...values));
      t.ok(Math.abs(mean[k]! - values.reduce((sum, value) => sum + value, 0) / values.length) < 1e-9);
    });
  }
});

t.test('an empty trend has no points', async (t) => t.equal(new Trend(10).points().x.length, 0));

t.test('histograms hold every finite value of the last ones, and their range follows', async (t) => {
  const recent = new RecentValues();
  t.equal(recent.histogram(), undefined);
  recent.add(Number.NaN);
  recent.add(Number.POSITIVE_INFINITY);
  t.equal(recent.histogram(), undefined);
  for (let i = 0; i < 1000; i++) recent.add(i / 1000 + 0.5);
  const first = recent.histogram()!;
  t.match(first, { from: 0.5, to: 1.499, values: 1000 });
  t.equal(
    first.counts.reduce((sum, count) => sum + count, 0),
    1000,
  );
  for (let i = 0; i < 8192; i++) recent.add(-1.5);
  const constant = recent.histogram()!;
  t.ok(constant.from < -1.5 && constant.to > -1.5 && constant.values === 8192, 'those before are gone');
  t.equal(Math.max(...constant.counts), 8192);
});

t.test('whole numbers have bins of their own', async (t) => {
  const recent = new RecentValues();
  for (const value of [3, 3, 5]) recent.add(value);
  t.same(recent.histogram(), { from: 2.5, to: 5.5, counts: [2, 0, 1], values: 3 });
  recent.add(1000);
  const wide = recent.histogram()!;
  t.equal(((wide.to - wide.from) / wide.counts.length) % 1, 0);
  t.equal(
    wide.counts.reduce((sum, count) => sum + count, 0),
    4,
  );
});

t.test('a long waveform keeps its least and largest of every column; NaN is no value', async (t) => {
  const random = new Random(3);
  const data = Float64Array.from({ length: 1003 }, () => (random.below(9) === 0 ? Number.NaN : random.below(1000)));
  const { low, high } = envelope(data, 100);
  t.equal(low.length, 100);
  for (let c = 0; c < 100; c++) {
    const part = data.subarray(Math.floor((c * 1003) / 100), Math.floor(((c + 1) * 1003) / 100));
    const values = part.filter((value) => !Number.isNaN(value));
    t.equal(low[c], values.length === 0 ? Number.NaN : Math.min(...values));
    t.equal(high![c], values.length === 0 ? Number.NaN : Math.max(...values));
  }
  t.equal(envelope(data, 2000).high, undefined);
  t.same(envelope(Uint16Array.of(1, 2)), { low: Float32Array.of(1, 2), high: undefined });
});

t.test('an image that fits is shown pixel by pixel', async (t) => {
  const image = smallImage({ dtype: 'uint16', shape: [2, 3], data: Uint16Array.of(0, 1, 2, 3, 4, 5) });
  t.same(image, { width: 3, height: 2, block: 1, from: 0, to: 5, pixels: Uint8Array.of(0, 51, 102, 152, 203, 254) });
});

t.test('a larger one is averaged in blocks, also at its edges; panels stand below each other', async (t) => {
  const data = Float32Array.of(1, 3, 10, 5, 7, Number.NaN, 0, 0, 2, 0, 0, 4);
  const image = smallImage({ dtype: 'float32', shape: [2, 2, 3], data }, 2);
  t.match(image, { width: 2, height: 2, block: 2, from: 0, to: 10 });
  t.same([...image.pixels], [Math.round((4 * 254) / 10), 254, 0, Math.round((3 * 254) / 10)]);
});

t.test('hot pixels do not set the scale; constants and nothing are shown as well', async (t) => {
  const data = Float64Array.from({ length: 10_000 }, (_, i) => i % 100);
  data[7] = 1e9;
  data[8] = Number.NaN;
  const { from, to, pixels } = smallImage({ dtype: 'float64', shape: [100, 100], data });
  t.same([from, to], [0, 99]);
  t.equal(pixels[7], 254);
  t.equal(pixels[8], 255);
  t.match(smallImage({ dtype: 'float64', shape: [1, 2], data: Float64Array.of(5, 5) }), { from: 5, to: 5 });
  t.match(smallImage({ dtype: 'float64', shape: [0, 0], data: new Float64Array() }), { width: 0, height: 0 });
});
