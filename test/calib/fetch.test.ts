/** The fetcher: one request for everything, caches, and what happens when the source fails (spec calib-pub.md, section 8). */

import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DiskCache } from '../../lib/calib/cache/disk.ts';
import { MemoryCache } from '../../lib/calib/cache/memory.ts';
import { ConstantFetcher, type FetcherOptions } from '../../lib/calib/fetch.ts';
import { FetchCounters, fetchMeters } from '../../lib/calib/fetch-counters.ts';
import { folderSource } from '../../lib/calib/source/folder.ts';
import type { ConstantSource } from '../../lib/calib/source/types.ts';
import { WebSource } from '../../lib/calib/source/web.ts';
import type { DetectorWanted } from '../../lib/calib/types.ts';
import { DataError } from '../../lib/errors.ts';
import { put, sixOf, temporaryFolder, usualFolder } from './numpy-file.ts';
import { standIn } from './stand-in.ts';

const EPIX: DetectorWanted = { name: 'epix', type: 'epix', serials: ['1'] };

interface Made {
  fetcher: ConstantFetcher;
  counters: FetchCounters;
  notes: string[];
}

function webFetcher(t: Test, url: string, options: Partial<FetcherOptions> = {}, retries = 0): Made {
  const counters = new FetchCounters();
  const notes: string[] = [];
  const note = (message: string) => notes.push(message);
  const source = new WebSource({ url, counters, note, retries, pause: async () => {} });
  const fetcher = new ConstantFetcher({ source, counters, note, ...options });
  t.teardown(() => fetcher.close());
  return { fetcher, counters, notes };
}

t.test('64 who ask at the same time cost one request for each list and each content', async (t) => {
  const { url, requests } = await standIn(t, usualFolder(t), { delay: 20 });
  const { fetcher, counters } = webFetcher(t, url);
  const sets = await Promise.all(Array.from({ length: 64 }, () => fetcher.constants('x', 7, [EPIX])));
  t.equal(new Set(sets).size, 1, 'all have the same set');
  t.equal(requests.length, 2 + 3, 'two lists, three contents');
  t.same(counters.requests, { list: 2, contents: 3, name: 0 });
  t.same(counters.answers, { 200: 5 });
  t.equal(counters.shared, 63);
  t.equal(counters.constants, 64 * 3);
});

t.test('the next run asks for the lists only; a new constant costs one request more', async (t) => {
  const folder = usualFolder(t);
  const { url, requests } = await standIn(t, folder);
  const { fetcher, counters } = webFetcher(t, url);
  const first = await fetcher.constants('x', 1, [EPIX]);
  const second = await fetcher.constants('x', 2, [EPIX]);
  t.equal(requests.length, 5 + 2);
  t.equal(counters.memoryHits, 3);
  t.equal(second.hash, first.hash);
  put(folder, 'epix/pedestals@3-3.npy', sixOf('<f4', 33));
  const third = await fetcher.constants('x', 3, [EPIX]);
  t.equal(requests.length, 5 + 2 + 3);
  t.equal(third.detectors.get('epix')!.constants.get('pedestals')!.bytes.readFloatLE(0), 33);
});

t.test('after a prefetch the run asks for the lists only', async (t) => {
  const { url, requests } = await standIn(t, usualFolder(t));
  const { fetcher, counters } = webFetcher(t, url);
  await fetcher.prefetch('x', 7, [EPIX]);
  t.equal(requests.length, 5);
  t.equal(counters.sets + counters.constants, 0, 'a prefetch is no run');
  await fetcher.constants('x', 7, [EPIX]);
  t.equal(requests.length, 5 + 2);
});

t.test('a prefetch that fails is a note, and the run tries again', async (t) => {
  const { url } = await standIn(t, usualFolder(t), { fail: { status: 500, count: 2 } });
  const { fetcher, notes } = webFetcher(t, url);
  await fetcher.prefetch('x', 7, [EPIX]);
  t.match(notes.join(), /prefetch for run 7: status 500/);
  t.equal((await fetcher.constants('x', 7, [EPIX])).detectors.get('epix')!.constants.size, 3);
});

