import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../executable.ts';
import { needsShared, SHARED } from '../golden.ts';
import { batches, Ensemble } from '../mapreduce/control/ensemble.ts';

const folder = mkdtempSync(join(tmpdir(), 'map-control-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: object | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

t.test(
  '--simulate prints the lines of every case; the status says how it ended',
  needsShared('data', 'mapreduce', 'maps'),
  async (t) => {
    const cases = join(SHARED, 'data/mapreduce/maps');
    for (const name of readdirSync(cases).filter((one) => one.endsWith('.case.json'))) {
      const { stdout, status } = await run('map-control', ['--simulate', join(cases, name), '--format', 'jsonl']);
      const wanted = readFileSync(join(cases, name.replace('.case.json', '.expect.jsonl')), 'utf8');
      const canonical = (text: string) =>
        text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as object);
      t.same(canonical(stdout.toString()).at(-1), canonical(wanted).at(-1), name);
      t.equal(status, name.startsWith('r') ? 1 : status === 3 ? 3 : 0, name);
    }
  },
);

t.test('a case that cannot be read is status 2', async (t) => {
  t.equal((await run('map-control', ['--simulate', join(folder, 'absent')])).status, 2);
  t.equal((await run('map-control', ['--simulate', file('bad.json', '{')])).status, 2);
});

t.test('--check: a map, and what is none', async (t) => {
  const good = await run('map-control', ['--check', file('good.json', batches(20, 2))]);
  t.equal(good.status, 0);
  t.match(good.stdout.toString(), /20 events, 1 instances of 1 parts/);
  const bad = await run('map-control', ['--check', file('cell.json', { parts: { a: { det: [3] } }, sequence: ['a'] })]);
  t.equal(bad.status, 1);
  t.match(bad.stderr, /cell: part a, stream det, event 0/);
  const syntax = await run('map-control', ['--check', file('syntax.json', '{"parts": {},}')]);
  t.equal(syntax.status, 1);
  t.match(syntax.stderr, /json: line 1, column \d+/);
});

t.test('the address of Redis: refused in words, and the password is never printed', async (t) => {
  const wrong = async (...flags: string[]) => run('map-control', ['--port', '0', ...flags]);
  const far = await wrong('--redis', 'redis://192.0.2.1');
  t.equal(far.status, 2);
  t.match(far.stderr, /another machine and no password/);
  t.equal((await wrong('--redis', 'http://secret@x')).status, 2);
  const closed = await wrong('--redis', 'redis://:secret@127.0.0.1:1');
  t.equal(closed.status, 2);
  t.match(closed.stderr, /Redis at redis:\/\/127.0.0.1:1\/0: connect ECONNREFUSED/);
  t.notMatch(closed.stderr, /secret/);
  t.equal((await wrong('--depth', 'much')).status, 2);
});

t.test('client: post, watch, append, close, stop, status', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 2, ours: true, delayMs: 2 });
  const { url } = ensemble.control;
  const ask = async (...words: string[]) => run('map-control', [...words, '--url', url]);
  const scan = file('scan.json', batches(50, 1));
  const posted = await ask('post', scan, '--wait');
  t.equal(posted.status, 0);
  t.match(posted.stdout.toString(), /^[0-9a-f-]{36}\n[\s\S]*finished \(complete\): 52 of 52 events\n$/);
  const refused = await ask('post', file('other.json', batches(3, 1, ['nobody'])));
  t.equal(refused.status, 1);
  t.match(refused.stderr, /streams: no ingester serves the streams nobody/);
  t.equal((await ask('post', file('open.json', batches(5, 1, ['det'], { open: true })), '--no-wrap')).status, 0);
  t.equal((await ask('append', file('more.json', { parts: {}, sequence: ['main'] }))).status, 0);
  t.equal((await ask('close')).status, 0);
  t.equal((await ask('watch')).status, 0);
  t.match(JSON.parse((await ask('status')).stdout.toString()), { completed_events: 10, finished: true });
  t.equal((await ask('post', file('long.json', batches(5000, 1)))).status, 0);
  t.equal((await ask('stop')).status, 0);
  t.equal((await ask('watch')).status, 3);
  t.equal((await ask('post')).status, 2);
  t.equal((await run('map-control', ['status', '--url', 'http://127.0.0.1:1'])).status, 2);
});

t.test('map and parameters are recorded below --dump-root', async (t) => {
  const ensemble = await Ensemble.start(t, { workers: 1, ours: true, flags: ['--dump-root', folder] });
  t.equal((await ensemble.request('parameter/dump_prefix', { method: 'POST', body: 'run7/x-' })).status, 200);
  const uuid = await ensemble.post(batches(3, 1));
  await ensemble.finished();
  const map = JSON.parse(readFileSync(join(folder, `run7/x-mapping-${uuid}.json`), 'utf8')) as { sequence: string[] };
  t.same(map.sequence, ['reserved_start_end', 'main', 'reserved_start_end']);
  t.same(JSON.parse(readFileSync(join(folder, `run7/x-parameters-${uuid}.json`), 'utf8')), [
    { name: 'dump_prefix', data: 'run7/x-' },
  ]);
  await ensemble.request('parameter/zero', { method: 'POST', body: Buffer.from([1, 0, 2]) });
  const second = await ensemble.post(batches(3, 1));
  t.ok(existsSync(join(folder, `run7/x-parameters-${second}.cbor`)));
});
