/** The two ways to fail: a call that the kernel refused, and a binary that does not load. All sentences for people are made here. */
import { constants } from 'node:os';

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]));

/** `EEXIST` for 17; `E17` style for a number that this Node does not know. */
export function errorName(errno: number): string {
  return names.get(errno) ?? `E${errno}`;
}

/** What to do about it, by call and code; the code alone is the fallback. */
const advice: Record<string, string> = {
  EEXIST: 'it exists already; remove it first, or open it',
  ENOENT: 'there is no such object; has its owner been started?',
  EACCES: 'its mode does not permit this; `ls -l /dev/shm` or `ipcs` shows the owner',
  EPERM: 'only its owner may do this',
  EIDRM: 'it was removed meanwhile',
  EMFILE: 'this process has too many open descriptors (ulimit -n)',
  ENFILE: 'the system has too many open files',
  ENOMEM: 'not enough memory or address space',
  ENOSYS: 'this kernel or container does not offer the call',
  ETIMEDOUT: 'the time limit passed',
  EFBIG: 'larger than an ArrayBuffer of this Node can be',
  ENOTSUP: 'this JavaScript engine does not allow external memory in an ArrayBuffer',
  'shm_open:ENOSPC': '/dev/shm is full',
  'fallocate:ENOSPC': 'not enough room in /dev/shm (df /dev/shm; in a container: --shm-size)',
  'shm_open:EINVAL': 'a name is "/" and then up to 254 characters without "/"',
  'shmget:EINVAL': 'the size is 0, above kernel.shmmax, or larger than that of the segment which is there',
  'shmget:ENOSPC':
    'the limits kernel.shmmni or kernel.shmall are used up (0 in some containers); `ipcs -lm` shows them',
  'shmat:EINVAL': 'there is no segment with this id',
  'shmctl:EINVAL': 'there is no segment with this id',
  'msgget:ENOSPC': 'the limit kernel.msgmni is used up (0 in some containers); `ipcs -lq` shows it',
  'msgctl:EINVAL': 'there is no queue with this id',
  'msgsnd:EINVAL': 'the queue is gone, the type is not positive, or the message is longer than kernel.msgmax',
  'msgsnd:EAGAIN': 'the queue is full',
  'msgrcv:EINVAL': 'there is no queue with this id',
  'msgrcv:E2BIG': 'the next message is longer than the buffer; it is still in the queue',
  'mq_open:EINVAL':
    'a name is "/" and then up to 254 characters; sizes are limited by fs.mqueue.msg_max and fs.mqueue.msgsize_max',
  'mq_open:EMFILE': 'too many descriptors, or the limit of queue bytes of this user is used up (ulimit -q)',
  'mq_open:ENOSPC': 'the limit fs.mqueue.queues_max is used up',
  'mq_send:EMSGSIZE': "the message is longer than the queue's message size",
  'mq_receive:EMSGSIZE': "the buffer is smaller than the queue's message size",
  'mq_send:EBADF': 'the queue is closed, or was opened for reading only',
  'mq_receive:EBADF': 'the queue is closed, or was opened for writing only',
  'futex:EINVAL': 'a word needs an offset that is a multiple of 4 and inside of the memory',
  'futex:EACCES': 'the memory is mapped read-only, that is, privately: no other process would see the word',
  'futex:EBADF': 'the memory is closed',
};

/** A call on an IPC object failed. `code` is the name of the error number, `target` the name, key or id of the object. */
export class IpcError extends Error {
  override readonly name = 'IpcError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly target: string;

  constructor(errno: number, syscall: string, target: string, options: { advice?: string; cause?: unknown } = {}) {
    const code = errorName(errno);
    const what = options.advice ?? advice[`${syscall}:${code}`] ?? advice[code];
    super(
      `${syscall} ${target}: ${code}${what === undefined ? '' : `, ${what}`}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.target = target;
  }
}

/** No compiled part of this package loads on this machine. */
export class IpcBindingError extends Error {
  override readonly name = 'IpcBindingError';
  readonly code = 'ERR_IPC_BINDING';
}

/** Passes a result of the binding on, or throws its negative error number. @throws IpcError */
export function check(result: number, syscall: string, target: string): number {
  if (result < 0) throw new IpcError(-result, syscall, target);
  return result;
}

/** Runs a call of `node:fs` on the object and gives its error our form. @throws IpcError */
export function checkFs<T>(syscall: string, target: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const errno = cause instanceof Error && 'errno' in cause ? Number(cause.errno) : Number.NaN;
    if (Number.isNaN(errno)) throw cause;
    throw new IpcError(Math.abs(errno), syscall, target, { cause });
  }
}

/** @throws RangeError unless the limit is a finite number >= 0: nothing here waits for ever. */
export function checkLimit(timeoutMs: number): number {
  if (!Number.isFinite(timeoutMs) || timeoutMs < 0) {
    throw new RangeError(`a time limit is a finite number of milliseconds, got ${String(timeoutMs)}`);
  }
  return timeoutMs;
}

/** @throws RangeError unless `value` is an integer in the range. */
export function checkInteger(what: string, value: number, low: number, high = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new RangeError(`${what} is an integer from ${low} to ${high}, got ${String(value)}`);
  }
  return value;
}
