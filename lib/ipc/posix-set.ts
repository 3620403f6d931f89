/** The POSIX objects of one drp-python, under the names that existing Python code opens (spec drp-python.md, 2.2 and 2.3). */

import { statfsSync } from 'node:fs';
import { IpcError, listPosixMemory, PosixQueue, PosixSharedMemory } from 'posix-ipc-shim';
import { DaqError, UsageError } from '../errors.ts';
import { explain, withKernel } from './kernel-limits.ts';
import { Lease, leasesOf } from './lease.ts';
import { alreadyServed, commandOf, ownerLives } from './owner.ts';
import { baseName, parseName, QUEUE, workerNames } from './posix-names.ts';
import { headOf, segmentUsers } from './processes.ts';
import type { IpcIdentity, IpcSet, IpcSetOptions, PosixObjects } from './types.ts';
import { waitFor } from './waiting.ts';

const MEMORY_FOLDER = '/dev/shm';
const LOCK_TRIES = 400;
const LOCK_PAUSE_MS = 5;

/** @throws DaqError `already-served`, `ipc-limit`, `ipc-refused`; UsageError for an instance, which these names cannot hold */
export function openPosixSet(options: IpcSetOptions): PosixSet {
  const { identity, workers } = options;
  if (identity.instance !== undefined) {
    throw new UsageError('--instance has no place in the names of --ipc posix; use --ipc sysv');
  }
  const base = baseName(identity);
  return withKernel(() => {
    const lease = takeLease(base, identity);
    try {
      const staleRemoved = removeStale(base, identity, workers, lease.previous?.names ?? []);
      checkMemory(2 * workers * options.segmentBytes);
      const names = Array.from({ length: workers }, (_, worker) => Object.values(workerNames(base, worker))).flat();
      lease.write({ transport: 'posix', identity, workers, names, startedAt: Date.now() / 1000 });
      return new PosixSet(options, base, lease, staleRemoved);
    } catch (error) {
      lease.close();
      throw error;
    }
  });
}

export class PosixSet implements IpcSet<PosixObjects> {
  readonly transport = 'posix';
  readonly identity: IpcIdentity;
  readonly workers: PosixObjects[] = [];
  readonly staleRemoved: number;
  readonly probe = 0;
  private readonly base: string;
  private readonly lease: Lease;
  private readonly segmentBytes: number;
  private readonly mode: number;
  private readonly ephemeral: boolean;
  private closed = false;

  /** @throws IpcError; nothing is left then */
  constructor(options: IpcSetOptions, base: string, lease: Lease, staleRemoved: number) {
    this.identity = options.identity;
    this.base = base;
    this.lease = lease;
    this.staleRemoved = staleRemoved;
    this.segmentBytes = options.segmentBytes;
    this.mode = options.mode ?? 0o600;
    this.ephemeral = options.ephemeral ?? false;
    try {
      for (let worker = 0; worker < options.workers; worker++) this.workers.push(this.make(worker));
    } catch (error) {
      const explained = explain(error);
      this.close();
      throw explained;
    }
  }

  recreate(worker: number): PosixObjects {
    return withKernel(() => {
      closeAll(this.workers[worker]!);
      unlinkWorker(this.base, worker);
      const objects = this.make(worker);
      this.workers[worker] = objects;
      return objects;
    });
  }

