/** Where constants are published (spec calib-pub.md, section 2). */

import t from 'tap';
import { isOpen, parseBind, upstreamEndpoints } from '../../lib/calib/publish/endpoint.ts';
import { endpointsOf, type PublishFlags, servedNames } from '../../lib/calib/publish/flags.ts';

t.test('--bind: place and format', async (t) => {
  t.match(parseBind('tcp://127.0.0.1:5555', 'zlib'), { host: '127.0.0.1', port: 5555, format: 'zlib' });
  t.match(parseBind('tcp://:5555=pickle', 'zlib'), { host: '127.0.0.1', format: 'pickle' });
  t.match(parseBind('tcp://[::1]:0', 'zlib'), { host: '::1', port: 0, text: 'tcp://[::1]:0' });
  t.match(parseBind('ipc:///a=b/c', 'pickle'), { path: '/a=b/c', format: 'pickle' });
  t.match(parseBind('ipc:///a=b/c=zlib', 'pickle'), { path: '/a=b/c', format: 'zlib' });
  for (const wrong of ['', 'tcp://x', 'tcp://x:99999', 'ipc://', 'ipc://@abstract', 'tcp://x:1=npy', '/a/b']) {
    t.throws(() => parseBind(wrong, 'pickle'), { code: 'usage' }, wrong);
  }
  t.notOk(isOpen(parseBind('tcp://localhost:1', 'pickle')));
  t.notOk(isOpen(parseBind('ipc:///a', 'pickle')));
  for (const open of ['tcp://*:1', 'tcp://10.0.0.1:1', 'tcp://[::]:1']) t.ok(isOpen(parseBind(open, 'pickle')), open);
});

t.test('both names of the existing system; the format has no default', async (t) => {
  const served = { detector: 'atmopal', segment: 0 };
  const [local, network] = upstreamEndpoints(served, 2, 3, '127.0.0.1', 'zlib');
  t.match(local, { transport: 'ipc', text: /^ipc:\/\/\/tmp\/atmopal_0\.pipe$/, format: 'zlib' });
  t.match(network, { transport: 'tcp', port: 32256 + 8 * 3 + 2 });
  const throwing = (change: () => unknown, message: RegExp) => t.throws(change, { code: 'usage', message });
  throwing(() => upstreamEndpoints(served, 2, 3, '127.0.0.1', 'npy-frames'), /--format zlib .* or --format pickle/);
  throwing(
    () => upstreamEndpoints({ detector: 'a', segment: undefined }, 2, 3, '127.0.0.1', 'zlib'),
    /needs a segment/,
  );
  throwing(() => upstreamEndpoints(served, 2, 9999, '127.0.0.1', 'zlib'), /port 112250/);
});

t.test('detectors by -d or by the alias, each with its local socket', async (t) => {
  t.same(servedNames(undefined, 'epix_0'), [{ detector: 'epix', segment: 0 }]);
  t.same(servedNames(undefined, 'calib'), []);
  t.same(servedNames(['a:1', 'b_2', 'c'], 'epix_0'), [
    { detector: 'a', segment: 1 },
    { detector: 'b', segment: 2 },
    { detector: 'c', segment: undefined },
  ]);
  t.throws(() => servedNames(['a/b'], undefined), { code: 'usage' });
  const flags = { format: 'zlib', 'upstream-names': true, xpm: 0, host: '127.0.0.1' } as PublishFlags;
  const places = endpointsOf(flags, servedNames(['a:0', 'a:1'], undefined), 4).map(({ text, format }) => [
    text.replace(/.*[/:]/, ''),
    format,
  ]);
  t.same(places, [
    ['a_0.pipe', 'zlib'],
    ['32260', 'zlib'],
    ['a_1.pipe', 'zlib'],
    ['calib-p4-a_0.sock', 'npy-frames'],
    ['calib-p4-a_1.sock', 'npy-frames'],
  ]);
  t.throws(() => endpointsOf({ ...flags, 'upstream-names': false }, [], 0), { code: 'usage', message: /where to/ });
});
