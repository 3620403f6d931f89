/** What calib-sub makes of messages: right ones, wrong ones, repeated ones; and what it saves (docs/calib.md). */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FRAMES_MARK, npyFrames, type Stamp } from '../../lib/calib/encode/npy-frames.ts';
import { pickleSet } from '../../lib/calib/encode/pickle.ts';
import { deflate } from '../../lib/calib/encode/zlib.ts';
import { messageLines } from '../../lib/calib/subscribe/print.ts';
import { type ReceivedSet, readMessage } from '../../lib/calib/subscribe/received.ts';
import { Repeats } from '../../lib/calib/subscribe/repeats.ts';
import { saveSet } from '../../lib/calib/subscribe/save.ts';
import { Random } from '../random.ts';
import { array, float, int, opaque, setOf, text } from './constants.ts';

const stamp: Stamp = { origin: '0123456789abcdef', seq: 3, partition: 2 };
const doc = { run: int(0), run_end: 'end', big: int(2n ** 60n + 1n), one: float(1), none: null };
const set = setOf({
  epix: {
    pedestals: array('<f4', [3, 6], doc),
    same: array('<f4', [18]),
    geometry: text('flat\u{1f52c}'),
    model: opaque(Buffer.from('x')),
  },
  opal: {},
});
const read = (frames: readonly Buffer[]) => readMessage(frames) as ReceivedSet;

t.test('everything comes back as it was, documents exactly; equal contents travel once', async (t) => {
  const frames = npyFrames(set, stamp);
  t.equal(frames.length, 2 + 3, 'four constants, two with the same bytes');
  const received = read(frames);
  t.match(received, { origin: stamp.origin, seq: 3, exp: 'tst1', run: 7, stale: false, hash: set.hash });
  t.same(received.detectors, ['epix', 'opal']);
  const [pedestals, same, geometry, model] = received.constants;
  t.match(pedestals, { detector: 'epix', ctype: 'pedestals', kind: 'ndarray', dtype: '<f4', shape: [3, 6] });
  t.same({ ...pedestals!.doc }, doc);
  t.equal(pedestals!.data, same!.data);
  t.equal(geometry!.data.toString(), 'flat\u{1f52c}');
  t.equal(model!.kind, 'bytes');
  t.equal(JSON.parse(frames[1]!.toString()).partition, 2, 'plain JSON');
  t.match(messageLines(received), [
    /run 7 of tst1/,
    /detector/,
    /pedestals .*\(3, 6\)/,
    /same/,
    /geometry/,
    /model/,
    'opal has no constants',
    /hash/,
  ]);
  t.match(
    messageLines(read(npyFrames({ ...set, stale: true, exp: undefined, run: 0 }, stamp)))[0],
    /without experiment, STALE/,
  );
});

t.test('infinity and not-a-number are written so that every reader of JSON takes them', async (t) => {
  const odd = { inf: float(Number.POSITIVE_INFINITY), minus: float(Number.NEGATIVE_INFINITY), nan: float(Number.NaN) };
  const header = npyFrames(setOf({ d: { c: text('', odd) } }), stamp)[1]!.toString();
  t.match(JSON.parse(header).detectors.d.constants.c.doc, { inf: Infinity, minus: -Infinity, nan: null });
});

t.test('pickles are measured, not read', async (t) => {
  const pickle = pickleSet(set);
  t.match(readMessage([Buffer.concat(pickle)]), { format: 'pickle', protocol: 3, sha256: /^[0-9a-f]{64}$/ });
  t.match(readMessage([Buffer.concat(await deflate(pickle))]), { format: 'zlib', protocol: 3 });
});

