import t from 'tap';
import { IPC_PRIVATE, listSysvMemory, SysvSharedMemory } from '../src/index.ts';
import { finish, startPeer } from './play.ts';

/** A key for this process; bit 31 is set, to see that keys are unsigned throughout. */
const key = (0x80000000 + (process.pid << 4)) >>> 0;

function create(
  t: { teardown(remove: () => void): void },
  options: { size?: number; mode?: number } = {},
): SysvSharedMemory {
  const segment = SysvSharedMemory.create(key, { size: 5000, ...options });
  t.teardown(() => {
    segment.close();
    segment.remove();
  });
  return segment;
}

t.test('a segment is found by key and by id', async (t) => {
  t.equal(SysvSharedMemory.find(key), undefined);
  const segment = create(t);
  t.equal(segment.size, 5000);
  t.equal(SysvSharedMemory.find(key), segment.id);
  segment.bytes.write('hello');
  t.equal(SysvSharedMemory.open(key).bytes.toString('latin1', 0, 5), 'hello');
  t.equal(SysvSharedMemory.attach(segment.id).bytes.toString('latin1', 0, 5), 'hello');
});

t.test('stat and the list agree', async (t) => {
  const segment = create(t, { mode: 0o640 });
  const status = segment.stat();
  t.match(status, { key, mode: 0o640, size: 5000, attached: 1, creatorPid: process.pid, markedForRemoval: false });
  t.same(
    listSysvMemory().find(({ id }) => id === segment.id),
    status,
  );
  SysvSharedMemory.setMode(segment.id, 0o600);
  t.equal(segment.stat().mode, 0o600);
});

t.test('a removed segment stays until the last mapping goes', async (t) => {
  const segment = create(t);
  t.equal(segment.remove(), true);
  t.equal(SysvSharedMemory.find(key), undefined, 'the key is free at once');
  segment.bytes[4999] = 1;
  t.equal(segment.bytes[4999], 1);
  t.equal(segment.stat().markedForRemoval, true);
  segment.close();
  t.equal(segment.remove(), false, 'gone');
  t.throws(() => segment.stat(), { code: 'EINVAL', message: /there is no segment with this id/ });
});

t.test('create refuses what exists unless told to open it', async (t) => {
  const segment = create(t);
  const shown = `key 0x${key.toString(16)}`;
  t.throws(() => SysvSharedMemory.create(key, { size: 1 }), { code: 'EEXIST', syscall: 'shmget', target: shown });
  t.equal(SysvSharedMemory.create(key, { size: 1, ifExists: 'open' }).id, segment.id);
  t.throws(() => SysvSharedMemory.create(key, { size: 9999, ifExists: 'open' }), { code: 'EINVAL' }, 'too small');
  t.throws(() => SysvSharedMemory.open(key, { size: 5001 }), {
    code: 'ERANGE',
    message: /has 5000 bytes, 5001 are wanted/,
  });
  t.equal(segment.stat().attached >= 1, true);
});

t.test('a snapshot needs read permission only', async (t) => {
  const segment = create(t);
  segment.bytes.fill(6);
  const copy = new Uint8Array(SysvSharedMemory.snapshot(segment.id, 100));
  t.equal(copy.length, 100);
  t.equal(copy[99], 6);
  copy[0] = 1;
  t.equal(segment.bytes[0], 6);
  t.equal(SysvSharedMemory.snapshot(segment.id).byteLength, 5000);
  t.equal(segment.stat().attached, 1, 'it does not stay attached');
});

t.test(
  'another user gets EACCES',
  { skip: process.getuid?.() !== 0 && 'needs root to become another user' },
  async (t) => {
    const segment = create(t);
    t.match(await finish(startPeer(['open-sysv', String(segment.id)], { uid: 65534 })), {
      output: 'EACCES',
      status: 0,
    });
  },
);

t.test('looking for the private key is refused, because the kernel would create', async (t) => {
  t.throws(() => SysvSharedMemory.open(IPC_PRIVATE), RangeError);
  t.throws(() => SysvSharedMemory.find(2 ** 32), RangeError);
  t.throws(() => SysvSharedMemory.create(-1, { size: 1 }), RangeError);
});
