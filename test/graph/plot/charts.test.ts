/** Charts by their text. */

import { Chalk } from 'chalk';
import t from 'tap';
import { axisText, barChart, lineChart, pointChart, trend } from '../../../lib/graph/plot/charts.ts';
import { imageChart, planeOf, rasterOf } from '../../../lib/graph/plot/image.ts';
import { Random } from '../../random.ts';

const plain = new Chalk({ level: 0 });
const NAN = Number.NaN;
const INF = Number.POSITIVE_INFINITY;

t.test('bars from zero, with the edges below', async (t) => {
  t.same(barChart([2, 0, 8, 1], { low: 0.5, high: 2.5 }, { columns: 17, rows: 5 }), [
    '       8│    ██  ',
    '        │    ██  ',
    '        │    ██  ',
    '       0│██  ██▄▄',
    '        └0.5──2.5',
  ]);
  t.same(barChart([0, 0], { low: 0, high: 1 }, { columns: 12, rows: 3 }), [
    '       0│  ',
    '       0│  ',
    '        └0─1',
  ]);
});

t.test('of many bins the largest of each column is seen, and one count among thousands too', async (t) => {
  const counts = new Float64Array(1000);
  counts[500] = 10_000;
  counts[999] = 1;
  const lines = barChart(counts, { low: 0, high: 1 }, { columns: 19, rows: 4 });
  t.match(lines[2], / {8}│|0│ {5}█ {3}▁$/);
  t.equal(lines[2]!.at(-1), '▁');
});

t.test('a line through a waveform; peaks between columns stay', async (t) => {
  const wave = Float64Array.from({ length: 1000 }, (_, i) => (i === 333 ? 100 : 0));
  const lines = lineChart(wave, { low: 0, high: 999 }, { columns: 19, rows: 4 });
  t.same(lines, ['     100│   ⡇      ', '        │   ⡇      ', '       0│⣀⣀⣀⣇⣀⣀⣀⣀⣀⣀', '        └0──────999']);
});

t.test('gaps and infinities are left out; without numbers there is no picture', async (t) => {
  const wave = Float64Array.from({ length: 100 }, (_, i) => (i < 50 ? NAN : i === 60 ? INF : i));
  const lines = lineChart(wave, { low: 0, high: 99 }, { columns: 19, rows: 4 });
  t.match(lines[0], /^ {6}99│/);
  t.match(lines[2], /^ {6}50│ {5}/);
  t.same(lineChart([NAN, NAN], { low: 0, high: 1 }, { columns: 20, rows: 3 }), ['no numbers', '', '']);
  t.same(pointChart([1, 2], [NAN, INF], { columns: 20, rows: 3 }), ['no numbers', '', '']);
});

t.test('points of a scan', async (t) => {
  t.same(pointChart([0, 1, 3], [1, 3, 2], { columns: 13, rows: 4 }), [
    '       3│ •  ',
    '        │   •',
    '       1│•   ',
    '        └0──3',
  ]);
  t.same(pointChart([5], [7], { columns: 12, rows: 4 })[1], '        │ • ', 'one point is in the middle');
});

t.test('trends go from the least to the largest', async (t) => {
  t.equal(trend([0, 1, 2, 7], 10), '▁▂▃█');
  t.equal(trend([0, 1, 2, 7], 2), '▁█', 'the last ones');
  t.equal(trend([3, 3, NAN], 5), '▅▅ ');
  t.equal(trend([], 5), '');
});

t.test('images: rows from the top, or x to the right and y upwards', async (t) => {
  const corner = Float64Array.of(9, 0, 0, 0, 0, 0, 0, 0);
  t.same(imageChart(rasterOf(corner, [4, 2]), { columns: 11, rows: 3 }, plain), [
    '       0│+ ',
    '       3│  ',
    '        └0─1',
  ]);
  // [x][y]: x = 0, y = 0 is at the lower left.
  const x = { low: -1, high: 1 };
  const lines = imageChart(planeOf(corner, [2, 4], x, { low: 0, high: 8 }), { columns: 11, rows: 3 }, plain);
  t.same(lines, ['       8│  ', '       0│+ ', '        └-1─1']);
  t.match(imageChart(rasterOf(Float64Array.of(NAN, 1, 2, 3), [2, 2]), { columns: 12, rows: 2 }, plain)[0], /│/);
});

t.test('colours: two pixels in a character, neighbours of one colour as one', async (t) => {
  const [line] = imageChart(
    rasterOf(Float64Array.of(0, 0, 1, 1), [2, 2]),
    { columns: 11, rows: 2 },
    new Chalk({ level: 3 }),
  );
  t.equal(line, '       0│\x1b[38;2;68;1;84m\x1b[48;2;253;231;37m▀▀\x1b[49m\x1b[39m');
});

t.test('every chart has the size it is given, whatever the values (random schedule)', async (t) => {
  const generator = new Random(20);
  const random = () => generator.below(1e6) / 1e6;
  const whole = (most: number) => generator.below(most);
  for (let i = 0; i < 2000; i++) {
    const size = { columns: 1 + whole(60), rows: 1 + whole(12) };
    const odd = [NAN, INF, -INF, 1e308, -1e308, 0, 1e-320];
    const values = Array.from({ length: 1 + whole(200) }, () =>
      random() < 0.1 ? odd[whole(odd.length)]! : random() * 10 - 5,
    );
    const span = { low: random(), high: 1 + random() };
    const raster = rasterOf(values, [values.length, 1]);
    const charts = [
      barChart(values, span, size),
      lineChart(values, span, size),
      pointChart(values, values, size),
      imageChart(raster, size, plain),
    ];
    for (const lines of charts) {
      const rows = Math.max(size.rows, lines[0] === 'no numbers' ? 1 : 2);
      if (lines.length !== rows || lines.some((line) => /undefined|NaN/.test(line)))
        t.fail(JSON.stringify({ size, values, lines }));
    }
  }
  t.pass('2000 sizes and series');
});

t.test('numbers beside axes are short', async (t) => {
  const texts = [0, 1.5, 12345.678, -1.23456e-10, 1e100, 0.000123456, -2000000000, -1.23e-300].map(axisText);
  t.same(texts, ['0', '1.5', '12350', '-1.2e-10', '1e100', '1.2e-4', '-2.0e9', '-1e-300']);
});
