import { readFileSync, truncateSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deflate } from 'node:zlib';
import t from 'tap';
import {
  FutexWord,
  IPC_PRIVATE,
  type Mapping,
  PosixSharedMemory,
  posixMemoryUsers,
  SysvSharedMemory,
} from '../src/index.ts';
import { eventually, nameFor, pause } from './play.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
// Node 20 has it behind a flag; the function of another context works on any buffer.
if (!('transfer' in ArrayBuffer.prototype)) setFlagsFromString('--harmony-rab-gsab-transfer');
const transfer = runInNewContext('ArrayBuffer.prototype.transfer') as (this: ArrayBuffer) => ArrayBuffer;

const kinds: Array<[string, (t: Parameters<typeof nameFor>[0]) => Mapping]> = [
  ['POSIX', (t) => PosixSharedMemory.create(nameFor(t), { size: 8192 })],
  [
    'SysV',
    () => {
      const segment = SysvSharedMemory.create(IPC_PRIVATE, { size: 8192 });
      segment.remove();
      return segment;
    },
  ],
];

for (const [kind, create] of kinds) {
  t.test(`${kind}: after close every view is empty and nothing can touch the memory`, async (t) => {
    const memory = create(t);
    const { buffer, bytes } = memory;
    const words = new Uint32Array(buffer);
    const data = new DataView(buffer);
    const word = new FutexWord(memory, 0);
    bytes.fill(1);
    memory.close();
    memory.close();
    t.equal(memory.closed, true);
    t.equal(buffer.byteLength, 0);
    t.equal(words.length, 0);
    t.equal(words[0], undefined);
    words[0] = 5;
    t.equal(words[0], undefined);
    t.throws(() => data.getUint8(0), TypeError);
    t.throws(() => bytes.readUInt32LE(0), RangeError);
    t.throws(() => memory.buffer, { code: 'EBADF', message: /the mapping is closed/ });
    t.throws(() => memory.bytes, { code: 'EBADF' });
    t.throws(() => word.load(), TypeError);
    t.throws(() => word.wake(), { code: 'EBADF' });
    t.throws(() => word.wait(0, 10), { code: 'EBADF' });
    t.throws(() => word.watch(() => {}), Error);
    t.equal(memory.truncated, false);
  });

  t.test(`${kind}: memory that the program moved to another buffer stays readable after close`, async (t) => {
    const memory = create(t);
    memory.bytes.fill(3);
    const moved = new Uint8Array(transfer.call(memory.buffer));
    t.equal(moved[100], 3);
    memory.close();
    t.equal(moved[100], 0, 'it reads as zeros');
    moved[100] = 1;
    t.equal(moved[100], 1, 'and can be written, privately');
  });

  t.test(`${kind}: a buffer cannot be posted away`, async (t) => {
    const memory = create(t);
    try {
      structuredClone(memory.buffer, { transfer: [memory.buffer] });
    } catch (error) {
      t.match(error, { name: 'DataCloneError' });
    }
    t.equal(memory.buffer.byteLength, 8192, 'it was copied or refused, never taken');
  });

  t.test(`${kind}: closing while Node works on the memory in its threads does not crash`, async (t) => {
    for (let i = 0; i < 20; i++) {
      const memory = create(t);
      const compressed = new Promise<Error | null>((resolve) => deflate(memory.bytes, (error) => resolve(error)));
      const written = writeFile('/dev/null', memory.bytes).then(
        () => 'written',
        () => 'refused',
      );
      memory.close();
      await compressed;
      t.ok(await written);
    }
  });

  t.test(`${kind}: a forgotten mapping is unmapped when its buffer is collected`, async (t) => {
    const before = mappings();
    let view: Buffer | undefined;
    for (let i = 0; i < 50; i++) view = create(t).bytes;
    t.ok(mappings() >= before + 50);
    t.ok(
      await eventually(() => {
        collect();
        return mappings() <= before + 1;
      }),
      'only the one with a view is left',
    );
    t.equal(view?.length, 8192, 'a view alone keeps its mapping');
    view?.fill(1);
    view = undefined;
  });
}

function mappings(): number {
  return (readFileSync('/proc/self/maps', 'latin1').match(/\/dev\/shm\/shim_test|\/SYSV/g) ?? []).length;
}

t.test('a segment is detached in the kernel at once, not when the buffer is collected', async (t) => {
  const segment = SysvSharedMemory.create(IPC_PRIVATE, { size: 4096 });
  const held = segment.bytes;
  const second = SysvSharedMemory.attach(segment.id);
  t.equal(second.stat().attached, 2);
  segment.close();
  t.equal(second.stat().attached, 1);
  second.remove();
  second.close();
  t.throws(() => SysvSharedMemory.stat(segment.id), { code: 'EINVAL' });
  t.equal(held.length, 0);
});

t.test('a read-only mapping cannot crash, cannot reach the object, and follows it', async (t) => {
  const name = nameFor(t);
  const memory = PosixSharedMemory.create(name, { size: 8192 });
  const view = PosixSharedMemory.open(name, { readOnly: true });
  t.equal(view.readOnly, true);
  memory.bytes[0] = 1;
  t.equal(view.bytes[0], 1, 'it sees what others write');
  view.bytes[4096] = 99;
  t.equal(memory.bytes[4096], 0, 'others do not see what it writes');
  memory.bytes[1] = 2;
  t.equal(view.bytes[1], 2, 'pages that were not written still follow');
  t.throws(() => new FutexWord(view, 0).wake(), { code: 'EACCES', message: /privately/ });
});

t.test('an object that is truncated under a mapping reads as zeros and is reported', async (t) => {
  const name = nameFor(t);
  const memory = PosixSharedMemory.create(name, { size: 5 * 4096 });
  memory.bytes.fill(8);
  truncateSync(`/dev/shm${name}`, 4096);
  t.equal(memory.truncated, false, 'not noticed before it is touched');
  t.equal(memory.bytes[4095], 8, 'what is still there stays');
  t.equal(memory.bytes[4096], 0);
  t.equal(memory.truncated, true);
  memory.bytes.fill(5);
  t.equal(memory.bytes[5 * 4096 - 1], 5, 'writing works, privately');
  memory.close();
  t.equal(memory.truncated, true, 'still known after close');
  const other = PosixSharedMemory.open(name);
  t.equal(other.bytes[4095], 5);
  t.equal(other.truncated, false);
});

t.test('closing in random order never frees the wrong one', async (t) => {
  const name = nameFor(t);
  const first = PosixSharedMemory.create(name, { size: 4096 });
  const many = Array.from({ length: 64 }, () => PosixSharedMemory.open(name));
  for (let i = 0; i < many.length; i++) {
    many[(i * 7) % 64]?.close();
    first.bytes[0] = i;
    for (const memory of many) if (!memory.closed && memory.bytes[0] !== i) t.fail('another mapping was taken away');
  }
  await pause(10);
  first.bytes[1] = 4;
  t.equal(first.bytes[1], 4);
  t.same(posixMemoryUsers().get(name), [process.pid]);
});
