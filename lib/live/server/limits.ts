/** What the kernel allows for POSIX queues and shared memory, as numbers and as sentences (spec live.md, "Limits"). */

import { readFileSync, statfsSync } from 'node:fs';
import { IpcError } from 'posix-ipc-shim';
import { DaqError, UsageError } from '../../errors.ts';
import { explain } from '../../ipc/kernel-limits.ts';
import { MAX_EVENT_BUFFERS } from '../protocol.ts';

export const DEFAULT_BUFFERS = 8;
const MEMORY_FOLDER = '/dev/shm';
const MSG_MAX = 'fs.mqueue.msg_max';

/** fs.mqueue.msg_max: messages in one queue, and so event buffers. Undefined if the kernel does not say. */
export function messagesAllowed(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/fs/mqueue/msg_max', 'latin1'));
  } catch {
    return undefined;
  }
}

/**
 * The number of event buffers.
 * @param asked what `-n` says; without it the usual number is made smaller until it works, and `say` is told
 * @param allowed fs.mqueue.msg_max
 * @throws UsageError with the limit and the largest value that works
 */
export function chooseBuffers(
  asked: number | undefined,
  clients: number,
  allowed: number | undefined,
  say: (text: string) => void,
): number {
  const most = Math.min(MAX_EVENT_BUFFERS, allowed ?? MAX_EVENT_BUFFERS);
  const limit = most < MAX_EVENT_BUFFERS ? `${MSG_MAX} is ${most}` : `the protocol counts up to ${most}`;
  const wanted = asked ?? Math.max(DEFAULT_BUFFERS, clients);
  if (wanted > most && asked !== undefined) {
    throw new UsageError(
      `--buffers ${asked} is too many: ${limit}, so -n ${most} is the largest that works${most < MAX_EVENT_BUFFERS ? ` (sysctl -w ${MSG_MAX}=${Math.min(asked, MAX_EVENT_BUFFERS)} allows more)` : ''}`,
    );
  }
  const buffers = Math.min(wanted, most);
  if (clients > buffers) {
    throw new UsageError(`${clients} clients need at least as many event buffers, and there are ${buffers} (${limit})`);
  }
  if (buffers < wanted) say(`${buffers} event buffers instead of ${wanted}: ${limit}`);
  return buffers;
}

/** @throws DaqError `ipc-limit`: writing into memory that is not there would end the process */
export function checkMemory(bytes: number): void {
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  if (bavail * bsize >= bytes) return;
  throw new DaqError(
    'ipc-limit',
    `the buffers need ${bytes} bytes and ${MEMORY_FOLDER} has ${bavail * bsize} free; use a smaller --size or fewer --buffers (in a container: --shm-size)`,
  );
}

/** What the kernel refuses, with a way out that this command has. */
export function explainLive(error: unknown, tag: string): unknown {
  if (!(error instanceof IpcError)) return error;
  const text = REFUSALS[`${error.syscall}:${error.code}`];
  if (text === undefined) return explain(error);
  return new DaqError('ipc-limit', `tag ${tag}: ${text}`, { place: { file: error.target }, cause: error });
}

const REFUSALS: Readonly<Record<string, string>> = {
  'mq_open:ENOSPC': 'no more POSIX queues on this machine (fs.mqueue.queues_max); "ipc-rm" removes orphans',
  'mq_open:EMFILE':
    'no more POSIX queues for this user (RLIMIT_MSGQUEUE, ulimit -q) or open files (ulimit -n); use fewer --clients or --buffers, "ipc-rm" removes orphans',
  'mq_open:EINVAL': 'the kernel takes no queue of this size or name (fs.mqueue.msg_max, msgsize_max)',
  'mq_open:ENOSYS': 'this kernel has no POSIX queues, and the protocol needs them',
};