/** Fails whenever a test says so. */
class Fragile implements ConstantSource {
  readonly name = 'fragile';
  broken = false;
  private readonly inner: ConstantSource;
  constructor(inner: ConstantSource) {
    this.inner = inner;
  }
  documents(...asked: Parameters<ConstantSource['documents']>) {
    if (this.broken) throw new DataError('calib-source', 'it is away');
    return this.inner.documents(...asked);
  }
  contents(...asked: Parameters<ConstantSource['contents']>) {
    return this.inner.contents(...asked);
  }
  shortId(...asked: Parameters<ConstantSource['shortId']>) {
    return this.inner.shortId(...asked);
  }
  close() {}
}

t.test('a source that fails: an error, the last constants, or none, and never in silence', async (t) => {
  const source = new Fragile(folderSource(usualFolder(t)));
  const notes: string[] = [];
  const note = (message: string) => notes.push(message);
  const away = { code: 'calib-source', message: 'it is away' };
  const strict = new ConstantFetcher({ source });
  const last = new ConstantFetcher({ source, onFail: 'last', note });
  const empty = new ConstantFetcher({ source, onFail: 'empty', note });
  const before = await last.constants('x', 7, [EPIX]);
  await strict.constants('x', 7, [EPIX]);
  source.broken = true;
  await t.rejects(strict.constants('x', 8, [EPIX]), away);
  const stale = await last.constants('x', 8, [EPIX]);
  t.same([stale.stale, stale.run, stale.hash], [true, 8, before.hash]);
  await t.rejects(last.constants('other', 8, [EPIX]), away, 'those of another experiment are no constants');
  await t.rejects(last.constants('x', 8, [{ ...EPIX, serials: ['2'] }]), away, 'nor those of another detector');
  t.same((await last.constants('x', 9, [EPIX])).run, 9);
  const none = await empty.constants('x', 8, [EPIX]);
  t.same([none.stale, none.detectors.get('epix')!.constants.size], [false, 0]);
  t.same([strict.counters.failedRuns, last.counters.staleRuns, empty.counters.emptyRuns], [1, 2, 1]);
  t.match(notes, [
    /run 8 gets the constants of run 7: it is away/,
    /run 9 gets .* of run 7/,
    /run 8 gets no constants/,
  ]);
  source.broken = false;
  t.equal((await last.constants('x', 9, [EPIX])).stale, false);
});

t.test('pickles are left out and counted, once per run, and named once', async (t) => {
  const folder = usualFolder(t);
  put(folder, 'epix/model.pickle', 'x');
  const notes: string[] = [];
  const fetcher = new ConstantFetcher({ source: folderSource(folder), note: (message) => notes.push(message) });
  for (const run of [1, 2, 3])
    t.notOk((await fetcher.constants('x', run, [EPIX])).detectors.get('epix')!.constants.has('model'));
  t.equal(fetcher.counters.skippedAny, 3);
  t.same(notes.length, 1);
  t.match(notes[0], /epix model is left out: it is a pickle/);
});

t.test('the disk cache survives the process; a damaged file is fetched again and counted', async (t) => {
  const { url, requests } = await standIn(t, usualFolder(t));
  const folder = join(temporaryFolder(t), 'cache');
  const once = async () => {
    const made = webFetcher(t, url, { disk: new DiskCache(folder) });
    const { hash } = await made.fetcher.constants('x', 7, [EPIX]);
    return { ...made, hash };
  };
  const first = await once();
  t.equal(statSync(folder).mode & 0o777, 0o700);
  const files = readdirSync(folder);
  t.equal(files.length, 3);
  t.equal(statSync(join(folder, files[0]!)).mode & 0o777, 0o600);
  const second = await once();
  t.equal(requests.length, 5 + 2, 'lists only');
  t.equal(second.counters.diskHits, 3);
  t.equal(second.hash, first.hash);
  const flipped = readFileSync(join(folder, files[0]!));
  flipped[0]! ^= 1;
  writeFileSync(join(folder, files[0]!), flipped);
  writeFileSync(join(folder, files[1]!), 'short');
  writeFileSync(join(folder, files[2]!), '');
  const third = await once();
  t.same([third.counters.diskDamaged, third.counters.diskHits], [3, 0]);
  t.match(third.notes.join(), /damaged; it is fetched again/);
  t.equal(third.hash, first.hash);
  t.equal((await once()).counters.diskHits, 3, 'and is whole again');
  t.same(readdirSync(folder).sort(), files.sort(), 'nothing else is left');
});

