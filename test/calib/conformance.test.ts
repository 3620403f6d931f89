/** Against the stand-in of the service that real analysis code was seen to fetch from: the same choices. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { ConstantFetcher } from '../../lib/calib/fetch.ts';
import { FetchCounters } from '../../lib/calib/fetch-counters.ts';
import { WebSource } from '../../lib/calib/source/web.ts';
import type { ConstantSet, DetectorWanted } from '../../lib/calib/types.ts';
import { needsShared, SHARED } from '../golden.ts';

const OPAL: DetectorWanted = { name: 'opal', type: 'opal', serials: ['1234'] };
const needed = needsShared('conformance', 'upstream_calib_ws.py');

/** @returns a fetcher that asks it, and what it has counted */
async function upstream(t: Test, ...options: string[]) {
  const script = join(SHARED, 'conformance', 'upstream_calib_ws.py');
  const child = spawn('python3', [script, '0', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  const counters = new FetchCounters();
  const url = `http://127.0.0.1:${port}/calib_ws/`;
  const source = new WebSource({ url, counters, retries: 1, timeout: 10_000, pause: async () => {} });
  const fetcher = new ConstantFetcher({ source, counters });
  t.teardown(() => fetcher.close());
  return { fetcher, counters };
}

function first(set: ConstantSet, ctype: string): number | undefined {
  const constant = set.detectors.get('opal')?.constants.get(ctype);
  return ctype === 'pixel_mask' ? constant?.bytes[0] : constant?.bytes.readFloatLE(0);
}

t.test('pedestals and mask are those that analysis chooses', needed, async (t) => {
  const { fetcher, counters } = await upstream(t);
  const set = await fetcher.constants('tst1', 7, [OPAL]);
  t.same([...set.detectors.get('opal')!.constants.keys()], ['geometry', 'pedestals', 'pixel_mask']);
  t.same([first(set, 'pedestals'), first(set, 'pixel_mask')], [6, 3]);
  t.equal(set.detectors.get('opal')!.constants.get('geometry')!.bytes.toString(), '# stand-in geometry\n');
  t.equal(first(await fetcher.constants('tst1', 4, [OPAL]), 'pedestals'), 1);
  t.equal(first(await fetcher.constants('tst1', 0, [OPAL]), 'pedestals'), 1, 'run 0 is the last one');
  t.equal(first(await fetcher.constants(undefined, 7, [OPAL]), 'pedestals'), 9, 'without an experiment: its own');
  t.same(counters.requests, { list: 7, contents: 5, name: 0 });
});

t.test('a long id is looked up', needed, async (t) => {
  const { fetcher, counters } = await upstream(t);
  const set = await fetcher.constants('tst1', 7, [{ ...OPAL, serials: ['12345678', '23456789'] }]);
  t.equal(set.detectors.get('opal')!.id, 'opal_12345678_23456789');
  t.equal(first(set, 'pedestals'), 6);
  t.equal(counters.requests.name, 1);
});

t.test('its faults: overloaded, cut constants, shapes that are programs', needed, async (t) => {
  const run = async (...options: string[]) => (await upstream(t, ...options)).fetcher.constants('tst1', 7, [OPAL]);
  await t.rejects(run('--status', '503'), { code: 'calib-source', message: /overloaded/ });
  await t.rejects(run('--cut'), { code: 'calib-source', message: /ends after \d+ of \d+ bytes \(asked 2 times\)/ });
  await t.rejects(run('--shape', '(2, 4)'), {
    code: 'calib-document',
    message: /opal \w+: document \w+: .*32 bytes, but 24/,
  });
  await t.rejects(run('--shape', '__import__("os").getpid()'), { code: 'calib-document', message: /no shape such as/ });
});
