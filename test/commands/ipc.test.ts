/** The real executables against real kernel objects. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import t, { type Test } from 'tap';
import { identityHash, KIND, makeKey, showKey } from '../../lib/ipc/keys.ts';
import { registryKey } from '../../lib/ipc/registry.ts';
import type { IpcIdentity } from '../../lib/ipc/types.ts';
import {
  asRoot,
  asUser,
  freshIdentity,
  keysOf,
  namesLeft,
  ownNamespace,
  privateRuntimeFolder,
  project,
  queueExists,
  startOwner,
} from '../ipc/machine.ts';

const folder = privateRuntimeFolder(t);
const uid = process.geteuid!();
const run = (name: 'ipc-ls' | 'ipc-rm', ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, 'bin', name), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

interface Shown {
  key: string | null;
  name: string | null;
  detector: string | null;
  state: string;
  kind: string;
  worker: number | null;
  removed?: boolean;
  why?: string;
}
const objectsOf = (stdout: string) => (JSON.parse(stdout) as { objects: Shown[] }).objects;
const listed = (identity: IpcIdentity, ...args: string[]) =>
  objectsOf(run('ipc-ls', '--json', ...args).stdout).filter(({ detector }) => detector === identity.detName);
const hashOf = (identity: IpcIdentity) => identityHash(uid, identity);
const options = (identity: IpcIdentity) => ({ identity, workers: 2, segmentBytes: 8192 });

/** A partition for one test alone: this file’s tests run one after the other, but other files run too. */
const partition = 12;

async function orphans(t: Test, transport: 'sysv' | 'posix'): Promise<{ identity: IpcIdentity; pid: number }> {
  const identity = freshIdentity({ partition });
  const owner = await startOwner(t, transport, options(identity));
  await owner.kill();
  return { identity, pid: owner.pid };
}

t.test('sysv: a living owner is shown with pid, command, sizes and keys, and ipc-rm leaves it alone', async (t) => {
  const identity = freshIdentity({ partition, instance: 'x' });
  const owner = await startOwner(t, 'sysv', options(identity));
  const objects = listed(identity);
  t.equal(objects.length, 9);
  const key = makeKey({ partition, hash: hashOf(identity), worker: 1, kind: KIND.resultSegment });
  const result = objects.find((object) => object.key === showKey(key));
  t.match(result, {
    family: 'sysv',
    type: 'segment',
    origin: 'daqpipe',
    kind: 'result',
    state: 'alive',
    partition,
    segment: 0,
    instance: 'x',
    worker: 1,
    size: 8192,
    attached: 1,
    mode: '0600',
    uid,
    owner: { pid: owner.pid, command: /owner-process/ },
  });
  t.same(listed(identity, '--orphaned'), []);
  t.same(listed(identity, '-p', '1'), []);
  t.equal(listed(identity, '-p', String(partition), '-u', 'alias').length, 9, 'as process managers call it');
  const { stdout } = run('ipc-ls');
  t.match(
    stdout,
    new RegExp(`${partition}  ${identity.detName}_0:x +1  result +alive.*${showKey(key)} +${owner.pid} `),
  );
  const removal = run('ipc-rm', '-p', String(partition));
  t.equal(removal.status, 0);
  t.match(
    removal.stdout,
    new RegExp(`left ${showKey(key)} \\(result of ${identity.detName}\\): its owner, pid ${owner.pid} .*lives`),
  );
  const named = run('ipc-rm', showKey(key));
  t.equal(named.status, 1, 'it was named and left');
  t.equal(keysOf(partition, hashOf(identity)).length, 9);
  const forced = run('ipc-rm', '--force', showKey(registryKey(partition, hashOf(identity))));
  t.equal(forced.status, 0, forced.stderr);
  t.match(forced.stdout, /by force/);
  t.same(keysOf(partition, hashOf(identity)), []);
});

t.test('sysv: orphans are shown, spared by --dry-run, and removed', async (t) => {
  const { identity, pid } = await orphans(t, 'sysv');
  const objects = listed(identity, '--orphaned');
  t.equal(objects.length, 9);
  t.match(objects[0], { owner: { pid, command: null } });
  t.match(run('ipc-ls').stdout, new RegExp(`orphaned.*${pid} \\(gone\\)`));
  const dry = run('ipc-rm', '--dry-run', '-p', String(partition));
  t.equal(dry.status, 0);
  t.equal(dry.stdout.match(new RegExp(`would remove .* of ${identity.detName}`, 'g'))?.length, 9);
  t.equal(run('ipc-rm', '-p', '0').status, 0);
  t.equal(keysOf(partition, hashOf(identity)).length, 9, 'neither in earnest for another partition');
  const real = run('ipc-rm', '-p', String(partition), '--json');
  t.equal(real.status, 0);
  const removed = objectsOf(real.stdout).filter((object) => object.detector === identity.detName);
  t.equal(removed.filter((object) => object.removed).length, 9);
  t.match(removed[0]?.why, new RegExp(`its owner, pid ${pid}, is gone`));
  t.same(keysOf(partition, hashOf(identity)), []);
  t.equal(run('ipc-rm', '-p', String(partition)).status, 0, 'nothing to do is no failure');
});

