import { fstatSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { PosixQueue } from '../src/index.ts';
import { descriptors, eventually, finish, interrupt, nameFor, pause, startPeer } from './play.ts';

const text = (value: string) => Buffer.from(value, 'latin1');

t.test('messages come by priority, then in order', async (t) => {
  const queue = PosixQueue.create(nameFor(t), { maxMessages: 4, messageSize: 16 });
  const into = Buffer.alloc(16);
  for (const [message, priority] of [
    ['a', 0],
    ['b', 5],
    ['c', 5],
    ['', 31],
  ] as const)
    t.equal(queue.trySend(text(message), priority), true);
  t.equal(queue.messages, 4);
  t.equal(queue.trySend(text('full')), false);
  const received = Array.from({ length: 4 }, () => [
    into.toString('latin1', 0, queue.tryReceive(into)),
    queue.lastPriority,
  ]);
  t.same(received, [
    ['', 31],
    ['b', 5],
    ['c', 5],
    ['a', 0],
  ]);
  t.equal(queue.tryReceive(into), -1);
  queue.close();
});

t.test('what is too long is an error on both sides and nothing is lost', async (t) => {
  const queue = PosixQueue.create(nameFor(t), { maxMessages: 1, messageSize: 16 });
  t.throws(() => queue.trySend(Buffer.alloc(17)), { code: 'EMSGSIZE', syscall: 'mq_send', target: queue.name });
  queue.trySend(text('x'));
  t.throws(() => queue.tryReceive(Buffer.alloc(15)), { code: 'EMSGSIZE', message: /the buffer is smaller/ });
  t.equal(queue.tryReceive(Buffer.alloc(16)), 1);
  queue.close();
});

t.test('a time limit ends a blocking call, and must be finite', async (t) => {
  const queue = PosixQueue.create(nameFor(t), { maxMessages: 1 });
  const into = Buffer.alloc(8192);
  const start = performance.now();
  t.equal(queue.receive(into, 50), -1);
  queue.trySend(text('x'));
  t.equal(queue.send(text('y'), 50), false);
  t.ok(performance.now() - start >= 99, 'both waited');
  t.equal(queue.receive(into, 0), 1);
  t.equal(queue.receive(into, 0), -1);
  for (const limit of [Number.POSITIVE_INFINITY, Number.NaN, -1])
    t.throws(() => queue.receive(into, limit), RangeError);
  queue.close();
});

t.test('signals do not shorten a blocking call', async (t) => {
  const names = [nameFor(t), nameFor(t)] as const;
  const empty = PosixQueue.create(names[0]);
  const full = PosixQueue.create(names[1], { maxMessages: 1 });
  full.trySend(text('x'));
  const cases: Array<[string, string, number | boolean]> = [
    ['posix', names[0], -1],
    ['posixFull', names[1], false],
  ];
  await Promise.all(
    cases.map(async ([kind, name, result]) => {
      t.same(await interrupt(kind, name), { result, kept: true, signals: true });
    }),
  );
  empty.close();
  full.close();
});

t.test('access is what was asked for', async (t) => {
  const name = nameFor(t);
  const writer = PosixQueue.create(name, { access: 'write' });
  const reader = PosixQueue.open(name, { access: 'read' });
  t.throws(() => writer.tryReceive(Buffer.alloc(8192)), { code: 'EBADF', message: /opened for writing only/ });
  t.throws(() => reader.trySend(text('x')), { code: 'EBADF', message: /opened for reading only/ });
  t.same([reader.maxMessages, reader.messageSize], [10, 8192]);
  writer.close();
  reader.close();
});

t.test('create: EEXIST, open, exact mode, limits', async (t) => {
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  const name = nameFor(t);
  const queue = PosixQueue.create(name, { maxMessages: 2, messageSize: 32, mode: 0o660 });
  t.equal(fstatSync(queue.fd).mode & 0o777, 0o660);
  t.throws(() => PosixQueue.create(name), { code: 'EEXIST' });
  const again = PosixQueue.create(name, { ifExists: 'open', maxMessages: 9 });
  t.equal(again.maxMessages, 2, 'with the sizes that it has');
  const plain = PosixQueue.create(nameFor(t));
  t.equal(fstatSync(plain.fd).mode & 0o777, 0o600);
  t.throws(() => PosixQueue.create(nameFor(t), { messageSize: 2 ** 40 }), { code: /EINVAL|EMFILE|ENOMEM/ });
  t.throws(() => PosixQueue.create('/a/b'), { code: /EACCES|EINVAL|ENOENT/ });
  t.equal(PosixQueue.unlink(name), true);
  t.equal(PosixQueue.unlink(name), false);
  for (const each of [queue, again, plain]) each.close();
});

t.test(
  'another user gets EACCES',
  { skip: process.getuid?.() !== 0 && 'needs root to become another user' },
  async (t) => {
    const name = nameFor(t);
    PosixQueue.create(name).close();
    t.match(await finish(startPeer(['open-posix-queue', name], { uid: 65534 })), { output: 'EACCES', status: 0 });
  },
);

t.test('a watch delivers what was there before and what comes', async (t) => {
  const queue = PosixQueue.create(nameFor(t), { maxMessages: 4, messageSize: 8 });
  queue.trySend(text('old'), 2);
  const got: Array<[string, number]> = [];
  const watch = queue.watch((buffer, length, priority) => got.push([buffer.toString('latin1', 0, length), priority]));
  t.throws(() => queue.watch(() => {}), { code: 'EBUSY' });
  t.ok(await eventually(() => got.length === 1));
  for (const message of ['a', 'b', 'c']) queue.trySend(text(message));
  t.ok(await eventually(() => got.length === 4));
  t.same(got, [
    ['old', 2],
    ['a', 0],
    ['b', 0],
    ['c', 0],
  ]);
  watch.close();
  watch.close();
  queue.trySend(text('kept'));
  await pause(20);
  t.equal(got.length, 4);
  t.equal(queue.messages, 1, 'it stays in the kernel');
  queue.watch(() => queue.close());
  t.ok(await eventually(() => queue.closed), 'a second watch works, and may close its own queue');
});

t.test('closing in the middle of a batch leaves the rest in the queue', async (t) => {
  const name = nameFor(t);
  const queue = PosixQueue.create(name, { maxMessages: 5, messageSize: 8 });
  for (let i = 0; i < 5; i++) queue.trySend(text(String(i)));
  const other = PosixQueue.open(name);
  let count = 0;
  queue.watch(() => ++count === 2 && queue.close());
  t.ok(await eventually(() => queue.closed));
  t.equal(count, 2);
  t.equal(other.messages, 3);
  other.close();
});

t.test('sendSoon keeps the order, waits for room, and can be given up', async (t) => {
  const queue = PosixQueue.create(nameFor(t), { maxMessages: 1, messageSize: 8 });
  const into = Buffer.alloc(8);
  const sent = ['a', 'b', 'c'].map((message) => queue.sendSoon(text(message)));
  t.equal(queue.trySend(text('x')), false, 'nothing overtakes');
  t.throws(() => queue.send(text('x'), 10), { code: 'EBUSY' });
  const late = queue.sendSoon(text('late'), { timeoutMs: 20 });
  const abort = new AbortController();
  const aborted = queue.sendSoon(text('no'), { signal: abort.signal });
  abort.abort(new Error('changed my mind'));
  await t.rejects(aborted, { message: 'changed my mind' });
  await t.rejects(late, { code: 'ETIMEDOUT', target: queue.name });
  const order: string[] = [];
  while (order.length < 3) {
    if (queue.tryReceive(into) === 1) order.push(into.toString('latin1', 0, 1));
    await pause(1);
  }
  await Promise.all(sent);
  t.same(order, ['a', 'b', 'c']);
  queue.trySend(text('d'));
  const pending = queue.sendSoon(text('e'));
  queue.close();
  await t.rejects(pending, { code: 'ECANCELED', message: /the queue was closed/ });
  await t.rejects(queue.sendSoon(text('f')), { code: 'EBADF' });
});

t.test('no descriptor stays open', async (t) => {
  const before = descriptors();
  for (let i = 0; i < 50; i++) {
    const name = nameFor(t);
    const queue = PosixQueue.create(name, { messageSize: 8 });
    queue.watch(() => {});
    t.throws(() => PosixQueue.create(name));
    t.throws(() => PosixQueue.open(`${name}_none`));
    queue.close();
    queue.close();
    t.equal(queue.fd, -1);
    PosixQueue.unlink(name);
  }
  await pause(5);
  t.equal(descriptors(), before);
});

t.test('queues that are forgotten are closed when they are collected, watched ones are not', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = descriptors();
  const name = nameFor(t);
  PosixQueue.create(name, { messageSize: 8 }).close();
  let got = 0;
  const watch = PosixQueue.open(name).watch(() => got++);
  for (let i = 0; i < 50; i++) PosixQueue.open(name);
  const collected = () => {
    collect();
    return descriptors() <= before + 2;
  };
  t.ok(await eventually(collected));
  PosixQueue.open(name).trySend(text('x'));
  t.ok(await eventually(() => got === 1), 'the watch still works');
  watch.close();
});
