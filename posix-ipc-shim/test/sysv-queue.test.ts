import t from 'tap';
import { IPC_PRIVATE, type IpcError, listSysvQueues, SysvQueue } from '../src/index.ts';
import { eventually, interrupt, pause, threads } from './play.ts';

const text = (value: string) => Buffer.from(value, 'latin1');

function create(t: { teardown(remove: () => void): void }, maxBytes?: number): SysvQueue {
  const queue = SysvQueue.create(IPC_PRIVATE, maxBytes === undefined ? {} : { maxBytes });
  t.teardown(() => queue.remove());
  return queue;
}

t.test('messages have types, and can be chosen by type', async (t) => {
  const queue = create(t);
  const into = Buffer.alloc(16);
  for (const [message, type] of [
    ['a', 7],
    ['b', 2],
    ['c', 7],
    ['', 3],
  ] as const)
    t.equal(queue.trySend(text(message), type), true);
  t.match(queue.stat(), { messages: 4, bytes: 3, mode: 0o600, key: 0, lastSender: process.pid });
  t.same(listSysvQueues().find(({ id }) => id === queue.id)?.messages, 4);
  const take = (wanted: number) => [into.toString('latin1', 0, queue.tryReceive(into, wanted)), queue.lastType];
  t.same(take(7), ['a', 7]);
  t.same(take(-5), ['b', 2], 'the lowest type up to 5');
  t.same(take(0), ['c', 7], 'the first');
  t.equal(queue.tryReceive(into, 7), -1);
  t.same(take(0), ['', 3]);
  t.throws(() => queue.trySend(text('x'), 0), { code: 'EINVAL', message: /the type is not positive/ });
});

t.test('types larger than 32 bits survive', async (t) => {
  const queue = create(t);
  queue.trySend(text('x'), 2 ** 40 + 1);
  t.equal(queue.tryReceive(Buffer.alloc(8)), 1);
  t.equal(queue.lastType, 2 ** 40 + 1);
});

t.test('a message longer than the buffer stays', async (t) => {
  const queue = create(t);
  queue.trySend(text('12345'));
  t.throws(() => queue.tryReceive(Buffer.alloc(4)), { code: 'E2BIG', message: /it is still in the queue/ });
  t.equal(queue.tryReceive(Buffer.alloc(5)), 5);
});

t.test('a time limit ends a blocking call', async (t) => {
  const queue = create(t);
  const before = threads();
  const start = performance.now();
  t.equal(queue.receive(Buffer.alloc(8), 50), -1);
  while (queue.trySend(Buffer.alloc(4000)));
  t.equal(queue.send(Buffer.alloc(4000), 50), false);
  t.ok(performance.now() - start >= 99, 'both waited');
  t.equal(queue.receive(Buffer.alloc(4000), 0), 4000);
  t.equal(queue.receive(Buffer.alloc(8), 0, 99), -1);
  t.throws(() => queue.receive(Buffer.alloc(8), Number.POSITIVE_INFINITY), RangeError);
  t.ok(await eventually(() => threads() <= before + 1), 'the waiting threads are gone');
});

t.test('signals do not shorten a blocking call', async (t) => {
  const [empty, full] = [create(t), create(t)];
  while (full.trySend(Buffer.alloc(4000)));
  t.same(await interrupt('sysv', String(empty.id)), { result: -1, kept: true, signals: true });
  t.same(await interrupt('sysvFull', String(full.id)), { result: false, kept: true, signals: true });
});

t.test('a removed queue is an error wherever one waits for it', async (t) => {
  const queue = create(t);
  const errors: IpcError[] = [];
  const watch = queue.watch(() => t.fail('nothing was sent'), { onError: (error) => errors.push(error) });
  await pause(20);
  t.equal(SysvQueue.remove(queue.id), true);
  t.equal(SysvQueue.remove(queue.id), false);
  t.ok(await eventually(() => errors.length === 1));
  t.match(errors[0], { code: /EIDRM|EINVAL/, syscall: 'msgrcv' });
  t.equal(watch.closed, true);
  t.throws(() => queue.receive(Buffer.alloc(8), 1000), { code: /EIDRM|EINVAL/ });
  t.throws(() => queue.trySend(text('x')), { code: /EIDRM|EINVAL/ });
});

