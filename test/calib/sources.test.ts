/** All sources give the same constants; each of its peculiarities (docs/calib.md). */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exactText } from '../../lib/calib/document.ts';
import { ConstantFetcher } from '../../lib/calib/fetch.ts';
import { bundleOf, saveBundle } from '../../lib/calib/source/bundle.ts';
import { openSource } from '../../lib/calib/source/open.ts';
import { serviceUrl } from '../../lib/calib/source/web.ts';
import type { ConstantSet, DetectorWanted } from '../../lib/calib/types.ts';
import { put, sixOf, temporaryFolder, usualFolder } from './numpy-file.ts';
import { standIn } from './stand-in.ts';

const EPIX: DetectorWanted = { name: 'epix', type: 'epix100', serials: ['0001'] };

function fetcher(t: Test, place: string, passAny = false): ConstantFetcher {
  const made = new ConstantFetcher({ source: openSource(place, {}), passAny });
  t.teardown(() => made.close());
  return made;
}

/** First element of an array, or the text. */
function value(set: ConstantSet, ctype: string, detector = 'epix'): number | string | undefined {
  const constant = set.detectors.get(detector)?.constants.get(ctype);
  if (constant?.kind !== 'ndarray') return constant?.bytes.toString();
  return constant.dtype === '<f4' ? constant.bytes.readFloatLE(0) : constant.bytes[0];
}

function tar(t: Test, folder: string, ...options: string[]): string {
  const file = join(temporaryFolder(t), 'constants.tar');
  execFileSync('tar', [...options, '-cf', file, '-C', folder, '.']);
  return file;
}

t.test('a folder, bundles of every kind of tar, and a service of each give the same set', async (t) => {
  const folder = usualFolder(t);
  const gnu = tar(t, folder, '--format=gnu');
  const places = { folder, gnu, pax: tar(t, folder, '--format=pax'), ustar: tar(t, folder, '--format=ustar') };
  const det = ['epix=epix100:0001'];
  const services = [await standIn(t, folder, { det }), await standIn(t, gnu, { det })];
  const hashes: string[] = [];
  for (const [name, place] of [...Object.entries(places), ...services.map(({ url }) => [url, url] as const)]) {
    const set = await fetcher(t, place).constants('tst1', 7, [EPIX]);
    t.same([...set.detectors.get('epix')!.constants.keys()], ['geometry', 'pedestals', 'pixel_mask'], name);
    t.equal(value(set, 'pedestals'), 6);
    t.equal(value(set, 'pixel_mask'), 3, 'from the own database');
    t.equal(value(set, 'geometry'), '# x y z µm\n');
    const { version, n, when } = set.detectors.get('epix')!.constants.get('geometry')!.doc;
    t.equal(exactText([version!, n!, when!]), '[1.0, 12345678901234567890, {"a": [1, 2.5, null, true]}]');
    t.equal(set.detectors.get('epix')!.id, 'epix100_0001');
    hashes.push(set.hash);
  }
  t.equal(new Set(hashes).size, 1);
  t.not((await fetcher(t, folder).constants('tst1', 4, [EPIX])).hash, hashes[0], 'other constants, another hash');
});

t.test('a folder is named by unique id, name or type, in this order', async (t) => {
  const folder = temporaryFolder(t);
  put(folder, 'epix100/gain.npy', sixOf('<f4', 1));
  const source = fetcher(t, folder);
  const gain = async () => value(await source.constants('x', 1, [EPIX]), 'gain');
  t.equal(await gain(), 1);
  put(folder, 'epix/gain.npy', sixOf('<f4', 2));
  t.equal(await gain(), 2);
  put(folder, 'epix100_0001/gain.npy', sixOf('<f4', 3));
  t.equal(await gain(), 3);
});

t.test('a file that changes is seen at the next run, whatever is cached', async (t) => {
  const folder = temporaryFolder(t);
  put(folder, 'epix/gain.npy', sixOf('<f4', 1));
  const { url } = await standIn(t, folder, { det: ['epix=epix100:0001'] });
  const fetchers = [fetcher(t, folder), fetcher(t, url)];
  for (const each of fetchers) t.equal(value(await each.constants('x', 1, [EPIX]), 'gain'), 1);
  put(folder, 'epix/gain.npy', sixOf('<f4', 2));
  const soon = Date.now() / 1000 + 10;
  utimesSync(join(folder, 'epix/gain.npy'), soon, soon);
  for (const each of fetchers) t.equal(value(await each.constants('x', 2, [EPIX]), 'gain'), 2);
});

t.test('detectors without constants, and long ids in a folder', async (t) => {
  const folder = temporaryFolder(t);
  const long = { name: 'jungfrau', type: 'jungfrau', serials: ['0123456789', '1123456789', '2123456789'] };
  put(folder, 'jungfrau_0123456789_1123456789_2123456789/gain.npy', sixOf('<f4', 4));
  const set = await fetcher(t, folder).constants('x', 1, [EPIX, long]);
  t.same([...set.detectors.keys()], ['epix', 'jungfrau']);
  t.equal(set.detectors.get('epix')!.constants.size, 0);
  t.equal(value(set, 'gain', 'jungfrau'), 4);
  const { url } = await standIn(t, folder);
  t.equal((await fetcher(t, url).constants('x', 1, [EPIX, long])).hash, set.hash);
  const part = { ...long, serials: ['1123456789', '2123456789'] };
  t.equal(
    value(await fetcher(t, url).constants('x', 1, [part]), 'gain', 'jungfrau'),
    4,
    'found by a part of its serial numbers',
  );
});