t.test('posix: leases tell owner and orphans, with queues that the kernel does not list', async (t) => {
  const living = freshIdentity({ partition });
  const owner = await startOwner(t, 'posix', options(living));
  const { identity, pid } = await orphans(t, 'posix');
  t.equal(listed(living).length, 8);
  t.match(listed(living)[0], { family: 'posix', origin: 'daqpipe', state: 'alive', owner: { pid: owner.pid } });
  t.match(
    listed(identity),
    Array.from({ length: 8 }, () => ({ state: 'orphaned', owner: { pid } })),
  );
  const removal = run('ipc-rm', '--partition', String(partition));
  t.equal(removal.status, 0, removal.stderr);
  t.equal(removal.stdout.match(/^removed /gm)?.length, 8);
  t.equal(removal.stdout.match(/^left /gm)?.length, 8);
  t.same(namesLeft(identity, 2), []);
  t.equal(namesLeft(living, 2).length, 8);
  const leases = readdirSync(join(folder, 'daqpipe'));
  t.same(
    leases.filter((file) => file.includes(identity.detName)),
    [],
    'its lease is gone too',
  );
  t.equal(leases.filter((file) => file.includes(living.detName)).length, 1);
});

t.test('objects of the existing system are known by name: alive while open, orphaned after', (t) => {
  const tag = `tst${process.pid}`;
  const names = {
    drp: `/shminp_p${partition}_up${tag}_0_3`,
    drpQueue: `/mqinp_p${partition}_up${tag}_0_3`,
    teb: `/shmtebinp_p${partition}_teb${process.pid}`,
    monitor: `/PdsMonitorSharedMemory_${tag}`,
    events: `/PdsToMonitorEvQueue_${tag}_0`,
  };
  const open = [
    PosixSharedMemory.create(names.drp, { size: 4096 }),
    PosixQueue.create(names.drpQueue, { maxMessages: 1, messageSize: 512 }),
    PosixSharedMemory.create(names.teb, { size: 4096 }),
    PosixSharedMemory.create(names.monitor, { size: 4096 }),
    PosixQueue.create(names.events, { maxMessages: 2, messageSize: 16 }),
  ];
  t.teardown(() => {
    for (const name of [names.drp, names.teb, names.monitor]) PosixSharedMemory.unlink(name);
    for (const name of [names.drpQueue, names.events]) PosixQueue.unlink(name);
  });
  const shown = () => {
    const all = objectsOf(run('ipc-ls', '--json').stdout);
    return Object.fromEntries(
      Object.entries(names).map(([what, name]) => [what, all.find((one) => one.name === name)]),
    );
  };
  const alive = { origin: 'named', state: 'alive', owner: { pid: process.pid } };
  t.match(shown(), {
    drp: { ...alive, detector: `up${tag}`, segment: 0, worker: 3, partition, kind: 'input', attached: 1 },
    drpQueue: { ...alive, kind: 'queue to worker' },
    teb: { ...alive, detector: `teb${process.pid}`, partition },
    monitor: { ...alive, detector: tag },
    events: { ...alive, detector: tag },
  });
  t.match(run('ipc-rm', names.drp), { status: 1, stdout: /^left .*lives/ });
  for (const object of open) object.close();
  t.match(shown(), Object.fromEntries(Object.keys(names).map((what) => [what, { state: 'orphaned', owner: null }])));
  t.match(run('ipc-rm', names.monitor.slice(1), names.events, names.teb), { status: 0 });
  t.notOk(queueExists(names.events));
  const rest = run('ipc-rm', '-p', String(partition));
  t.match(rest.stdout, new RegExp(`removed ${names.drp} .*nobody has it open`));
  t.notOk(queueExists(names.drpQueue));
  t.end();
});

