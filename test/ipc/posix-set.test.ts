import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PosixQueue, PosixSharedMemory } from 'posix-ipc-shim';
import t from 'tap';
import { runtimeFolder } from '../../lib/cli/runtime-folder.ts';
import { leasePath } from '../../lib/ipc/lease.ts';
import { openIpcSet } from '../../lib/ipc/open.ts';
import { baseName, workerNames } from '../../lib/ipc/posix-names.ts';
import type { IpcIdentity, IpcSetOptions } from '../../lib/ipc/types.ts';
import { asRoot, asUser, freshIdentity, namesLeft, privateRuntimeFolder, queueExists, startOwner } from './machine.ts';

const folder = privateRuntimeFolder(t);
const segmentBytes = 8192;
const open = (identity: IpcIdentity, more: Partial<IpcSetOptions> = {}) =>
  openIpcSet({ transport: 'posix', identity, workers: 2, segmentBytes, ...more });
const namesOf = (identity: IpcIdentity, worker = 0) => workerNames(baseName(identity), worker);

t.test('the objects of a set, as the existing side finds them (2.2)', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  t.teardown(() => set.close());
  t.equal(namesLeft(identity, 2).length, 8);
  const names = namesOf(identity, 1);
  const { toWorker, fromWorker, input, result } = set.workers[1]!;
  const inbox = PosixQueue.open(names.toWorker, { access: 'read' });
  t.equal(inbox.maxMessages, 1);
  t.equal(inbox.messageSize, 512);
  t.ok(toWorker.trySend(Buffer.from('g'), 31));
  t.notOk(toWorker.trySend(Buffer.from('g'), 31), 'one message under way');
  const bytes = Buffer.alloc(512);
  t.equal(inbox.receive(bytes, 1000), 1);
  t.equal(inbox.lastPriority, 31);
  inbox.close();
  t.throws(() => toWorker.tryReceive(bytes), { code: 'EBADF' }, 'ours is open for writing only');
  t.throws(() => fromWorker.trySend(bytes), { code: 'EBADF' }, 'and the other one for reading only');
  const there = PosixSharedMemory.open(names.input);
  t.equal(there.size, 8192);
  input.bytes.write('dgram');
  t.equal(there.bytes.toString('latin1', 0, 5), 'dgram');
  there.close();
  t.equal(result.size, 8192);
  t.end();
});

t.test('close removes everything, twice, and the lease', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  t.throws(() => open(identity), {
    code: 'already-served',
    message: new RegExp(`${identity.detName}_0, pid ${process.pid}`),
  });
  set.close();
  set.close();
  t.same(namesLeft(identity, 2), []);
  const again = open(identity);
  t.equal(again.staleRemoved, 0);
  again.close();
  t.end();
});

t.test('unlinkSync leaves mappings alone; ephemeral does the same when all are there', (t) => {
  for (const way of ['unlinkSync', 'markForRemoval'] as const) {
    const identity = freshIdentity();
    const set = open(identity, { ephemeral: true });
    set[way]();
    t.same(namesLeft(identity, 2), [], way);
    set.workers[0]!.input.bytes[0] = 9;
    t.equal(set.workers[0]!.input.bytes[0], 9);
    t.throws(() => open(identity), { code: 'already-served' }, 'the name is still held');
    set.close();
  }
  t.end();
});

t.test('recreate: a late answer of the old process reaches nobody', (t) => {
  const identity = freshIdentity();
  const set = open(identity);
  t.teardown(() => set.close());
  const late = PosixQueue.open(namesOf(identity).fromWorker, { access: 'write' });
  const old = set.workers[0]!;
  const fresh = set.recreate(0);
  t.equal(set.workers[0], fresh);
  t.ok(old.input.closed);
  late.trySend(Buffer.from('g\n'));
  late.close();
  t.equal(fresh.fromWorker.tryReceive(Buffer.alloc(512)), -1);
  t.equal(namesLeft(identity, 2).length, 8);
  t.end();
});