t.test('a saved set is the same set again, with pickles that nobody has read', async (t) => {
  const folder = usualFolder(t);
  put(folder, 'epix/model.pickle', Buffer.from('not even a pickle'));
  const set = await fetcher(t, folder, true).constants('tst1', 7, [EPIX]);
  t.equal(value(set, 'model'), 'not even a pickle');
  const kept = temporaryFolder(t);
  await saveBundle(kept, set);
  const file = join(kept, 'tst1-r0007.tar');
  const again = await fetcher(t, file, true).constants('tst1', 7, [EPIX]);
  t.equal(again.hash, set.hash);
  for (const ctype of ['geometry', 'pedestals', 'pixel_mask', 'model']) t.equal(value(again, ctype), value(set, ctype));
  const { version } = again.detectors.get('epix')!.constants.get('geometry')!.doc;
  t.equal(exactText(version!), '1.0', 'documents keep their fields');
  t.same(Buffer.concat([...bundleOf(set)]), readFileSync(file), 'the same bytes whenever it is made');
  t.match(execFileSync('tar', ['-tf', file]).toString(), /^epix\/pedestals\.npy$/m, 'tar reads it');
  t.equal(value(await fetcher(t, file).constants('tst1', 12, [EPIX]), 'pedestals'), undefined, 'ranges of runs stay');
});

t.test('names that could be paths do not get into bundles', async (t) => {
  const constants = new Map([['../../escape', { kind: 'str', bytes: Buffer.from('x'), doc: {}, sha256: '' } as const]]);
  const set = { exp: 'x', run: 1, stale: false, hash: '', detectors: new Map([['epix', { id: 'e', constants }]]) };
  t.throws(() => [...bundleOf(set)], { code: 'calib-bundle', message: /escape/ });
});

t.test('what cannot be used says what it is', async (t) => {
  const folder = temporaryFolder(t);
  const refuse = async (place: string, expected: { code: string; message?: RegExp; place?: object }) =>
    t.rejects(async () => fetcher(t, place).constants('x', 1, [EPIX]), expected);
  await refuse(join(folder, 'absent'), { code: 'unreadable-input', message: /no such file/ });
  writeFileSync(join(folder, 'text'), 'x'.repeat(2000));
  await refuse(join(folder, 'text'), { code: 'calib-source', message: /uncompressed archive/ });
  writeFileSync(join(folder, 'short'), Buffer.alloc(100));
  await refuse(join(folder, 'short'), { code: 'calib-source', message: /cut short/ });
  const whole = readFileSync(tar(t, usualFolder(t)));
  writeFileSync(join(folder, 'cut'), whole.subarray(0, 2100));
  await refuse(join(folder, 'cut'), { code: 'calib-source', message: /cut short/ });
  await refuse('ftp://host/x', { code: 'usage', message: /no address/ });
  put(folder, 'a/epix/gain.npy', 'hello hello hello');
  await refuse(join(folder, 'a'), { code: 'npy-file', place: { file: `${folder}/a/epix/gain.npy` } });
  put(folder, 'b/epix/gain.txt', 'x');
  put(folder, 'b/epix/gain.doc.json', '{"a": 1,}');
  await refuse(join(folder, 'b'), { code: 'calib-source', place: { file: `${folder}/b/epix/gain.doc.json`, line: 1 } });
});

t.test('the address of the service: option, environment, inside or outside', async (t) => {
  t.equal(serviceUrl('http://h:1/ws/', { LCLS_CALIB_HTTP: 'http://other' }), 'http://h:1/ws');
  t.equal(serviceUrl(undefined, { LCLS_CALIB_HTTP: 'http://other/x' }), 'http://other/x');
  t.match(serviceUrl(undefined, { SIT_PSDM_OFFSITE: '1' }), /^https:\/\/psextapi/);
  t.match(serviceUrl(undefined, {}), /^https:\/\/psdmint/);
  t.throws(() => serviceUrl('nonsense', {}), { code: 'usage' });
});

t.test('stray files and deep folders are passed over', async (t) => {
  const folder = usualFolder(t);
  for (const path of [
    'README',
    'epix/notes.md',
    'epix/.hidden',
    'epix/old/gain.npy',
    'epix/gain@x.npy',
    'epix/own/deep/a.npy',
  ]) {
    put(folder, path, 'x');
  }
  mkdirSync(join(folder, 'empty'));
  const set = await fetcher(t, folder).constants('x', 1, [EPIX]);
  t.same([...set.detectors.get('epix')!.constants.keys()], ['geometry', 'pedestals', 'pixel_mask']);
});
