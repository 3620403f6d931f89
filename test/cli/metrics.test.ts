/** `--metrics`: addresses, the text, and the end. */

import { connect } from 'node:net';
import t from 'tap';
import type { Balance } from '../../lib/cli/balance.ts';
import { parseAddress } from '../../lib/cli/http-address.ts';
import { serveMetrics } from '../../lib/cli/metrics.ts';

t.test('addresses: loopback unless a host is given', async (t) => {
  t.same(parseAddress('9100', '--metrics'), { host: '127.0.0.1', port: 9100 });
  t.same(parseAddress('0.0.0.0:9100', '--metrics'), { host: '0.0.0.0', port: 9100 });
  t.same(parseAddress('[::1]:0', '--metrics'), { host: '::1', port: 0 });
  for (const text of ['', 'host', ':1', '70000', '::1:5', 'a b:', '-1']) {
    t.throws(() => parseAddress(text, '--metrics'), { code: 'usage', message: /is not \[HOST:\]PORT/ }, text);
  }
});

/** Samples by name and labels, without help lines. */
async function samples(url: string): Promise<string[]> {
  const response = await fetch(url);
  return (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

t.test('the balance and the meters, as they are when somebody asks', async (t) => {
  const balance: Balance = { in: 5, out: 3, losses: { dropped: 2, late: 0 }, info: { retried: 7 } };
  const depths = { a: 1, b: 2 };
  const server = await serveMetrics(
    '0',
    {
      balance: () => balance,
      meters: [
        { name: 'queue_depth', help: 'Depth', kind: 'gauge', label: 'queue', value: () => depths },
        { name: 'bytes_total', help: 'Bytes', kind: 'counter', value: () => balance.in * 100 },
      ],
    },
    { command: 'tester' },
  );
  t.teardown(() => server.close());
  t.match((await fetch(server.url)).headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const first = await samples(server.url);
  for (const line of [
    'daqpipe_in_total{command="tester"} 5',
    'daqpipe_out_total{command="tester"} 3',
    'daqpipe_not_out_total{reason="dropped",command="tester"} 2',
    'daqpipe_not_out_total{reason="late",command="tester"} 0',
    'daqpipe_info_total{kind="retried",command="tester"} 7',
    'daqpipe_unaccounted{command="tester"} 0',
    'daqpipe_queue_depth{queue="a",command="tester"} 1',
    'daqpipe_queue_depth{queue="b",command="tester"} 2',
    'daqpipe_bytes_total{command="tester"} 500',
  ]) {
    t.ok(first.includes(line), line);
  }
  t.match(first.join('\n'), /daqpipe_resident_bytes\{command="tester"\} \d{7,}/);
  balance.in = 8;
  depths.a = 0;
  const second = await samples(server.url);
  t.ok(second.includes('daqpipe_in_total{command="tester"} 8'));
  t.ok(second.includes('daqpipe_unaccounted{command="tester"} 3'), 'what does not add up shows');
  t.ok(second.includes('daqpipe_queue_depth{queue="a",command="tester"} 0'));
});

t.test('other paths and methods are refused; a meter that fails is an answer, not a crash', async (t) => {
  const server = await serveMetrics(
    '127.0.0.1:0',
    {
      balance: () => {
        throw new Error('no balance');
      },
    },
    {},
  );
  t.teardown(() => server.close());
  t.equal((await fetch(new URL('/', server.url))).status, 404);
  t.equal((await fetch(server.url, { method: 'POST' })).status, 405);
  const broken = await fetch(server.url);
  t.equal(broken.status, 500);
  t.match(await broken.text(), /no balance/);
});

t.test('closing does not wait for scrapers that keep their connection', async (t) => {
  const server = await serveMetrics('0', { balance: () => ({ in: 0, out: 0, losses: {} }) }, {});
  const idle = connect(Number(new URL(server.url).port), '127.0.0.1');
  await new Promise((resolve) => idle.once('connect', resolve));
  const ended = new Promise((resolve) => idle.once('close', resolve));
  idle.on('error', () => {});
  await server.close();
  await ended;
  await server.close();
  await t.rejects(fetch(server.url));
});

t.test('a port that is taken is a usage error', async (t) => {
  const server = await serveMetrics('0', { balance: () => ({ in: 0, out: 0, losses: {} }) }, {});
  t.teardown(() => server.close());
  const { port } = new URL(server.url);
  await t.rejects(serveMetrics(port, { balance: () => ({ in: 0, out: 0, losses: {} }) }, {}), {
    code: 'usage',
    message: /port is in use/,
  });
});