t.test('a cache that others could write is refused; one that cannot be written costs nothing', async (t) => {
  const open = join(temporaryFolder(t), 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  t.throws(() => new DiskCache(open), { code: 'usage', message: /0700/ });
  writeFileSync(join(open, 'file'), '');
  t.throws(() => new DiskCache(join(open, 'file')), { code: 'usage' });
  const { url } = await standIn(t, usualFolder(t));
  const gone = join(temporaryFolder(t), 'cache');
  const disk = new DiskCache(gone);
  disk.put = () => Promise.reject(new Error('no space left'));
  const { fetcher, counters, notes } = webFetcher(t, url, { disk });
  await fetcher.constants('x', 7, [EPIX]);
  t.equal(counters.diskFailures, 3);
  t.same(notes, ['the cache cannot be written: no space left'], 'said once');
});

t.test('contents that are not what their document says are kept nowhere', async (t) => {
  const folder = usualFolder(t);
  const inner = folderSource(folder);
  let short = true;
  const source: ConstantSource = {
    name: 'cut',
    documents: (...asked) => inner.documents(...asked),
    contents: async (...asked) => (await inner.contents(...asked)).subarray(0, short ? 3 : undefined),
    shortId: (...asked) => inner.shortId(...asked),
    close: () => {},
  };
  const cache = join(temporaryFolder(t), 'cache');
  const fetcher = new ConstantFetcher({ source, disk: new DiskCache(cache) });
  await t.rejects(fetcher.constants('x', 7, [EPIX]), { code: 'calib-document' });
  short = false;
  t.equal((await fetcher.constants('x', 7, [EPIX])).detectors.get('epix')!.constants.size, 3);
});

t.test('memory: the contents used last stay, up to the limit', async (t) => {
  const cache = new MemoryCache(10);
  const contents = (length: number) => ({ bytes: Buffer.alloc(length), sha256: '' });
  for (const key of ['a', 'b', 'c']) cache.put(key, contents(3));
  cache.get('a');
  cache.put('d', contents(3));
  t.same(
    ['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined),
    ['a', 'c', 'd'],
  );
  cache.put('e', contents(11));
  t.equal(cache.get('e'), undefined, 'too large for the cache');
  t.equal(cache.bytes, 9);
  cache.put('f', contents(10));
  t.equal(cache.bytes, 10);
});

t.test('sets that were fetched are kept, once each; failing to keep one does not fail the run', async (t) => {
  const kept: string[] = [];
  const source = folderSource(usualFolder(t));
  const fetcher = new ConstantFetcher({ source, keep: async ({ run }) => void kept.push(`run ${run}`) });
  await Promise.all([1, 1, 1].map((run) => fetcher.constants('x', run, [EPIX])));
  await fetcher.constants('x', 2, [EPIX]);
  t.same(kept, ['run 1', 'run 2']);
  const notes: string[] = [];
  const failing = new ConstantFetcher({
    source,
    keep: () => Promise.reject(new Error('no space left')),
    note: (message) => notes.push(message),
  });
  await failing.constants('x', 1, [EPIX]);
  await new Promise(setImmediate);
  t.match(notes, [/constants of run 1 are not kept: no space left/]);
  t.equal(failing.counters.keepFailures, 1);
});

t.test('every counter has a meter', async (t) => {
  const counters = new FetchCounters();
  counters.answer('200');
  const names = fetchMeters(counters).map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const { value } of fetchMeters(counters)) t.ok(['number', 'object'].includes(typeof value()));
});