t.test('what nobody has open and no lease lists is stale: removed, whatever the number of workers was', (t) => {
  const identity = freshIdentity();
  for (const worker of [0, 5]) {
    const { toWorker, input } = namesOf(identity, worker);
    PosixQueue.create(toWorker, { maxMessages: 3, messageSize: 100 }).close();
    PosixSharedMemory.create(input, { size: 100 }).close();
  }
  const set = open(identity);
  t.teardown(() => set.close());
  t.equal(set.staleRemoved, 4);
  t.notOk(queueExists(namesOf(identity, 5).toWorker));
  t.equal(set.workers[0]!.input.size, 8192, 'not the old one of 100 bytes');
  t.end();
});

t.test('objects without lease that a living process maps belong to it', (t) => {
  const identity = freshIdentity();
  const name = namesOf(identity, 1).result;
  const theirs = PosixSharedMemory.create(name, { size: 4096 });
  t.throws(() => open(identity), { code: 'already-served', message: new RegExp(`pid ${process.pid}`) });
  t.same(namesLeft(identity, 2), [name], 'nothing is removed, nothing made');
  theirs.close();
  PosixSharedMemory.unlink(name);
  t.end();
});

t.test('a lease in another runtime folder counts too', async (t) => {
  const identity = freshIdentity();
  const other = mkdtempSync(join(tmpdir(), 'daqpipe-test-'));
  t.teardown(() => rmSync(other, { recursive: true }));
  const { XDG_RUNTIME_DIR: _, ...env } = process.env;
  const owner = await startOwner(t, 'posix', { identity, workers: 2, segmentBytes }, false, {
    ...env,
    TMPDIR: tmpdir(),
  });
  t.match(owner.answer, { opened: true });
  t.throws(() => open(identity), { code: 'already-served', message: new RegExp(`pid ${owner.pid}`) });
  owner.child.stdin!.end();
  await new Promise((resolve) => owner.child.on('exit', resolve));
  t.same(namesLeft(identity, 2), []);
});

t.test('another user’s object under our name: an error that says so, nothing is left', asRoot, (t) => {
  const identity = freshIdentity();
  const { input } = namesOf(identity, 1);
  const made = asUser(12345, `shim.PosixSharedMemory.create('${input}', { size: 4096 })`);
  t.equal(made.status, 0, made.stderr);
  // Root may remove it, so the try is made by a third user.
  const code = `require('tsx/cjs'); const { openIpcSet } = require('./lib/ipc/open.ts');
    try { openIpcSet(${JSON.stringify({ transport: 'posix', identity, workers: 2, segmentBytes })}); }
    catch (error) { console.log(error.code, error.message); }`;
  const tried = asUser(12346, `process.env.XDG_RUNTIME_DIR = ''; ${code}`);
  t.match(tried.stdout, /^ipc-refused .*(EACCES|EPERM|not permit)/, tried.stderr);
  t.same(namesLeft(identity, 2), [input]);
  PosixSharedMemory.unlink(input);
  rmSync(join(tmpdir(), 'daqpipe-12346'), { recursive: true, force: true });
  t.end();
});

t.test('an instance has no place in these names', (t) => {
  t.throws(() => open(freshIdentity({ instance: 'x' })), { code: 'usage', message: /--instance/ });
  t.end();
});

t.test('a lease file that was not finished says nothing, and is no obstacle', (t) => {
  const identity = freshIdentity();
  writeFileSync(leasePath('posix', baseName(identity)), '{"version":1,"own');
  const set = open(identity);
  t.equal(set.staleRemoved, 0);
  set.close();
  t.end();
});

t.test('the runtime folder is private, or it is not used', (t) => {
  t.equal(runtimeFolder(), join(folder, 'daqpipe'));
  const scratch = mkdtempSync(join(tmpdir(), 'daqpipe-test-'));
  const { TMPDIR, XDG_RUNTIME_DIR } = process.env;
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR;
    rmSync(scratch, { recursive: true });
  });
  process.env.TMPDIR = scratch;
  const open = join(scratch, 'open');
  mkdirSync(open);
  const fallback = join(scratch, `daqpipe-${process.geteuid!()}`);
  for (const unsafe of [open, 'relative', join(scratch, 'none')]) {
    process.env.XDG_RUNTIME_DIR = unsafe;
    t.equal(runtimeFolder(), fallback, `not ${unsafe}`);
  }
  rmSync(fallback, { recursive: true });
  symlinkSync(folder, fallback);
  t.throws(() => runtimeFolder(), { code: 'ipc-refused', message: /0700/ }, 'a link that somebody has put there');
  t.end();
});
