import { SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import t from 'tap';
import { identityHash, KIND, makeKey } from '../../lib/ipc/keys.ts';
import { openIpcSet } from '../../lib/ipc/open.ts';
import { Registry, registryKey } from '../../lib/ipc/registry.ts';
import type { IpcIdentity, IpcSetOptions } from '../../lib/ipc/types.ts';
import { asRoot, asUser, freshIdentity, keysOf, privateRuntimeFolder } from './machine.ts';

privateRuntimeFolder(t);
const uid = process.geteuid!();
const segmentBytes = 4096 + 2 * 8192;
const open = (identity: IpcIdentity, more: Partial<IpcSetOptions> = {}) =>
  openIpcSet({ transport: 'sysv', identity, workers: 2, segmentBytes, ...more });
const hashOf = (identity: IpcIdentity) => identityHash(uid, identity);
const left = (identity: IpcIdentity) => keysOf(identity.partition, hashOf(identity));
const keyOf = (identity: IpcIdentity, probe: number, worker: number, kind: number) =>
  makeKey({ partition: identity.partition, hash: hashOf(identity) + probe, worker, kind });

/** Another detector whose 12 bits are the same. */
function twinOf(identity: IpcIdentity): IpcIdentity {
  for (let i = 0; ; i++) {
    const twin = { ...identity, detName: `${identity.detName}twin${i}` };
    if (hashOf(twin) === hashOf(identity)) return twin;
  }
}

t.test('the objects of a set: keys, sizes, modes, and what both sides see', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  t.teardown(() => set.close());
  t.equal(set.workers.length, 2);
  t.equal(set.probe, 0);
  t.equal(set.staleRemoved, 0);
  for (const [worker, { toWorker, fromWorker, input, result }] of set.workers.entries()) {
    t.equal(SysvQueue.find(keyOf(identity, 0, worker, KIND.queueToWorker)), toWorker.id);
    t.equal(SysvQueue.find(keyOf(identity, 0, worker, KIND.queueFromWorker)), fromWorker.id);
    t.equal(SysvSharedMemory.find(keyOf(identity, 0, worker, KIND.inputSegment)), input.id);
    t.equal(SysvSharedMemory.find(keyOf(identity, 0, worker, KIND.resultSegment)), result.id);
    t.equal(input.size, 4096 + 2 * 8192);
    t.equal(result.size, input.size);
    for (const object of [toWorker, fromWorker, input, result]) t.equal(object.stat().mode, 0o600);
    const other = SysvSharedMemory.attach(input.id);
    input.bytes.write('dgram', 4096);
    t.equal(other.bytes.toString('latin1', 4096, 4101), 'dgram');
    other.close();
  }
  t.equal(left(identity).length, 9, 'four per worker and the registry');
  t.end();
});

t.test('close removes everything, twice; views have length 0 then', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  const view = set.workers[0]!.result.bytes.subarray(4096);
  set.close();
  set.close();
  t.same(left(identity), []);
  t.equal(view.length, 0);
  const again = open(identity);
  t.equal(again.staleRemoved, 0, 'and an orderly end leaves nothing for the next start');
  again.close();
  t.end();
});

t.test('unlinkSync removes everything but leaves the mappings alone, any number of times', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  set.unlinkSync();
  t.same(left(identity), []);
  set.workers[0]!.input.bytes[5000] = 1;
  t.equal(set.workers[0]!.input.bytes[5000], 1);
  set.unlinkSync();
  set.close();
  t.end();
});

t.test('--ipc-mode widens exactly, whatever the umask', (t) => {
  const umask = process.umask(0o077);
  const set = open(freshIdentity(), { mode: 0o666 });
  process.umask(umask);
  t.teardown(() => set.close());
  const { toWorker, input } = set.workers[1]!;
  t.equal(toWorker.stat().mode, 0o666);
  t.equal(input.stat().mode, 0o666);
  t.end();
});

t.test('recreate: new queues under the same keys, segments kept with their views', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  t.teardown(() => set.close());
  const old = set.workers[1]!;
  const view = old.result.bytes.subarray(4096, 4100);
  view.write('keep');
  const late = SysvQueue.fromId(old.fromWorker.id);
  const fresh = set.recreate(1);
  t.equal(set.workers[1], fresh);
  t.not(fresh.toWorker.id, old.toWorker.id);
  t.equal(fresh.result.id, old.result.id);
  t.equal(view.toString('latin1'), 'keep');
  t.throws(() => late.trySend(Buffer.from('late')), { name: 'IpcError' }, 'the old process reaches nobody');
  t.equal(fresh.fromWorker.tryReceive(Buffer.alloc(64)), -1);
  t.equal(SysvQueue.find(keyOf(identity, 0, 1, KIND.queueToWorker)), fresh.toWorker.id);
  const all = set.recreate(1, { segments: 'fresh' });
  t.not(all.result.id, old.result.id);
  t.equal(view.length, 0, 'views of the old segments are gone');
  t.equal(left(identity).length, 9);
  set.close();
  t.same(left(identity), [], 'close knows the new ones');
  t.end();
});