for (const spinMicroseconds of [0, 50]) {
  t.test(`a watch delivers all in order, also empty messages (looking ${spinMicroseconds} us)`, async (t) => {
    const queue = create(t);
    queue.trySend(text('old'), 2);
    const got: Array<[string, number]> = [];
    const watch = queue.watch((buffer, length, type) => got.push([buffer.toString('latin1', 0, length), type]), {
      spinMicroseconds,
    });
    t.ok(await eventually(() => got.length === 1));
    queue.trySend(Buffer.alloc(0), 4);
    queue.trySend(text('b'), 5);
    t.ok(await eventually(() => got.length === 3));
    await pause(5);
    queue.trySend(Buffer.alloc(0), 6);
    queue.trySend(Buffer.alloc(0), 7);
    queue.trySend(text('c'), 8);
    t.ok(await eventually(() => got.length === 6));
    t.same(got, [
      ['old', 2],
      ['', 4],
      ['b', 5],
      ['', 6],
      ['', 7],
      ['c', 8],
    ]);
    watch.close();
    watch.close();
    queue.trySend(text('kept'));
    await pause(20);
    t.equal(got.length, 6);
    t.equal(queue.stat().messages, 1, 'it stays in the kernel');
  });
}

t.test('a watch for one type leaves the others alone', async (t) => {
  const queue = create(t);
  const got: number[] = [];
  queue.watch((_buffer, _length, type) => got.push(type), { wantedType: 3 });
  for (const type of [1, 3, 2, 3]) queue.trySend(text('x'), type);
  t.ok(await eventually(() => got.length === 2));
  t.same(got, [3, 3]);
  t.equal(queue.stat().messages, 2);
});

t.test('closing in the middle of a batch leaves the rest in the queue, and ends the thread', async (t) => {
  const queue = create(t);
  const before = threads();
  for (let i = 0; i < 5; i++) queue.trySend(text(String(i)));
  let count = 0;
  const watch = queue.watch(() => ++count === 2 && watch.close());
  t.equal(threads(), before + 1);
  t.ok(await eventually(() => watch.closed));
  t.equal(queue.stat().messages, 3);
  t.ok(await eventually(() => threads() === before));
});

t.test('many watches can be opened and closed while messages come', async (t) => {
  const queues = Array.from({ length: 8 }, () => create(t));
  const before = threads();
  let got = 0;
  for (let round = 0; round < 30; round++) {
    const watches = queues.map((queue) => queue.watch(() => got++));
    for (const queue of queues) queue.trySend(text('x'));
    if (round % 2 === 0) await pause(0);
    for (const watch of watches) watch.close();
  }
  const left = queues.reduce((sum, queue) => sum + queue.stat().messages, 0);
  t.equal(got + left, 240, 'each message was delivered or is still there');
  t.ok(await eventually(() => threads() <= before));
});

t.test('sendSoon waits for room', async (t) => {
  const queue = create(t);
  while (queue.trySend(Buffer.alloc(4000)));
  const sent = queue.sendSoon(Buffer.alloc(4000), { type: 9 });
  const into = Buffer.alloc(4000);
  t.equal(queue.trySend(text('x')), false, 'nothing overtakes');
  queue.tryReceive(into);
  await sent;
  t.equal(queue.tryReceive(into, 9), 4000);
  while (queue.trySend(Buffer.alloc(4000)));
  const pending = queue.sendSoon(Buffer.alloc(4000));
  queue.close();
  await t.rejects(pending, { code: 'ECANCELED' });
  t.throws(() => queue.trySend(text('x')), { code: 'EBADF', message: /the queue is closed/ });
});

t.test('create by key: EEXIST, open, limits', async (t) => {
  const key = 0x70000000 + process.pid;
  const queue = SysvQueue.create(key, { mode: 0o620 });
  t.teardown(() => queue.remove());
  t.throws(() => SysvQueue.create(key), { code: 'EEXIST', target: `key 0x${key.toString(16)}` });
  t.equal(SysvQueue.create(key, { ifExists: 'open' }).id, queue.id);
  t.equal(SysvQueue.open(key).id, queue.id);
  t.equal(SysvQueue.find(key), queue.id);
  t.equal(queue.stat().mode, 0o620);
  t.match(
    listSysvQueues().find(({ id }) => id === queue.id),
    { key, mode: 0o620 },
  );
  queue.setMode(0o600);
  t.equal(queue.stat().mode, 0o600);
  queue.remove();
  t.equal(SysvQueue.find(key), undefined);
  t.throws(() => SysvQueue.open(key), { code: 'ENOENT' });
  t.throws(() => SysvQueue.find(IPC_PRIVATE), RangeError);
});
