/** The text of metrics, read strictly. */

import t from 'tap';
import { serveMetrics } from '../../../lib/cli/metrics.ts';
import { parsePrometheus } from '../../../lib/live/top/prometheus.ts';
import { askOnce } from '../../../lib/live/top/watch.ts';

t.test('names, labels with escapes, values, kinds', async (t) => {
  const text = [
    '# HELP a_total what # it is',
    '# TYPE a_total counter',
    'a_total{x="1",y="a \\"b\\" \\\\ \\n,}",} 5',
    'a_total 7 1700000000000',
    '# a remark',
    '',
    '# TYPE h histogram',
    'h_bucket{le="+Inf"} 3',
    'h_sum 1.5e-3',
    'plain -.5',
    'big +Inf',
    'small -Inf',
    'none NaN',
    'spaced { a = "1" , b = "2" }   2',
  ].join('\n');
  t.same(parsePrometheus(text), [
    { name: 'a_total', kind: 'counter', labels: { x: '1', y: 'a "b" \\ \n,}' }, value: 5 },
    { name: 'a_total', kind: 'counter', labels: {}, value: 7 },
    { name: 'h_bucket', kind: 'histogram', labels: { le: '+Inf' }, value: 3 },
    { name: 'h_sum', kind: 'histogram', labels: {}, value: 0.0015 },
    { name: 'plain', kind: 'untyped', labels: {}, value: -0.5 },
    { name: 'big', kind: 'untyped', labels: {}, value: Number.POSITIVE_INFINITY },
    { name: 'small', kind: 'untyped', labels: {}, value: Number.NEGATIVE_INFINITY },
    { name: 'none', kind: 'untyped', labels: {}, value: Number.NaN },
    { name: 'spaced', kind: 'untyped', labels: { a: '1', b: '2' }, value: 2 },
  ]);
  t.same(parsePrometheus(''), []);
});

t.test('what is no metric is said with its line', async (t) => {
  for (const line of [
    '<html>',
    'name',
    'name x',
    'name{a="1" 5',
    'name{a=1} 5',
    'name{a="\\x"} 5',
    'name{a="1"b="2"} 5',
    'name 1 2 3',
    'name 0x10',
    'name{a="1"}5',
    '# TYPE name thing',
  ]) {
    t.throws(() => parsePrometheus(`ok 1\n${line}`), { code: 'metrics-text', message: /^line 2 is no metric/ }, line);
  }
});

t.test('what our own processes serve comes back as it was', async (t) => {
  const awkward = 'quote " backslash \\ line\nend';
  const server = await serveMetrics(
    '0',
    {
      balance: () => ({ in: 5, out: 3, losses: { [awkward]: 2 } }),
      meters: [{ name: 'age', help: 'Age', kind: 'gauge', value: () => 1.25e-7 }],
    },
    { command: 'tester', alias: 'a\\b' },
  );
  t.teardown(() => server.close());
  const samples = await askOnce(server.url);
  const find = (name: string) => samples.find((sample) => sample.name === name);
  t.match(find('daqpipe_in_total'), { kind: 'counter', value: 5, labels: { command: 'tester', alias: 'a\\b' } });
  t.match(find('daqpipe_not_out_total'), { value: 2, labels: { reason: awkward } });
  t.match(find('daqpipe_age'), { kind: 'gauge', value: 1.25e-7 });
});
