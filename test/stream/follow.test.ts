import { appendFileSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { announcedChunk, continuesChunk } from '../../lib/stream/chunks.ts';
import { canGrow, FollowSource } from '../../lib/stream/follow.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import { Walker } from '../../lib/xtc/walk.ts';
import { CONFIGURE, data, dgram, ENABLE, L1ACCEPT, names, shapes, shapesData, u32, walkAll } from '../xtc/raw.ts';
import { fileOf, readAll, temporaryFolder } from './streams.ts';

const configure = dgram({ service: CONFIGURE });
const event = (nsec: number) => dgram({ nsec }, Buffer.alloc(50));
const FAST = { interval: 5, timeout: 10_000 };

t.test('a growing file gives every dgram as soon as it is whole; a time-out ends it', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a.xtc2', Buffer.alloc(0));
  const whole = Buffer.concat([configure, ...Array.from({ length: 20 }, (_, i) => event(i))]);
  const source = new FollowSource(file, { interval: 5, timeout: 150 });
  const seen: number[] = [];
  const reading = readAll(source, (one) => seen.push(one.index));
  for (let at = 0; at < whole.length; at += 101) {
    appendFileSync(file, whole.subarray(at, at + 101));
    await sleep(2);
  }
  await reading;
  t.equal(seen.length, 21);
  t.ok(source.gaveUp);
  t.match(source.lost, /nothing came for 0.15 s/);
});

t.test('a file that does not exist yet is waited for', async (t) => {
  const file = join(temporaryFolder(t), 'a.xtc2');
  const stop = new AbortController();
  const reading = readAll(new FollowSource(file, FAST), () => stop.abort(), { stop: stop.signal });
  await sleep(15);
  writeFileSync(file, configure);
  const reader = await reading;
  t.equal(reader.framed, 1);
  t.same(reader.findings, []);
});

for (const given of ['a.xtc2.inprogress', 'a.xtc2']) {
  t.test(`asked for ${given}: the rename of .inprogress is the end, without a time-out (section 14)`, async (t) => {
    const folder = temporaryFolder(t);
    const file = fileOf(folder, 'a.xtc2.inprogress', configure);
    const source = new FollowSource(join(folder, given), FAST);
    const reading = readAll(source, () => {});
    appendFileSync(file, event(1));
    await sleep(20);
    appendFileSync(file, event(2));
    renameSync(file, join(folder, 'a.xtc2'));
    const reader = await reading;
    t.equal(reader.framed, 3);
    t.notOk(source.gaveUp);
    t.notOk(existsSync(file));
  });
}

t.test('skipping waits for the bytes while they come, and gives up after the time-out', async (t) => {
  const file = fileOf(temporaryFolder(t), 'a', Buffer.alloc(10));
  const source = new FollowSource(file, { interval: 5, timeout: 60 });
  t.equal(await source.read(Buffer.alloc(4)), 4);
  const skipping = source.skip(100);
  for (let i = 0; i < 10; i++) {
    await sleep(15);
    appendFileSync(file, Buffer.alloc(10));
  }
  t.equal(await skipping, 100, 'it grew for longer than the time-out');
  t.equal(await source.skip(100), 6);
  t.ok(source.gaveUp);
  source.close();
  source.close();
});

t.test('closing ends a wait', async (t) => {
  const source = new FollowSource(join(temporaryFolder(t), 'never'), FAST);
  setTimeout(() => source.close(), 10);
  t.equal(await source.read(Buffer.alloc(10)), 0);
  t.notOk(source.gaveUp);
});

t.test('only files grow: pipes and devices end by themselves', async (t) => {
  const folder = temporaryFolder(t);
  t.ok(canGrow(fileOf(folder, 'a', Buffer.alloc(0))));
  t.ok(canGrow(join(folder, 'not yet')));
  t.notOk(canGrow('-'));
  t.notOk(canGrow('/dev/null'));
});

t.test('the next chunk of the same stream has the next number (section 14)', async (t) => {
  t.ok(continuesChunk('x/e-r0014-s000-c000.xtc2', 'y/e-r0014-s000-c001.xtc2'));
  t.ok(continuesChunk('e-s000-c009.xtc2.inprogress', 'e-s000-c010.xtc2'));
  t.ok(continuesChunk('e-s000-c009.xtc2', 'e-s000-c010.xtc2.inprogress'));
  t.notOk(continuesChunk('e-r0014-s000-c000.xtc2', 'e-r0014-s000-c002.xtc2'));
  t.notOk(continuesChunk('e-r0014-s000-c000.xtc2', 'e-r0014-s001-c001.xtc2'));
  t.notOk(continuesChunk('a.xtc2', 'b.xtc2'));
});

const CHUNKINFO = names(
  [
    { name: 'chunkid', type: 2 },
    { name: 'filename', type: 10, rank: 1 },
  ],
  { det: 'chunkinfo', alg: 'chunkinfo' },
);

function announce(service: number, filename: string, current: string, whole = true): string | undefined {
  const walker = new Walker();
  walkAll([dgram({ service: CONFIGURE }, CHUNKINFO)], {}, walker);
  const text = Buffer.from(`${filename}\0`);
  const one = new Dgram(dgram({ service }, shapesData([shapes([text.length]), data(u32(1), text)])));
  one.whole = whole;
  return announcedChunk(one, walker, current);
}

t.test('an Enable announces the next chunk, wherever its machine keeps it (sections 10 and 14)', async (t) => {
  const current = '/data/e-r0001-s000-c000.xtc2';
  t.equal(announce(ENABLE, '/elsewhere/e-r0001-s000-c001.xtc2', current), '/data/e-r0001-s000-c001.xtc2');
  t.equal(announce(L1ACCEPT, 'e-r0001-s000-c001.xtc2', current), undefined);
  t.equal(announce(ENABLE, '', current), undefined);
  t.equal(announce(ENABLE, 'e-r0001-s000-c000.xtc2', current), undefined, 'itself');
  t.equal(announce(ENABLE, 'e-r0001-s000-c000.xtc2', `${current}.inprogress`), undefined, 'itself, still in progress');
  t.equal(
    announce(ENABLE, 'e-r0001-s000-c001.xtc2', current, false),
    undefined,
    'a header without its payload says nothing',
  );
});
