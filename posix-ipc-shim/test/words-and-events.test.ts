import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { EventFd, FutexWord, PosixSharedMemory } from '../src/index.ts';
import { descriptors, eventually, interrupt, nameFor, pause, threads } from './play.ts';

function word(t: Parameters<typeof nameFor>[0]): FutexWord {
  const memory = PosixSharedMemory.create(nameFor(t), { size: 4096 });
  t.teardown(() => memory.close());
  return new FutexWord(memory, 128);
}

t.test('a word is unsigned and atomic', async (t) => {
  const it = word(t);
  t.equal(it.add(0xffffffff), 0);
  t.equal(it.load(), 0xffffffff);
  t.equal(it.compareExchange(5, 6), 0xffffffff);
  t.equal(it.compareExchange(0xffffffff, 6), 0xffffffff);
  t.equal(it.load(), 6);
  t.equal(it.wake(), 0, 'nobody waits');
});

t.test('wait returns at once when the word differs, and at its limit when not', async (t) => {
  const it = word(t);
  it.store(0x80000000);
  t.equal(it.wait(0, 10_000), true);
  const start = performance.now();
  t.equal(it.wait(0x80000000, 40), false);
  t.equal(it.wait(0x80000000, 40, 1000), false, 'also after spinning');
  t.ok(performance.now() - start >= 79);
  t.throws(() => it.wait(0, Number.POSITIVE_INFINITY), RangeError);
});

t.test('signals do not shorten a wait', async (t) => {
  const name = nameFor(t);
  PosixSharedMemory.create(name, { size: 4096 });
  t.same(await interrupt('futex', name), { result: false, kept: true, signals: true });
});

t.test('offsets must be aligned and inside', async (t) => {
  const { mapping } = word(t);
  for (const offset of [1, 2, 4095, 4096, -4, 0.5, Number.NaN]) {
    t.throws(() => new FutexWord(mapping, offset), { code: 'EINVAL', message: /multiple of 4 and inside/ });
  }
  t.ok(new FutexWord(mapping, 4092));
});

for (const spinMicroseconds of [0, 50]) {
  t.test(`a watch calls back when the word changes (looking ${spinMicroseconds} us)`, async (t) => {
    const it = word(t);
    const seen: number[] = [];
    const watch = it.watch((value) => seen.push(value), { spinMicroseconds });
    for (const value of [1, 2, 7]) {
      it.store(value);
      it.wake();
      t.ok(await eventually(() => seen.at(-1) === value));
    }
    t.same(seen, [1, 2, 7], 'once per change');
    watch.close();
    it.store(8);
    it.wake();
    await pause(20);
    t.equal(seen.length, 3);
  });
}

t.test('a watch sees a change that came before it', async (t) => {
  const it = word(t);
  it.store(3);
  const seen: number[] = [];
  it.watch((value) => seen.push(value), { seen: 2 });
  t.ok(await eventually(() => seen.length === 1));
  t.same(seen, [3]);
});

t.test('closing the memory ends its watches and their threads', async (t) => {
  const before = threads();
  const it = word(t);
  it.store(5);
  const watch = it.watch(() => t.fail('nothing changed'));
  t.equal(threads(), before + 1);
  it.mapping.close();
  t.equal(watch.closed, true);
  await pause(20);
  t.ok(await eventually(() => threads() === before));
});

t.test('an eventfd adds up signals', async (t) => {
  const event = EventFd.create(2);
  t.equal(event.take(), 2);
  t.equal(event.take(), 0);
  t.equal(event.signal(), true);
  event.signal(4);
  t.equal(event.take(1000), 5);
  const start = performance.now();
  t.equal(event.take(30), 0);
  t.ok(performance.now() - start >= 29);
  t.throws(() => event.signal(0), RangeError);
  const counts: number[] = [];
  event.watch((count) => counts.push(count));
  event.signal(7);
  t.ok(await eventually(() => counts.length === 1));
  t.same(counts, [7]);
  event.close();
  event.close();
  t.equal(event.fd, -1);
  t.throws(() => event.signal(), { code: 'EBADF' });
});

t.test('a child signals through an inherited eventfd', async (t) => {
  const event = EventFd.create();
  const child = spawn('python3', ['-c', 'import os; os.write(3, (9).to_bytes(8, "little"))'], {
    stdio: ['ignore', 'inherit', 'inherit', event.fd],
  });
  const [count] = await Promise.all([new Promise((resolve) => event.watch(resolve)), once(child, 'exit')]);
  t.equal(count, 9);
  event.close();
});

t.test('a full counter says so, and no descriptor stays open', async (t) => {
  const before = descriptors();
  const event = EventFd.create();
  for (let i = 0; i < 2 ** 12; i++) if (!event.signal(Number.MAX_SAFE_INTEGER)) break;
  t.equal(event.signal(Number.MAX_SAFE_INTEGER), false);
  event.watch(() => {});
  event.close();
  t.ok(await eventually(() => descriptors() === before));
});