t.test('ephemeral: segments are marked once all have attached, and still serve by id', (t) => {
  const identity = freshIdentity();
  const plain = open(identity);
  plain.markForRemoval();
  t.equal(left(identity).length, 9, 'nothing happens without the option');
  plain.close();
  const set = open(identity, { ephemeral: true });
  t.teardown(() => set.close());
  const worker = SysvSharedMemory.attach(set.workers[0]!.input.id);
  set.markForRemoval();
  set.markForRemoval();
  t.equal(left(identity).length, 5, 'queues and registry are left');
  t.ok(set.workers[0]!.input.stat().markedForRemoval);
  set.workers[0]!.input.bytes.write('still', 4096);
  t.equal(worker.bytes.toString('latin1', 4096, 4101), 'still');
  const restarted = SysvSharedMemory.attach(set.recreate(0, { segments: 'fresh' }).input.id);
  t.ok(restarted.stat().markedForRemoval);
  worker.close();
  restarted.close();
  set.close();
  t.same(left(identity), []);
  t.end();
});

t.test('two detectors with equal folded hash: the second takes the next key (3.3)', (t) => {
  const first = freshIdentity();
  const second = twinOf(first);
  const a = open(first);
  const b = open(second);
  t.equal(b.probe, 1);
  t.equal(left(first).length, 18);
  t.throws(() => open(second), { code: 'already-served' });
  a.close();
  t.throws(
    () => open(second),
    {
      code: 'already-served',
      message: new RegExp(`partition 13 already serves ${second.detName}_0, pid ${process.pid}`),
    },
    'it is found at its second key also when the first one is free again',
  );
  b.workers[0]!.input.bytes[4096] = 7;
  t.equal(b.workers[0]!.input.bytes[4096], 7);
  b.close();
  t.same(left(first), []);
  t.end();
});

t.test('a registry of another detector with a dead owner is passed over, not removed', (t) => {
  const identity = freshIdentity();
  const stranger = deadRegistry(twinOf(identity), 0);
  t.teardown(() => stranger.remove());
  const set = open(identity);
  t.equal(set.probe, 1);
  t.equal(set.staleRemoved, 0);
  set.close();
  t.not(SysvSharedMemory.find(stranger.key), undefined);
  t.end();
});

/** A registry as a process with an impossible pid would have left it. */
function deadRegistry(
  identity: IpcIdentity,
  probe: number,
  owner = { pid: 4194304 - 1, startTicks: 1, pidNamespace: 0 },
) {
  const key = registryKey(identity.partition, hashOf(identity) + probe);
  return Registry.create(key, { uid, owner, identity, workers: 2, probe, startedAt: 0 });
}

t.test('a stale registry: what it lists goes, and only that', (t) => {
  const identity = freshIdentity();
  const registry = deadRegistry(identity, 2);
  const listed = SysvQueue.create(keyOf(identity, 2, 0, KIND.queueToWorker));
  registry.record(0, KIND.queueToWorker, keyOf(identity, 2, 0, KIND.queueToWorker), 0, listed.id);
  const segment = SysvSharedMemory.create(keyOf(identity, 2, 1, KIND.inputSegment), { size: 4096 });
  registry.record(1, KIND.inputSegment, keyOf(identity, 2, 1, KIND.inputSegment), 4096, segment.id);
  // An id that belongs to something else now: the kernel counts ids up, so a wrong registry could name anything.
  const innocent = SysvQueue.create(0);
  t.teardown(() => innocent.remove());
  registry.record(0, KIND.queueFromWorker, keyOf(identity, 2, 0, KIND.queueFromWorker), 0, innocent.id);
  const set = open(identity);
  t.teardown(() => set.close());
  t.equal(set.staleRemoved, 3, 'queue, segment, registry');
  t.equal(set.probe, 0, 'found at its key, although another one is taken');
  t.equal(innocent.stat().id, innocent.id, 'what has another key is not touched');
  t.equal(SysvQueue.find(keyOf(identity, 2, 0, KIND.queueToWorker)), undefined);
  segment.close();
  t.end();
});

t.test('an owner with our pid but another start time is dead', (t) => {
  const identity = freshIdentity();
  deadRegistry(identity, 0, { pid: process.pid, startTicks: 1, pidNamespace: 0 });
  const set = open(identity);
  t.equal(set.staleRemoved, 1);
  set.close();
  t.end();
});

t.test('in another pid namespace the attach count decides', (t) => {
  const identity = freshIdentity();
  const registry = deadRegistry(identity, 0, { pid: 1, startTicks: 1, pidNamespace: 1 });
  t.throws(() => open(identity), { code: 'already-served', message: /another container/ });
  registry.close();
  const set = open(identity);
  t.equal(set.staleRemoved, 1, 'nobody has it attached: it is gone');
  set.close();
  t.end();
});

