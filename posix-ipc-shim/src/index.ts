/** System V and POSIX shared memory, message queues, futexes and eventfds for Node on Linux. */
export { IpcBindingError, IpcError } from './errors.ts';
export { EventFd } from './event-fd.ts';
export { FileLock } from './file-lock.ts';
export { FutexWord, type WatchWordOptions } from './futex-word.ts';
export {
  listPosixMemory,
  listPosixQueues,
  listSysvMemory,
  listSysvQueues,
  type NamedObject,
  type PosixMemoryEntry,
  type PosixQueueEntry,
  posixMemoryUsers,
  queueMountPoint,
} from './list.ts';
export { Mapping, maxMappingBytes } from './mapping.ts';
export { bindingProblem } from './native.ts';
export type { SendSoonOptions } from './outbox.ts';
export {
  type CreateMemoryOptions,
  type OpenMemoryOptions,
  PosixSharedMemory,
  PosixSharedObject,
} from './posix-memory.ts';
export { type CreateQueueOptions, PosixQueue, type PosixSendOptions, type QueueAccess } from './posix-queue.ts';
export {
  boundToParent,
  isSameProcess,
  type ProcessStatus,
  parentDeathSignal,
  processStatus,
  setParentDeathSignal,
} from './process.ts';
export { IPC_PRIVATE, showKey } from './sysv-key.ts';
export { type CreateSegmentOptions, type SysvMemoryStatus, SysvSharedMemory } from './sysv-memory.ts';
export {
  type CreateSysvQueueOptions,
  SysvQueue,
  type SysvQueueStatus,
  type SysvSendOptions,
  type SysvWatchOptions,
} from './sysv-queue.ts';
export { type OnMessage, Watch, type WatchOptions } from './watch.ts';
