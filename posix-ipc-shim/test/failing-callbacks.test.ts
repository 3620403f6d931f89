/** What a callback throws is an uncaught exception, and costs no other message. */
import t from 'tap';
import { EventFd, FutexWord, IPC_PRIVATE, PosixQueue, PosixSharedMemory, SysvQueue } from '../src/index.ts';
import { eventually, nameFor } from './play.ts';

t.test('the next messages come nevertheless', async (t) => {
  const posix = PosixQueue.create(nameFor(t), { messageSize: 8 });
  const sysv = SysvQueue.create(IPC_PRIVATE);
  t.teardown(() => sysv.remove());
  const caught: string[] = [];
  const got: string[] = [];
  // tap listens to uncaught exceptions itself; here they are expected.
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => caught.push(error.message));
  const receive = (name: string) => (buffer: Buffer) => {
    got.push(`${name}${buffer[0]}`);
    if (buffer[0] === 1) throw new Error(`${name} failed`);
  };
  posix.watch(receive('posix'));
  sysv.watch(receive('sysv'));
  for (let i = 0; i < 3; i++) {
    posix.trySend(Buffer.of(i));
    sysv.trySend(Buffer.of(i));
  }
  t.ok(await eventually(() => got.length === 6));
  process.removeAllListeners('uncaughtException');
  for (const listener of listeners) process.on('uncaughtException', listener);
  t.same(caught.toSorted(), ['posix failed', 'sysv failed']);
  t.same(got.toSorted(), ['posix0', 'posix1', 'posix2', 'sysv0', 'sysv1', 'sysv2']);
  posix.close();
});

t.test('everything that has a resource can be disposed of twice', async (t) => {
  const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');
  const memory = PosixSharedMemory.create(nameFor(t), { size: 4096 });
  const watch = new FutexWord(memory, 0).watch(() => {});
  const sysv = SysvQueue.create(IPC_PRIVATE);
  t.teardown(() => SysvQueue.remove(sysv.id));
  for (const each of [watch, memory, EventFd.create(), PosixQueue.create(nameFor(t)), sysv]) {
    t.type(each[dispose], 'function');
    each[dispose]();
    each[dispose]();
  }
});

t.test('a watch that is not referenced does not keep the program alive', async (t) => {
  const queue = SysvQueue.create(IPC_PRIVATE);
  t.teardown(() => queue.remove());
  // This test program itself would hang otherwise: nothing closes these before the end.
  queue.watch(() => {}).unref();
  PosixQueue.create(nameFor(t))
    .watch(() => {})
    .unref();
  EventFd.create()
    .watch(() => {})
    .unref();
  t.pass();
});