t.test('an object announced and made but not yet recorded is removed if it can be nobody else’s', (t) => {
  const identity = freshIdentity();
  const owner = { pid: process.pid, startTicks: 1, pidNamespace: 0 };
  const registry = deadRegistry(identity, 0, owner);
  const key = (kind: number) => keyOf(identity, 0, 0, kind);
  const queue = SysvQueue.create(key(KIND.queueToWorker));
  registry.announce(0, KIND.queueToWorker, key(KIND.queueToWorker), 0);
  const segment = SysvSharedMemory.create(key(KIND.inputSegment), { size: 4096 });
  registry.announce(0, KIND.inputSegment, key(KIND.inputSegment), 4096);
  const used = SysvQueue.create(key(KIND.queueFromWorker));
  used.trySend(Buffer.from('somebody’s'));
  registry.announce(0, KIND.queueFromWorker, key(KIND.queueFromWorker), 0);
  t.teardown(() => used.remove());
  const set = open(identity);
  t.equal(set.staleRemoved, 3, 'queue, segment, registry');
  t.equal(set.probe, 1, 'the queue that somebody has used stays, so the set moves on');
  t.equal(used.stat().messages, 1);
  segment.close();
  queue.close();
  set.close();
  t.end();
});

t.test('a foreign object under a registry’s key is passed over and never removed', (t) => {
  const identity = freshIdentity();
  for (const [what, fill] of Object.entries({ zeros: '', text: 'something else', 'our magic, no more': 'DAQPIPE1' })) {
    const foreign = SysvSharedMemory.create(registryKey(13, hashOf(identity)), { size: 4096 });
    foreign.bytes.write(fill);
    foreign.close();
    const set = open(identity);
    t.equal(set.probe, 1, what);
    t.equal(set.staleRemoved, 0, what);
    set.close();
    t.ok(SysvSharedMemory.remove(foreign.id), `${what}: it is still there`);
  }
  t.end();
});

t.test('a foreign object under a worker’s key: the whole set moves, and nothing of the try is left', (t) => {
  const identity = freshIdentity();
  const queue = SysvQueue.create(keyOf(identity, 0, 1, KIND.queueFromWorker));
  const segment = SysvSharedMemory.create(keyOf(identity, 1, 0, KIND.resultSegment), { size: 4096 });
  const set = open(identity);
  t.equal(set.probe, 2);
  t.equal(left(identity).length, 9 + 2);
  set.close();
  t.equal(left(identity).length, 2);
  queue.remove();
  t.ok(segment.remove());
  segment.close();
  t.end();
});

t.test('sixteen taken keys: an error that lists what stands there', (t) => {
  const identity = freshIdentity();
  const foreign = Array.from({ length: 16 }, (_, probe) =>
    SysvSharedMemory.create(registryKey(13, hashOf(identity) + probe), { size: 4096 }),
  );
  for (const segment of foreign) segment.bytes.write('taken');
  t.throws(() => open(identity), { code: 'ipc-refused', message: /no free System V key.*in no registry.*--ipc pipe/ });
  t.equal(left(identity).length, 16, 'and nothing is removed or left');
  for (const segment of foreign) {
    segment.remove();
    segment.close();
  }
  t.end();
});

t.test('another user’s segment under our key is passed over', asRoot, (t) => {
  const identity = freshIdentity();
  const key = registryKey(13, hashOf(identity));
  const made = asUser(12345, `console.log(shim.SysvSharedMemory.create(${key}, { size: 4096 }).id)`);
  t.equal(made.status, 0, made.stderr);
  t.teardown(() => SysvSharedMemory.remove(Number(made.stdout)));
  const set = open(identity);
  t.equal(set.probe, 1);
  set.close();
  t.end();
});

t.test('a registry that another user wrote in our name is not believed', asRoot, (t) => {
  const identity = freshIdentity();
  const forged = deadRegistry(identity, 0);
  const bytes = Buffer.from(SysvSharedMemory.snapshot(SysvSharedMemory.find(forged.key)!));
  forged.remove();
  forged.close();
  const code = `const m = shim.SysvSharedMemory.create(${forged.key}, { size: ${bytes.length}, mode: 0o666 });
    Buffer.from('${bytes.toString('base64')}', 'base64').copy(m.bytes); console.log(m.id);`;
  const made = asUser(12345, code);
  t.equal(made.status, 0, made.stderr);
  t.teardown(() => SysvSharedMemory.remove(Number(made.stdout)));
  const set = open(identity);
  t.equal(set.probe, 1);
  t.equal(set.staleRemoved, 0);
  set.close();
  t.end();
});

t.test('instances are separate sets', (t) => {
  const identity = freshIdentity();
  const a = open({ ...identity, instance: 'xpm1' });
  const b = open({ ...identity, instance: 'xpm2' });
  t.throws(() => open({ ...identity, instance: 'xpm2' }), { code: 'already-served', message: /:xpm2, pid/ });
  a.close();
  b.close();
  t.end();
});

t.test('numbers of workers that cannot be', (t) => {
  for (const workers of [0, 256, 1.5]) t.throws(() => open(freshIdentity(), { workers }), { code: 'usage' });
  t.end();
});