  markForRemoval(): void {
    if (this.ephemeral && !this.closed) this.unlinkSync();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.unlinkSync();
    } finally {
      for (const objects of this.workers) closeAll(objects);
      this.lease.close();
    }
  }

  unlinkSync(): void {
    let failure: unknown;
    for (const worker of this.workers.keys()) {
      try {
        unlinkWorker(this.base, worker);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined)
      withKernel(() => {
        throw failure;
      });
  }

  /** All four or none. */
  private make(worker: number): PosixObjects {
    const names = workerNames(this.base, worker);
    const made: { close(): void }[] = [];
    const keep = <T extends { close(): void }>(object: T): T => {
      made.push(object);
      return object;
    };
    const { mode } = this;
    const queue = { maxMessages: QUEUE.maxMessages, messageSize: QUEUE.messageSize, mode };
    // Reserving would touch every page of 16 MiB per worker, most of which no event ever needs; the room has been checked.
    const memory = { size: this.segmentBytes, mode, reserve: false };
    try {
      return {
        toWorker: keep(PosixQueue.create(names.toWorker, { ...queue, access: 'write' })),
        fromWorker: keep(PosixQueue.create(names.fromWorker, { ...queue, access: 'read' })),
        input: keep(PosixSharedMemory.create(names.input, memory)),
        result: keep(PosixSharedMemory.create(names.result, memory)),
      };
    } catch (error) {
      for (const object of made) object.close();
      const all = [names.toWorker, names.fromWorker, names.input, names.result];
      for (const name of all.slice(0, made.length)) unlink(name);
      throw error;
    }
  }
}

function closeAll({ toWorker, fromWorker, input, result }: PosixObjects): void {
  for (const object of [toWorker, fromWorker, input, result]) object.close();
}

function unlinkWorker(base: string, worker: number): number {
  return Object.values(workerNames(base, worker)).filter(unlink).length;
}

/** Removes an object of a known name. @returns false if there was none. @throws IpcError EACCES */
export function unlink(name: string): boolean {
  return parseName(name)?.type === 'queue' ? PosixQueue.unlink(name) : PosixSharedMemory.unlink(name);
}

/** Whoever holds the lock says who it is a moment later; until then it is asked again. */
function takeLease(base: string, identity: IpcIdentity): Lease {
  const found = waitFor(() => leaseOrHolder(base), LOCK_TRIES, LOCK_PAUSE_MS);
  if (found instanceof Lease) return found;
  if (found !== undefined) throw alreadyServed(identity.partition, servedName(identity), found);
  throw new DaqError(
    'already-served',
    `another process has been starting ${servedName(identity)} in partition ${identity.partition} for ${(LOCK_TRIES * LOCK_PAUSE_MS) / 1000} s`,
  );
}

/** The lease, or the pid of its living holder, in whatever folder; undefined while the holder has not said who it is. */
function leaseOrHolder(base: string): Lease | number | undefined {
  const lease = Lease.tryTake('posix', base);
  const holder = leasesOf('posix', base).find(({ owner }) => ownerLives(owner, lease === undefined));
  if (holder === undefined) return lease;
  lease?.close();
  return holder.owner.pid;
}

/**
 * Removes what stands under our names. What a dead owner's lease lists is stale, whoever still maps it; what no lease lists is stale only
 * if nobody maps its segments: the existing system keeps no leases.
 * @throws DaqError `already-served` with the pid of its user
 */
function removeStale(base: string, identity: IpcIdentity, workers: number, leased: readonly string[]): number {
  const there = listPosixMemory()
    .map(({ name }) => name)
    .filter((name) => isOf(identity, name));
  const unleased = there.filter((name) => !leased.includes(name));
  if (unleased.length > 0) {
    const users = segmentUsers();
    const pid = headOf(unleased.flatMap((name) => users.get(name) ?? []));
    if (pid !== undefined) throw alreadyServed(identity.partition, servedName(identity), pid, commandOf(pid));
  }
  const last = Math.max(workers - 1, ...[...there, ...leased].map((name) => parseName(name)?.worker ?? 0));
  let removed = 0;
  for (let worker = 0; worker <= last; worker++) removed += unlinkWorker(base, worker);
  return removed;
}

function isOf({ partition, detName, segment }: IpcIdentity, name: string): boolean {
  const known = parseName(name);
  return (
    known?.worker !== undefined &&
    known.partition === partition &&
    known.detector === detName &&
    known.segment === segment
  );
}

function servedName({ detName, segment }: IpcIdentity): string {
  return `${detName}_${segment}`;
}

/** @throws IpcError ENOSPC: a fault in a worker would be the other way to learn it, as the existing side copies whole segments */
function checkMemory(bytes: number): void {
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  if (bavail * bsize < bytes) throw new IpcError(ENOSPC, 'fallocate', MEMORY_FOLDER);
}

const ENOSPC = 28;
