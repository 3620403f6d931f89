/** What roles tell others of where they listen: one rule for all. */

import { hostname, networkInterfaces } from 'node:os';
import t from 'tap';
import { Pull, Push } from 'zeromq';
import { UsageError } from '../../../lib/errors.ts';
import { advertisedHost, advertisedUrl, type Host, hereOf, isLost } from '../../../lib/mapreduce/address/advertise.ts';
import { bindTo, connectTo, thisHost } from '../../../lib/mapreduce/address/socket.ts';

const HAS_IPV6 = networkInterfaces().lo?.some(({ address }) => address === '::1') ?? false;
const HOST: Host = {
  name: 'node7',
  addresses: ['fe80::1', '169.254.0.1', 'fd00::7', '10.0.0.7', '192.168.0.7'],
  towardsRedis: '192.168.0.7',
};

t.test('what is bound is told, unless it is every interface', (t) => {
  for (const url of [
    'tcp://127.0.0.1:1',
    'tcp://10.0.0.7:1',
    'tcp://[fd00::7]:1',
    'http://10.0.0.7:5000',
    'ipc:///a/b',
  ])
    t.equal(advertisedUrl(url, HOST), url);
  t.equal(advertisedUrl('tcp://[::ffff:10.0.0.7]:1', HOST), 'tcp://10.0.0.7:1');
  t.end();
});

t.test(
  'every interface: the address by which Redis is reached, because whoever looks for us reaches Redis too',
  (t) => {
    t.equal(advertisedUrl('tcp://0.0.0.0:1', HOST), 'tcp://192.168.0.7:1');
    t.equal(advertisedUrl('tcp://[::]:1', HOST), 'tcp://192.168.0.7:1');
    t.equal(advertisedUrl('http://[::]:5000', HOST), 'http://192.168.0.7:5000');
    const mapped = { ...HOST, towardsRedis: '::ffff:10.0.0.7' };
    t.equal(advertisedUrl('tcp://0.0.0.0:1', mapped), 'tcp://10.0.0.7:1');
    const six = { ...HOST, towardsRedis: 'fd00::7' };
    t.equal(advertisedUrl('tcp://[::]:1', six), 'tcp://[fd00::7]:1');
    t.equal(advertisedUrl('tcp://0.0.0.0:1', six), 'tcp://10.0.0.7:1', 'nobody listens at the address for IPv6');
    t.end();
  },
);

t.test('every interface, and Redis on this host: the first address that others can reach, else the name', (t) => {
  for (const towardsRedis of [undefined, '127.0.0.1', '::1']) {
    const host = { ...HOST, towardsRedis };
    t.equal(advertisedUrl('tcp://0.0.0.0:1', host), 'tcp://10.0.0.7:1');
    t.equal(advertisedUrl('tcp://[::]:1', host), 'tcp://10.0.0.7:1', 'IPv4 is what everybody speaks');
    t.equal(advertisedUrl('tcp://[::]:1', { ...host, addresses: ['fe80::1', 'fd00::7'] }), 'tcp://[fd00::7]:1');
    t.equal(advertisedUrl('tcp://0.0.0.0:1', { ...host, addresses: ['fd00::7'] }), 'tcp://node7:1');
    t.equal(advertisedUrl('tcp://0.0.0.0:1', { ...host, addresses: [] }), 'tcp://node7:1');
  }
  t.end();
});

t.test('--advertise: a host name or an address, whatever is bound', (t) => {
  for (const bound of ['0.0.0.0', '127.0.0.1', '[::]'])
    t.equal(advertisedUrl(`tcp://${bound}:1`, HOST, 'gate.lab'), 'tcp://gate.lab:1');
  t.equal(advertisedUrl('tcp://0.0.0.0:1', HOST, advertisedHost('[fd00::9]')), 'tcp://[fd00::9]:1');
  for (const good of ['node1', 'node-1.lab.org', '10.0.0.1', 'fd00::1']) t.equal(advertisedHost(good), good);
  for (const bad of ['', '*', '0.0.0.0', '::', 'tcp://a', 'a:1', 'a b', '$(POD_IP)', 'fd00::1]:5'])
    t.throws(() => advertisedHost(bad), UsageError, bad);
  t.end();
});

t.test('who tells the loopback while Redis is on the network will not be found from there', (t) => {
  t.equal(isLost('tcp://127.0.0.1:1', HOST), true);
  t.equal(isLost('tcp://[::1]:1', HOST), true);
  t.equal(isLost('tcp://10.0.0.7:1', HOST), false);
  t.equal(isLost('ipc:///a', HOST), false);
  for (const towardsRedis of [undefined, '127.0.0.1'])
    t.equal(isLost('tcp://127.0.0.1:1', { ...HOST, towardsRedis }), false);
  t.end();
});

t.test('this host finds what it has bound itself', (t) => {
  t.same(['0.0.0.0', '*', '::', '[::]', '10.0.0.7', 'fd00::7', 'node7'].map(hereOf), [
    ...['127.0.0.1', '127.0.0.1', '[::1]', '[::1]', '10.0.0.7', '[fd00::7]', 'node7'],
  ]);
  t.end();
});

t.test('sockets: wildcards, names; what cannot be bound says why', async (t) => {
  const bound = async (endpoint: string) => {
    const socket = new Pull({ linger: 0 });
    t.teardown(() => socket.close());
    return { socket, url: await bindTo(socket, endpoint) };
  };
  t.match((await bound('tcp://*:*')).url, /^tcp:\/\/0\.0\.0\.0:\d+$/);
  t.match((await bound('tcp://localhost:0')).url, /^tcp:\/\/127\.0\.0\.1:\d+$/);
  for (const endpoint of ['tcp://127.0.0.1:*', ...(HAS_IPV6 ? ['tcp://[::1]:*', 'tcp://[::]:*'] : [])]) {
    const { socket, url } = await bound(endpoint);
    t.equal(url.replace(/\d+$/, '*'), endpoint);
    const push = new Push({ linger: 0 });
    t.teardown(() => push.close());
    connectTo(push, url.replace('[::]', '[::1]'));
    await push.send('x');
    t.equal(String(await socket.receive()), 'x');
  }
  const { url } = await bound('tcp://127.0.0.1:*');
  await t.rejects(bound(url), { code: 'already-served', message: /the address is in use/ });
  await t.rejects(bound('tcp://no.such.host.invalid:*'), { code: 'output-failed', message: /no such address, name/ });
  t.equal(thisHost().name, hostname());
  t.notOk(thisHost().addresses.includes('127.0.0.1'));
});
