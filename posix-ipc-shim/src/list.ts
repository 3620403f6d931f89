/** What exists on this machine, where the kernel lists it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkFs } from './errors.ts';
import { type SysvMemoryStatus, segmentMode } from './sysv-memory.ts';
import type { SysvQueueStatus } from './sysv-queue.ts';

/** An object that is a file; times in seconds since 1970. */
export interface NamedObject {
  /** With the leading "/". */
  name: string;
  mode: number;
  uid: number;
  gid: number;
  changeTime: number;
}

export interface PosixMemoryEntry extends NamedObject {
  size: number;
}

export interface PosixQueueEntry extends NamedObject {
  /** Bytes of all messages in the queue. */
  bytes: number;
}

/** The rows of a table with a head line, as records of numbers. */
function table(path: string): Array<(column: string) => number> {
  const [head = '', ...rows] = checkFs('read', path, () => readFileSync(path, 'latin1'))
    .trim()
    .split('\n');
  const columns = head.trim().split(/\s+/);
  return rows.map((row) => {
    const cells = row.trim().split(/\s+/);
    return (column) => Number(cells[columns.indexOf(column)]);
  });
}

/** The column `perms` is octal, and the key is a signed number. */
const permissions = (cell: number) => Number.parseInt(String(cell), 8);

/** All segments of this IPC namespace that the kernel shows. @throws IpcError ENOENT: this kernel has no System V IPC */
export function listSysvMemory(): SysvMemoryStatus[] {
  return table('/proc/sysvipc/shm').map((cell) => ({
    id: cell('shmid'),
    key: cell('key') >>> 0,
    ...segmentMode(permissions(cell('perms'))),
    size: cell('size'),
    attached: cell('nattch'),
    creatorPid: cell('cpid'),
    lastPid: cell('lpid'),
    uid: cell('uid'),
    gid: cell('gid'),
    attachTime: cell('atime'),
    detachTime: cell('dtime'),
    changeTime: cell('ctime'),
  }));
}

/** All queues of this IPC namespace. @throws IpcError ENOENT: this kernel has no System V IPC */
export function listSysvQueues(): SysvQueueStatus[] {
  return table('/proc/sysvipc/msg').map((cell) => ({
    id: cell('msqid'),
    key: cell('key') >>> 0,
    mode: permissions(cell('perms')) & 0o777,
    messages: cell('qnum'),
    bytes: cell('cbytes'),
    lastSender: cell('lspid'),
    lastReceiver: cell('lrpid'),
    uid: cell('uid'),
    gid: cell('gid'),
    sendTime: cell('stime'),
    receiveTime: cell('rtime'),
    changeTime: cell('ctime'),
  }));
}

/** The regular files of a folder; one that vanishes meanwhile is left out. */
function files(folder: string): Array<NamedObject & { size: number; path: string }> {
  return checkFs('readdir', folder, () => readdirSync(folder)).flatMap((file) => {
    const path = join(folder, file);
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined || !status.isFile()) return [];
    const { uid, gid, size } = status;
    return [{ name: `/${file}`, mode: status.mode & 0o777, uid, gid, changeTime: status.ctimeMs / 1000, size, path }];
  });
}

/** The POSIX shared memory objects (named semaphores, which live in the same folder, are left out). @throws IpcError */
export function listPosixMemory(): PosixMemoryEntry[] {
  return files('/dev/shm')
    .filter(({ name }) => !name.startsWith('/sem.'))
    .map(({ path, ...entry }) => entry);
}

/** Where the mqueue file system is mounted, or undefined: then nobody can list queues, though they work. */
export function queueMountPoint(): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [place, source] = line.split(' - ');
    if (source?.startsWith('mqueue ')) return place?.split(' ')[4];
  }
  return undefined;
}

/**
 * The POSIX queues, if the mqueue file system is mounted. `mountPoint` undefined says that it is not, so that nothing is known
 * (mount it with `mount -t mqueue none /dev/mqueue`). @throws IpcError
 */
export function listPosixQueues(): { mountPoint: string | undefined; queues: PosixQueueEntry[] } {
  const mountPoint = queueMountPoint();
  if (mountPoint === undefined) return { mountPoint, queues: [] };
  const queues = files(mountPoint).map(({ path, size, ...entry }) => ({ ...entry, bytes: queuedBytes(path) }));
  return { mountPoint, queues };
}

/** The file of a queue says `QSIZE:129 NOTIFY:...`; NaN where it may not be read. */
function queuedBytes(path: string): number {
  try {
    return Number(/QSIZE:\s*(\d+)/.exec(readFileSync(path, 'latin1'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/**
 * Which processes map which POSIX shared memory objects, by name: what the kernel does not count for them. Only processes of this user
 * can be looked into, unless it is root.
 */
export function posixMemoryUsers(): Map<string, number[]> {
  const users = new Map<string, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    for (const name of mappedObjects(entry)) users.set(name, [...(users.get(name) ?? []), Number(entry)]);
  }
  return users;
}

function mappedObjects(pid: string): Set<string> {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch {
    return new Set(); // it ended meanwhile, or belongs to another user
  }
  return new Set(
    Array.from(maps.matchAll(/ \/dev\/shm(\/[^/\n]+?)(?: \(deleted\))?$/gm), (match) => match[1] as string),
  );
}
