/** What lib/ipc promises: the kernel objects between one drp-python and its workers, whatever the transport (docs/ipc.md). */

import type { PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';

/** Who owns a set of objects: what keys and names are made of. */
export interface IpcIdentity {
  /** 0 to 15. */
  partition: number;
  detName: string;
  /** 0 or more. */
  segment: number;
  /** System V only: whatever else must separate two of them on one node. */
  instance?: string | undefined;
}

/** The four objects of one worker. All are open in this process. */
export interface WorkerObjects<Queue, Memory> {
  toWorker: Queue;
  fromWorker: Queue;
  /** Written here, read by the worker. */
  input: Memory;
  /** Written by the worker, read here. */
  result: Memory;
}

export type SysvObjects = WorkerObjects<SysvQueue, SysvSharedMemory>;
/** `toWorker` is open for writing only, `fromWorker` for reading only. */
export type PosixObjects = WorkerObjects<PosixQueue, PosixSharedMemory>;

export interface IpcSetOptions {
  identity: IpcIdentity;
  /** Number of workers, 1 to 255. */
  workers: number;
  /** Bytes of each of the two segments of a worker; their layout is the caller's. */
  segmentBytes: number;
  /** Permission bits of everything that is made, whatever the umask. Default 0600. */
  mode?: number;
  /** `markForRemoval` takes effect (spec drp-python.md, 3.4). Default false. */
  ephemeral?: boolean;
}

export interface RecreateOptions {
  /**
   * System V: `keep` (default) keeps the segments, because results that wait for their turn are views of them; `fresh` makes new ones, and
   * views of the old ones have length 0 from then on. POSIX objects are always all fresh: the existing protocol cannot tell a late answer.
   */
  segments?: 'keep' | 'fresh';
}

/** The objects of all workers of one detector segment, owned by this process until `close`. */
export interface IpcSet<Objects> {
  readonly transport: 'sysv' | 'posix';
  readonly identity: Readonly<IpcIdentity>;
  /** By worker number; `recreate` replaces an entry. */
  readonly workers: readonly Objects[];
  /** How many objects of a dead owner were removed at the start. */
  readonly staleRemoved: number;
  /** System V: how many keys were passed over because something else stood there. POSIX: 0. */
  readonly probe: number;
  /**
   * New objects for a worker whose process is gone. Nobody hears what the old process still sends: its queues are removed.
   * @throws DaqError `ipc-limit`, `ipc-refused`
   */
  recreate(worker: number, options?: RecreateOptions): Objects;
  /**
   * To be called when every worker has attached. With `ephemeral`, segments are marked for removal (System V) or lose their names (POSIX), so
   * that they go with their last user even after SIGKILL. Works any number of times, also after `recreate`; does nothing without the option.
   */
  markForRemoval(): void;
  /** Removes every object and closes it here: views of the segments have length 0 then. Works twice. Goes on after errors and throws the first. */
  close(): void;
  /** Removes every object but leaves the mappings alone: for emergencies. Works any number of times, goes on after errors, throws the first. */
  unlinkSync(): void;
}
