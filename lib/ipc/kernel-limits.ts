/** What the kernel refuses, as a sentence with its numbers and a way out. */

import { readFileSync } from 'node:fs';
import { bindingProblem, IpcBindingError, IpcError } from 'posix-ipc-shim';
import { DaqError } from '../errors.ts';

/** Messages of 24 bytes for all slots of a worker, and room to spare. */
const SMALLEST_QUEUE_BYTES = 1024;

/** @throws DaqError `no-native-addon` with what to type, when no compiled part of posix-ipc-shim loads */
export function requireAddon(): void {
  const problem = bindingProblem();
  if (problem) throw new DaqError('no-native-addon', `${problem.message} Or use --ipc pipe.`, { cause: problem });
}

/** Runs calls of the shim; what the kernel refuses becomes a DaqError `ipc-limit` or `ipc-refused`. */
export function withKernel<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw explain(error);
  }
}

/** The error to throw for what posix-ipc-shim threw; anything else is returned as it is. */
export function explain(error: unknown): unknown {
  if (error instanceof IpcBindingError) return new DaqError('no-native-addon', error.message, { cause: error });
  if (!(error instanceof IpcError)) return error;
  const limit = LIMITS[`${error.syscall}:${error.code}`]?.();
  if (limit !== undefined) return new DaqError('ipc-limit', limit, { place: { file: error.target }, cause: error });
  const hint = error.code === 'EACCES' || error.code === 'EPERM' ? '; "ipc-ls --all" shows whose it is' : '';
  return new DaqError('ipc-refused', `the kernel refuses: ${error.message}${hint}`, { cause: error });
}

/** @throws DaqError `ipc-limit` if a new queue has no room for our messages (kernel.msgmnb) */
export function checkQueueRoom(maxBytes: number): void {
  if (maxBytes >= SMALLEST_QUEUE_BYTES) return;
  throw new DaqError(
    'ipc-limit',
    `a System V queue has only ${maxBytes} bytes here (kernel.msgmnb), ${SMALLEST_QUEUE_BYTES} are needed; raise it, or use --ipc posix or --ipc pipe`,
  );
}

/** By call and code. */
const LIMITS: Readonly<Record<string, () => string>> = {
  'shmget:ENOSPC': () =>
    sysvFull('segments', 'kernel.shmmni', setting('kernel/shmmni'), used('shm'), ' (or kernel.shmall is used up)'),
  'shmget:EINVAL': () =>
    `a segment of this size is not allowed (kernel.shmmax is ${setting('kernel/shmmax')}); use a smaller --pebble or --ipc pipe`,
  'shmget:ENOMEM': () => 'there is no memory for another segment; use fewer workers or a smaller --pebble',
  'shmget:ENOSYS': () => 'this kernel has no System V IPC; use --ipc posix or --ipc pipe',
  'msgget:ENOSYS': () => 'this kernel has no System V IPC; use --ipc posix or --ipc pipe',
  'msgget:ENOSPC': () => sysvFull('queues', 'kernel.msgmni', setting('kernel/msgmni'), used('msg'), ''),
  'msgget:ENOMEM': () => 'there is no memory for another queue; use --ipc pipe',
  'mq_open:ENOSPC': () =>
    `no more POSIX queues: fs.mqueue.queues_max is ${setting('fs/mqueue/queues_max')} for all users together; "ipc-rm" removes orphans, --ipc sysv and --ipc pipe need none`,
  'mq_open:EMFILE': () =>
    `no more POSIX queues for this user: RLIMIT_MSGQUEUE is ${processLimit('Max msgqueue size')} bytes (ulimit -q), open files ${processLimit('Max open files')} (ulimit -n); "ipc-rm" removes orphans, --ipc sysv and --ipc pipe need none`,
  'mq_open:EINVAL': () =>
    `a POSIX queue with 1 message of 512 bytes is not allowed (fs.mqueue.msg_max is ${setting('fs/mqueue/msg_max')}, msgsize_max ${setting('fs/mqueue/msgsize_max')}), or its name is too long; use --ipc sysv or --ipc pipe`,
  'mq_open:ENOSYS': () => 'this kernel has no POSIX queues; use --ipc sysv or --ipc pipe',
  'shm_open:ENOSPC': () => memoryFull(),
  'ftruncate:ENOSPC': () => memoryFull(),
  'fallocate:ENOSPC': () => memoryFull(),
  'shm_open:EMFILE': () => `too many open files (ulimit -n is ${processLimit('Max open files')})`,
};

function memoryFull(): string {
  return '/dev/shm is full (df /dev/shm; in a container --shm-size); use a smaller --pebble or --max-transition, fewer workers, or --ipc pipe';
}

function sysvFull(what: string, name: string, limit: string, inUse: string, more: string): string {
  if (limit === '0')
    return `this machine or container allows no System V ${what} (${name} is 0); use --ipc posix or --ipc pipe`;
  return `no more System V ${what}: ${inUse} of ${limit} (${name}) are in use${more}; "ipc-ls --all" lists them, "ipc-rm" removes orphans, --ipc pipe needs none`;
}

function setting(path: string): string {
  return textOf(`/proc/sys/${path}`).trim();
}

function used(table: 'shm' | 'msg'): string {
  const lines = textOf(`/proc/sysvipc/${table}`).trim().split('\n').length;
  return String(lines - 1);
}

function processLimit(name: string): string {
  const line = textOf('/proc/self/limits')
    .split('\n')
    .find((text) => text.startsWith(name));
  return line?.slice(name.length).trim().split(/\s+/)[0] ?? '?';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '?';
  }
}