t.test('a message that is wrong is refused with the reason', async (t) => {
  const frames = npyFrames(set, stamp);
  const changed = (change: (header: string) => string) => [
    frames[0]!,
    Buffer.from(change(frames[1]!.toString())),
    ...frames.slice(2),
  ];
  const refused = (message: readonly Buffer[], why: RegExp) =>
    t.throws(() => readMessage(message), { code: 'bad-constants', message: why });
  refused([], /0 frames/);
  refused([Buffer.from('hello')], /neither calib\/1 nor a pickle/);
  refused([Buffer.from('x'), Buffer.from('y')], /2 frames/);
  refused([Buffer.from('789cffff', 'hex')], /neither|cannot be read/);
  refused([FRAMES_MARK], /without a header/);
  refused([FRAMES_MARK, Buffer.from('{')], /cannot be read/);
  refused([FRAMES_MARK, Buffer.from('[]')], /no object/);
  refused(
    changed((header) => header.replace('"v": 1', '"v": 2')),
    /another version/,
  );
  refused(
    changed((header) => header.replace('[3, 6]', '[3, 7]')),
    /does not have 72 bytes/,
  );
  refused(
    changed((header) => header.replace('"blob": 0', '"blob": 9')),
    /72 bytes in the header and none/,
  );
  refused(frames.slice(0, -1), /none in the message/);
  refused([...frames.slice(0, 2), Buffer.alloc(72), ...frames.slice(3)], /hash of the header/);
});

t.test('damaged headers are refused or read, never anything else', async (t) => {
  const frames = npyFrames(set, stamp);
  for (let seed = 0; seed < 3000; seed++) {
    const random = new Random(seed);
    const header = Buffer.from(frames[1]!);
    for (let i = random.below(4); i >= 0; i--) header[random.below(header.length)] = random.below(256);
    try {
      readMessage([frames[0]!, header, ...frames.slice(2)]);
    } catch (error) {
      if ((error as { code?: string }).code !== 'bad-constants') return t.fail(`seed ${seed}: ${String(error)}`);
    }
  }
  t.pass();
});

t.test('repeats: by number of one publisher, and by content after it was started again', async (t) => {
  const repeats = new Repeats();
  const told = { origin: 'a', seq: 4, exp: 'x' as string | undefined, run: 7, hash: 'h' };
  t.notOk(repeats.has(told));
  t.ok(repeats.has(told));
  t.ok(repeats.has({ ...told, origin: 'b', seq: 1 }), 'the same run from a new publisher');
  t.ok(repeats.has({ ...told, origin: 'b', seq: 1 }));
  t.notOk(repeats.has({ ...told, origin: 'b', seq: 2 }), 'the same publisher begins the run again');
  t.notOk(repeats.has({ ...told, origin: 'c', seq: 1, hash: 'other' }));
  t.notOk(repeats.has({ ...told, origin: 'd', exp: undefined, run: 0 }));
  t.notOk(repeats.has({ ...told, origin: 'e', exp: undefined, run: 0 }), 'runs without a name are never the same');
});

t.test('a saved set appears whole or not at all, and names stay in the folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calib-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  saveSet(read(npyFrames(set, stamp)), join(folder, 'new', 'set'));
  t.same(readdirSync(join(folder, 'new')), ['set']);
  t.same(readdirSync(join(folder, 'new', 'set', 'epix')).sort(), [
    ...['geometry.doc.json', 'geometry.txt', 'model.bin', 'model.doc.json'],
    ...['pedestals.doc.json', 'pedestals.npy', 'same.doc.json', 'same.npy'],
  ]);
  t.match(
    readFileSync(join(folder, 'new', 'set', 'epix', 'pedestals.doc.json'), 'utf8'),
    /"big": 1152921504606846977, "one": 1\.0/,
  );
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'mine'), '');
  t.throws(() => saveSet(read(npyFrames(set, stamp)), join(folder, 'full')), {
    code: 'output-failed',
    message: /not empty/,
  });
  for (const name of ['..', '../x', 'a/b', '.hidden', '']) {
    const evil = read(npyFrames(setOf({ [name]: { c: text('x') } }), stamp));
    t.throws(() => saveSet(evil, join(folder, 'evil')), { code: 'bad-constants' }, name);
    const ctype = read(npyFrames(setOf({ d: { [name]: text('x') } }), stamp));
    t.throws(() => saveSet(ctype, join(folder, 'evil')), { code: 'bad-constants' }, name);
  }
  t.same(readdirSync(folder).sort(), ['full', 'new']);
});
