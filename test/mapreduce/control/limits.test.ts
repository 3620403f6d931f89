/** Limits of the controller (spec mapreduce.md 14): each is an option, what is above is refused, and it goes on. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../executable.ts';
import { batches, Ensemble } from './ensemble.ts';

t.test('bodies, events, depth, names: refused, and the next map runs', async (t) => {
  const flags = ['--max-map', '4K', '--max-parameter', '16', '--max-sardana', '64', '--max-events', '40'];
  const ensemble = await Ensemble.start(t, { workers: 1, ours: true, flags });
  const post = async (path: string, body: string | Buffer) => {
    const response = await ensemble.request(path, { method: 'POST', body });
    const { detail } = (await response.json()) as { detail?: { code?: string } };
    return `${response.status} ${detail?.code ?? ''}`.trim();
  };
  t.equal(await post('sequence', ' '.repeat(4097)), '413 too-large');
  t.equal(await post('mapping', ' '.repeat(4097)), '413 too-large');
  t.equal(await post('sequence/append', ' '.repeat(4097)), '413 too-large');
  t.equal(await post('parameter/gain', 'x'.repeat(17)), '413 too-large');
  t.equal(await post('parameter/gain', 'x'.repeat(16)), '200');
  t.equal(await post('sardana_hook', ' '.repeat(65)), '413 too-large');
  t.equal(await post('sequence', JSON.stringify(batches(41, 41))), '413 events');
  t.equal(await post('sardana_hook', '{"streams":["det"],"scan":{"nb_points":1e9}}'), '413 events');
  t.equal(await post('sequence', `${'['.repeat(70)}${']'.repeat(70)}`), '422 json');
  t.equal(await post('sequence', '{"a":'.repeat(700)), '422 json');
  for (const name of ['a:b', 'a%2Fb', 'a%20b', 'x'.repeat(129), '%C3%BC', '%00'])
    t.equal(await post(`parameter/${name}`, 'x'), '422 name', name);
  t.equal(await post('stop', 'x'.repeat(4097)), '413 too-large');
  await ensemble.post(batches(20, 1));
  t.match(await ensemble.finished(), { completed_events: 22 });
});

t.test('names of parameters and readers of the log: so many, and then no more', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 0 });
  const set = async (name: string) =>
    (await ensemble.request(`parameter/${name}`, { method: 'POST', body: 'x' })).status;
  let taken = 0;
  while (taken < 1000 && (await set(`p${taken}`)) === 200) taken++;
  t.ok(taken > 990, `${taken} are taken`);
  t.equal(await set('one-more'), 413);
  t.equal(await set('p0'), 200, 'those that are there can change');
  t.equal(await set('dump_prefix'), 422, 'without --dump-root');
  const hangUp = new AbortController();
  t.teardown(() => hangUp.abort());
  const { signal } = hangUp;
  for (let reader = 0; reader < 32; reader++) t.equal((await ensemble.request('log_stream', { signal })).status, 200);
  t.equal((await ensemble.request('log_stream', { signal })).status, 503);
});

t.test('an open map cannot grow above the number of events', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 1, ours: true, flags: ['--max-events', '40'] });
  await ensemble.post(batches(20, 1, ['det'], { open: true }));
  const append = async () => {
    const body = JSON.stringify({ parts: {}, sequence: ['main'] });
    return (await ensemble.request('sequence/append', { method: 'POST', body })).status;
  };
  t.equal(await append(), 200);
  t.equal(await append(), 413);
  t.equal((await ensemble.request('sequence/close', { method: 'POST' })).status, 200);
  t.match(await ensemble.finished(), { completed_events: 42 });
});

t.test('recordings are made below --dump-root only; without it nowhere', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'root-'));
  const outside = mkdtempSync(join(tmpdir(), 'outside-'));
  t.teardown(() => [root, outside].map((folder) => rmSync(folder, { recursive: true })));
  mkdirSync(join(root, 'scans'));
  symlinkSync(outside, join(root, 'scans/link'));
  const ensemble = await Ensemble.start(t, { workers: 1, ours: true, flags: ['--dump-root', root] });
  const put = (prefix: string) => ensemble.request('parameter/dump_prefix', { method: 'POST', body: prefix });
  for (const prefix of ['/tmp/x', '../x', 'a/../../x', 'a\0']) t.equal((await put(prefix)).status, 422, prefix);
  t.equal((await put('scans/link/made/x-')).status, 200, 'links are looked at when it is written');
  await ensemble.post(batches(3, 1));
  await ensemble.finished();
  t.same(readdirSync(outside), []);
  t.match(ensemble.control.stderr, /cannot be recorded: .*a link leads out/);
  t.equal((await put('scans/run1/x-')).status, 200);
  await ensemble.request('parameter/mask', { method: 'POST', body: Buffer.from([0xff, 0xfe]) });
  const uuid = await ensemble.post(batches(3, 1));
  await ensemble.finished();
  t.same(
    readdirSync(join(root, 'scans/run1')).sort(),
    [`x-mapping-${uuid}.json`, `x-parameters-${uuid}.cbor`],
    'no text: CBOR',
  );
  const without = await Ensemble.start(t, { workers: 0 });
  t.equal((await without.request('parameter/dump_prefix', { method: 'POST', body: 'x-' })).status, 422);
});

t.test('pages of other origins: only with --cors; Redis elsewhere: only with a password or --insecure', async (t) => {
  const plain = await Ensemble.start(t, { workers: 0 });
  const headers = { origin: 'http://elsewhere' };
  const allowed = async ({ request }: { request: Ensemble['request'] }) =>
    (await request('progress', { headers })).headers.get('access-control-allow-origin');
  t.equal(await allowed({ request: plain.request.bind(plain) }), null);
  t.equal((await plain.request('progress', { method: 'OPTIONS', headers })).status, 405);
  const open = await Ensemble.start(t, { workers: 0, flags: ['--cors', 'http://elsewhere'] });
  t.equal(await allowed({ request: open.request.bind(open) }), 'http://elsewhere');
  for (const command of ['map-control', 'map-ingest', 'map-work', 'map-reduce']) {
    const more =
      { 'map-ingest': ['--stream', 's', '--upstream', 'tcp://127.0.0.1:1'], 'map-work': ['--js', 'absent.mjs'] }[
        command
      ] ?? [];
    const { status, stderr } = await run(command, ['--redis', 'redis://192.0.2.1', ...more]);
    t.equal(status, 2, `${command}: ${stderr}`);
    if (command !== 'map-work') t.match(stderr, /another machine and no password|which class/, command);
  }
});
