import { statSync, truncateSync } from 'node:fs';
import t from 'tap';
import { IpcError, listPosixMemory, PosixSharedMemory, PosixSharedObject, posixMemoryUsers } from '../src/index.ts';
import { descriptors, finish, nameFor, startPeer } from './play.ts';

t.test('two mappings of one object see each other', async (t) => {
  const name = nameFor(t);
  const first = PosixSharedMemory.create(name, { size: 10_000 });
  const second = PosixSharedMemory.open(name);
  t.equal(second.size, 10_000, 'the exact size, not whole pages');
  first.bytes.write('hello', 9_995);
  t.equal(second.bytes.toString('latin1', 9_995), 'hello');
  first.close();
  second.bytes[0] = 7;
  t.equal(PosixSharedMemory.open(name).bytes[0], 7, 'the object outlives a mapping');
  second.close();
});

t.test('create refuses what exists unless told to open it', async (t) => {
  const name = nameFor(t);
  PosixSharedMemory.create(name, { size: 4096 }).bytes[1] = 9;
  t.throws(() => PosixSharedMemory.create(name, { size: 4096 }), {
    ...{ name: 'IpcError', code: 'EEXIST', errno: 17, syscall: 'shm_open', target: name },
    message: new RegExp(`shm_open ${name}: EEXIST, it exists already`),
  });
  const again = PosixSharedMemory.create(name, { size: 8192, ifExists: 'open' });
  t.equal(again.bytes[1], 9, 'content is kept');
  t.equal(again.size, 8192, 'it has grown');
  const smaller = PosixSharedMemory.create(name, { size: 10, ifExists: 'open' });
  t.equal(smaller.size, 10);
  t.equal(statSync(`/dev/shm${name}`).size, 8192, 'it never shrinks');
});

t.test('unlink says whether there was something', async (t) => {
  const name = nameFor(t);
  PosixSharedMemory.create(name, { size: 1 });
  t.equal(PosixSharedMemory.unlink(name), true);
  t.equal(PosixSharedMemory.unlink(name), false);
  t.throws(() => PosixSharedMemory.open(name), { code: 'ENOENT', message: /no such object/ });
});

t.test('an object smaller than wanted, or without a size yet, is refused at map time', async (t) => {
  const name = nameFor(t);
  PosixSharedMemory.create(name, { size: 4096 });
  t.throws(() => PosixSharedMemory.open(name, { size: 4097 }), {
    code: 'ERANGE',
    message: /has 4096 bytes, 4097 are wanted/,
  });
  truncateSync(`/dev/shm${name}`, 0);
  t.throws(() => PosixSharedMemory.open(name), { code: 'ERANGE', message: /its creator has not set the size yet/ });
});

t.test('the mode is exact, 0600 unless said otherwise', async (t) => {
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  const [plain, wide] = [nameFor(t), nameFor(t)];
  PosixSharedMemory.create(plain, { size: 1 });
  PosixSharedMemory.create(wide, { size: 1, mode: 0o666 });
  const mode = (name: string) => listPosixMemory().find((entry) => entry.name === name)?.mode;
  t.equal(mode(plain), 0o600);
  t.equal(mode(wide), 0o666);
});

t.test(
  'another user gets EACCES',
  { skip: process.getuid?.() !== 0 && 'needs root to become another user' },
  async (t) => {
    const name = nameFor(t);
    PosixSharedMemory.create(name, { size: 1 });
    t.match(await finish(startPeer(['open-posix-memory', name], { uid: 65534 })), { output: 'EACCES', status: 0 });
  },
);

t.test('bad names and sizes are said plainly', async (t) => {
  t.throws(() => PosixSharedMemory.create('/a/b', { size: 1 }), { code: 'EINVAL', message: /a name is "\/" and then/ });
  t.throws(() => PosixSharedMemory.create('/x', { size: 0 }), RangeError);
  t.throws(() => PosixSharedMemory.create('/x', { size: Number.NaN }), RangeError);
  t.throws(() => PosixSharedMemory.create('/x', { size: 2 ** 60 }), RangeError);
  t.throws(() => PosixSharedMemory.create('/x', { size: 1, mode: 0o1777 }), RangeError);
  t.equal(PosixSharedMemory.unlink('/x'), false, 'nothing was made');
});

t.test('a failed creation leaves nothing', async (t) => {
  const name = nameFor(t);
  const before = descriptors();
  // More than any /dev/shm of a test machine is, but less than the limit of an ArrayBuffer: refused before a byte is taken.
  const room = 2 ** 32 - 1;
  try {
    PosixSharedMemory.create(name, { size: room, reserve: false }).close();
    t.equal(PosixSharedMemory.unlink(name), true, 'without reservation it is only address space');
  } catch (error) {
    t.ok(error instanceof IpcError && ['ENOMEM', 'ENOSPC'].includes(error.code));
  }
  t.equal(descriptors(), before);
});

t.test('who maps an object can be found out', async (t) => {
  const name = nameFor(t);
  const memory = PosixSharedMemory.create(name, { size: 4096 });
  t.same(posixMemoryUsers().get(name), [process.pid]);
  memory.close();
  t.equal(posixMemoryUsers().get(name), undefined);
});

t.test('no descriptor stays open', async (t) => {
  const before = descriptors();
  for (let i = 0; i < 100; i++) {
    const name = nameFor(t);
    const memory = PosixSharedMemory.create(name, { size: 4096 });
    t.throws(() => PosixSharedMemory.create(name, { size: 4096 }));
    PosixSharedMemory.open(name, { readOnly: true }).close();
    memory.close();
  }
  t.equal(descriptors(), before);
});

t.test('parts of an object are mapped one by one, also when its name is gone; what a reader writes is its own', (t) => {
  const name = nameFor(t);
  const page = 65_536;
  const whole = PosixSharedMemory.create(name, { size: 4 * page });
  for (let part = 0; part < 4; part++) whole.bytes.fill(part + 1, part * page, (part + 1) * page);
  const object = PosixSharedObject.open(name);
  PosixSharedMemory.unlink(name);
  t.equal(object.size, 4 * page);
  const before = descriptors();
  const part = object.map(2 * page, 1000);
  t.equal(descriptors(), before, 'a mapping needs no descriptor');
  t.equal(part.size, 1000);
  t.ok(part.bytes.equals(Buffer.alloc(1000, 3)));
  whole.bytes[2 * page] = 9;
  t.equal(part.bytes[0], 9, 'it follows the object');
  part.bytes[1] = 77;
  t.equal(whole.bytes[2 * page + 1], 3);
  const again = object.map(2 * page, 1000);
  t.equal(again.bytes[1], 3, 'another mapping sees nothing of it');
  const view = part.bytes;
  part.close();
  t.equal(view.length, 0);
  t.throws(() => object.map(3 * page, page + 1), { code: 'ERANGE' });
  t.throws(() => object.map(100, 10), { code: 'EINVAL' });
  object.close();
  object.close();
  t.throws(() => object.map(0, 10), { code: 'EBADF' });
  t.equal(again.bytes[0], 9, 'mappings stay');
  t.end();
});
