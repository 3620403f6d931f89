import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import {
  bindingProblem,
  boundToParent,
  FileLock,
  isSameProcess,
  listPosixQueues,
  parentDeathSignal,
  processStatus,
  queueMountPoint,
  setParentDeathSignal,
} from '../src/index.ts';
import { eventually, finish } from './play.ts';

const sources = join(import.meta.dirname, '..', 'src');

t.test('a process is named by pid and start time', async (t) => {
  const child = spawn('sleep', ['60'], { argv0: 'a) R 1 (b' });
  const pid = child.pid as number;
  const status = processStatus(pid);
  t.match(status, { pid, parentPid: process.pid, state: /[RSD]/ });
  const ticks = status?.startTicks as number;
  t.ok(ticks > 0 && ticks >= (processStatus(process.pid)?.startTicks as number));
  t.equal(isSameProcess(pid, ticks), true);
  t.equal(isSameProcess(pid, ticks - 1), false, 'another process that had the same pid');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(isSameProcess(pid, ticks), false);
  t.equal(processStatus(2 ** 22 + 1), undefined);
});

t.test('a process that ended but was not reaped does not run any more', async (t) => {
  const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(shell.stdout, 'data');
  const pid = Number(String(line));
  t.ok(await eventually(() => processStatus(pid)?.state === 'Z'));
  t.equal(isSameProcess(pid, processStatus(pid)?.startTicks as number), false);
  shell.kill('SIGKILL');
});

t.test('the death signal of the parent can be set and cleared', async (t) => {
  t.equal(setParentDeathSignal('SIGTERM'), true);
  t.equal(parentDeathSignal(), 15);
  t.equal(setParentDeathSignal('SIGTERM', process.ppid), true);
  t.equal(setParentDeathSignal('SIGTERM', 2 ** 22), false, 'not the parent any more');
  setParentDeathSignal(0);
  t.equal(parentDeathSignal(), 0);
});

t.test('a bound program dies with its parent, even by SIGKILL', async (t) => {
  const script = `
    import { spawn } from 'node:child_process';
    import { boundToParent } from ${JSON.stringify(pathToFileURL(join(sources, 'index.ts')).href)};
    const { command, args } = boundToParent('sleep', ['1000']);
    const child = spawn(command, args);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  const [line] = await once(parent.stdout as Readable, 'data');
  const pid = Number(String(line));
  t.ok(
    await eventually(() => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n'),
    'the pid is that of the program itself',
  );
  const ticks = processStatus(pid)?.startTicks as number;
  parent.kill('SIGKILL');
  t.ok(await eventually(() => !isSameProcess(pid, ticks)));
});

t.test('a bound program that does not exist is exit status 127, and a parent that is gone is death', async (t) => {
  const { command, args } = boundToParent('no-such-program-at-all');
  t.match(await finish(spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })), { status: 127 });
  const orphan = spawn(command, ['1', '15', 'sleep', '1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.match(await finish(orphan), { status: null, signal: 'SIGTERM' });
});

t.test('a file lock excludes others until it is closed or its holder dies', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'lease');
  const lock = FileLock.tryAcquire(path) as FileLock;
  t.equal(statSync(path).mode & 0o777, 0o600);
  writeSync(lock.fd, 'mine');
  t.equal(FileLock.tryAcquire(path), undefined);
  lock.close();
  lock.close();
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await once(holder.stdout as Readable, 'data');
  t.equal(FileLock.tryAcquire(path), undefined);
  process.kill(-(holder.pid as number), 'SIGKILL');
  let again: FileLock | undefined;
  t.ok(await eventually(() => (again = FileLock.tryAcquire(path)) !== undefined));
  t.equal(readFileSync(path, 'latin1'), 'mine', 'the content is left alone');
  again?.close({ unlink: true });
  t.throws(() => statSync(path), { code: 'ENOENT' });
  t.throws(() => FileLock.tryAcquire(join(folder, 'none', 'lease')), {
    name: 'IpcError',
    code: 'ENOENT',
    syscall: 'open',
  });
});

t.test('posix queues are listed where the kernel lists them, and it is said where not', async (t) => {
  t.equal(listPosixQueues().mountPoint, queueMountPoint());
  // In a mount namespace of its own the file system can be mounted, given the rights.
  const mount = join(t.testdir(), 'mqueue');
  mkdirSync(mount);
  const script = `
    import { PosixQueue, listPosixQueues } from ${JSON.stringify(pathToFileURL(join(sources, 'index.ts')).href)};
    const name = '/shim_list_' + process.pid;
    const queue = PosixQueue.create(name, { maxMessages: 2, messageSize: 8 });
    queue.trySend(Buffer.from('12345'));
    const { mountPoint, queues } = listPosixQueues();
    PosixQueue.unlink(name);
    console.log(JSON.stringify({ mountPoint, entry: queues.find((each) => each.name === name) }));`;
  const command = 'mount -t mqueue none "$0" || exit 77; exec "$@"';
  const args = [
    '-m',
    'sh',
    '-c',
    command,
    mount,
    process.execPath,
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ];
  const { output, status } = await finish(
    spawn('unshare', args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  if (status === 1 || status === 77) return t.comment('may not mount the mqueue file system here');
  t.match(JSON.parse(output), { entry: { mode: 0o600, uid: process.getuid?.(), bytes: 5 } });
});

t.test('a full /dev/shm is ENOSPC at creation and leaves nothing', async (t) => {
  const script = `
    import { readdirSync } from 'node:fs';
    import { PosixSharedMemory } from ${JSON.stringify(pathToFileURL(join(sources, 'index.ts')).href)};
    PosixSharedMemory.create('/fits', { size: 500_000 });
    try { PosixSharedMemory.create('/big', { size: 600_000 }); } catch (error) { console.log(error.message); }
    console.log(readdirSync('/dev/shm').join());`;
  const command = 'mount -t tmpfs -o size=1m none /dev/shm || exit 77; exec "$@"';
  const args = [
    '-m',
    'sh',
    '-c',
    command,
    'sh',
    process.execPath,
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ];
  const { output, status } = await finish(
    spawn('unshare', args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  if (status === 1 || status === 77) return t.comment('may not mount a small /dev/shm here');
  t.match(output, /^fallocate \/big: ENOSPC, not enough room in \/dev\/shm.*\nfits$/);
});

t.test('without a compiled part one is told what to do', async (t) => {
  t.equal(bindingProblem(), undefined, 'here it loads');
  const folder = mkdtempSync(join(tmpdir(), 'shim-bare-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  cpSync(sources, join(folder, 'src'), { recursive: true });
  cpSync(join(sources, '..', 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  const loader = dirname(createRequire(import.meta.url).resolve('node-gyp-build/package.json'));
  symlinkSync(loader, join(folder, 'node_modules', 'node-gyp-build'));
  const bare = (await import(pathToFileURL(join(folder, 'src', 'index.ts')).href)) as typeof import('../src/index.ts');
  t.match(bare.bindingProblem(), {
    name: 'IpcBindingError',
    code: 'ERR_IPC_BINDING',
    message: /npm run build -w posix-ipc-shim/,
  });
  t.throws(() => bare.PosixQueue.open('/x'), { code: 'ERR_IPC_BINDING' });
  t.match(bare.boundToParent('python', ['-u']), {
    command: 'setpriv',
    args: ['--pdeathsig', 'KILL', '--', 'python', '-u'],
  });
  t.match(bare.processStatus(process.pid), { pid: process.pid }, 'what needs no compiled part works');
});