t.test('objects that no registry lists go only when they are asked for', (t) => {
  const identity = freshIdentity({ partition });
  const key = makeKey({ partition, hash: hashOf(identity), worker: 4, kind: KIND.inputSegment });
  const segment = SysvSharedMemory.create(key, { size: 4096 });
  const queue = SysvQueue.create(makeKey({ partition, hash: hashOf(identity), worker: 4, kind: KIND.queueToWorker }));
  const foreignKey = 0x1da00000 + (process.pid & 0xffff);
  const foreign = SysvSharedMemory.create(foreignKey, { size: 4096 });
  t.teardown(() => {
    for (const object of [segment, queue, foreign]) object.remove();
  });
  t.match(run('ipc-ls').stdout, new RegExp(`4  input +unlisted.*${showKey(key)}`));
  t.notMatch(run('ipc-ls').stdout, showKey(foreignKey));
  t.match(run('ipc-ls', '--all').stdout, showKey(foreignKey));
  t.notMatch(run('ipc-rm', '-p', String(partition)).stdout, showKey(key), 'not by itself');
  t.match(
    run('ipc-rm', '-p', String(partition), '--all-mine').stdout,
    new RegExp(`left ${showKey(key)}.*lives`),
    'it is attached here',
  );
  segment.close();
  const { status, stdout } = run('ipc-rm', '-p', String(partition), '--all-mine');
  t.equal(status, 0);
  t.match(stdout, new RegExp(`removed ${showKey(key)} .*nobody has it attached`));
  t.same(keysOf(partition, hashOf(identity)), []);
  t.equal(SysvSharedMemory.find(foreignKey), foreign.id, 'a foreign one is never meant');
  foreign.close();
  t.match(run('ipc-rm', showKey(foreignKey)), { status: 0, stdout: /^removed/ }, 'unless it is named');
  t.end();
});

t.test('what is not there: exit status 1, and it says so', (t) => {
  const { status, stderr } = run('ipc-rm', '0x60000009', '/nosuchname');
  t.equal(status, 1);
  t.match(stderr, /ipc-rm: 0x60000009: there is no such object/);
  t.match(stderr, /ipc-rm: \/nosuchname: there is no such object/);
  t.end();
});

t.test('another user’s objects: shown, left, and a refusal is told', asRoot, (t) => {
  const identity = freshIdentity({ partition });
  const key = makeKey({ partition, hash: hashOf(identity), worker: 0, kind: KIND.inputSegment });
  const segment = SysvSharedMemory.create(key, { size: 4096 });
  segment.close();
  t.teardown(() => segment.remove());
  const tried = asUser(
    12345,
    `
    process.env.XDG_RUNTIME_DIR = '';
    const { spawnSync } = require('node:child_process');
    const { status, stdout } = spawnSync(process.execPath, ['bin/ipc-rm', '${showKey(key)}'], { encoding: 'utf8' });
    console.log(status, stdout);`,
  );
  t.match(tried.stdout, /^1 left .*EPERM|^1 left .*refuses/, tried.stderr);
  t.equal(SysvSharedMemory.find(key), segment.id);
  t.end();
});

t.test('with the mqueue file system all queues are listed', ownNamespace, (t) => {
  const shell = `mkdir -p "$2/mq" && mount -t mqueue none "$2/mq" && : > "$2/mq/mqres_p${partition}_lonely_0_0" && "$0" "$1" --json && umount "$2/mq"`;
  const args = ['-im', 'sh', '-c', shell, process.execPath, join(project, 'bin', 'ipc-ls'), folder];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  const { objects, notes } = JSON.parse(stdout || '{}') as { objects?: Shown[]; notes?: string[] };
  t.match(
    objects?.find(({ detector }) => detector === 'lonely'),
    { state: 'orphaned', kind: 'queue from worker' },
    stderr,
  );
  t.same(notes, []);
  t.end();
});

t.test('without a compiled addon: one clear message, exit status 2', (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'daqpipe-test-'));
  t.teardown(() => rmSync(copy, { recursive: true }));
  for (const part of [
    'bin/ipc-ls',
    'bin/package.json',
    'dist/launch.cjs',
    'dist/commands/ipc-ls.cjs',
    'package.json',
  ]) {
    cpSync(join(project, part), join(copy, part));
  }
  const shim = join(copy, 'node_modules', 'posix-ipc-shim');
  mkdirSync(shim, { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(join(project, 'posix-ipc-shim', part), join(shim, part), { recursive: true });
  for (const name of readdirSync(join(project, 'node_modules'))) {
    const target = join(copy, 'node_modules', name);
    if (!existsSync(target)) symlinkSync(join(project, 'node_modules', name), target);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(copy, 'bin', 'ipc-ls')], { encoding: 'utf8' });
  t.equal(status, 2, stderr);
  t.equal(stdout, '');
  t.match(stderr, /^ipc-ls: posix-ipc-shim has no compiled part that loads here .*npm run build.*--ipc pipe/s);
  t.notMatch(stderr, /\n {4}at /, 'no stack');
  t.end();
});
