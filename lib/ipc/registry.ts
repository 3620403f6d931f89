/** A registry segment that this process owns, and reading those of others. */

import { type SysvMemoryStatus, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import { KIND, makeKey, REGISTRY_WORKER } from './keys.ts';
import {
  isBlank,
  type ObjectRecord,
  type RegistryHead,
  readHead,
  readRecords,
  registryBytes,
  STATE,
  writeHead,
  writeRecord,
} from './registry-layout.ts';

/** Stays attached until `close`: the attach count tells other pid namespaces that the owner lives. */
export class Registry {
  readonly key: number;
  readonly head: RegistryHead;
  private readonly segment: SysvSharedMemory;

  private constructor(segment: SysvSharedMemory, key: number, head: RegistryHead) {
    this.segment = segment;
    this.key = key;
    this.head = head;
  }

  /** @throws IpcError EEXIST if something stands under the key */
  static create(key: number, head: RegistryHead): Registry {
    const segment = SysvSharedMemory.create(key, { size: registryBytes(head.workers) });
    writeHead(segment.bytes, head);
    return new Registry(segment, key, head);
  }

  /** Says that an object is about to be made, before the kernel is asked. */
  announce(worker: number, kind: number, key: number, bytes: number): void {
    writeRecord(this.segment.bytes, { worker, kind, key, id: -1, state: STATE.pending, bytes });
  }

  /** Says that it has been made. */
  record(worker: number, kind: number, key: number, bytes: number, id: number): void {
    writeRecord(this.segment.bytes, { worker, kind, key, id, state: STATE.made, bytes });
  }

  /** Says that it is gone. */
  forget(worker: number, kind: number): void {
    writeRecord(this.segment.bytes, { worker, kind, key: 0, id: -1, state: STATE.none, bytes: 0 });
  }

  /** Removes the segment; it can still be written to. Works any number of times. @throws IpcError */
  remove(): void {
    this.segment.remove();
  }

  /** Lets go of it. Works twice. */
  close(): void {
    this.segment.close();
  }
}

/** What stands under a registry's key. */
export type Standing =
  | { kind: 'nothing' }
  /** Another user's, or no registry of ours. */
  | { kind: 'foreign'; id: number; status: SysvMemoryStatus | undefined }
  /** Nothing is written in it yet, or its maker died right then. */
  | { kind: 'blank'; id: number; status: SysvMemoryStatus }
  | ({ kind: 'registry' } & FoundRegistry);

/** A registry of anybody. */
export interface FoundRegistry {
  id: number;
  status: SysvMemoryStatus;
  head: RegistryHead;
  records: ObjectRecord[];
}

/** Looks at what stands under a registry's key. */
export function lookAt(key: number): Standing {
  const id = SysvSharedMemory.find(key);
  return id === undefined ? { kind: 'nothing' } : readRegistry(id);
}

/** Reads the segment with this id. A text whose uid is not the kernel's owner is not believed. */
export function readRegistry(id: number): Standing {
  let status: SysvMemoryStatus | undefined;
  let bytes: Buffer;
  try {
    status = SysvSharedMemory.stat(id);
    bytes = Buffer.from(SysvSharedMemory.snapshot(id, registryBytes(REGISTRY_WORKER)));
  } catch {
    // No permission, or gone since: not ours in both cases.
    return { kind: 'foreign', id, status };
  }
  const head = readHead(bytes);
  if (head !== undefined && head.uid === status.uid) {
    return { kind: 'registry', id, status, head, records: readRecords(bytes, head.workers) };
  }
  return isBlank(bytes) ? { kind: 'blank', id, status } : { kind: 'foreign', id, status };
}

/** The key of the registry for a hash (probe included). */
export function registryKey(partition: number, hash: number): number {
  return makeKey({ partition, hash, worker: REGISTRY_WORKER, kind: KIND.registry });
}

/**
 * Removes the objects that a registry of a dead owner lists, then the registry.
 * An id counts only while key and user are those of the record, so a wrong registry removes nothing of anybody.
 * @returns how many were removed
 * @throws IpcError EPERM
 */
export function reap({ id, status, head, records }: FoundRegistry): number {
  let removed = 0;
  for (const record of records) {
    const found = record.state === STATE.made ? record.id : unfinished(record, head, status);
    if (found !== undefined && removeRecorded(record, found, head.uid)) removed++;
  }
  return SysvSharedMemory.remove(id) ? removed + 1 : removed;
}

/** Removes one object of a registry if it still is the one that was recorded. @throws IpcError EPERM */
export function removeRecorded(record: ObjectRecord, id: number, uid: number): boolean {
  const status = statOf(record.kind, id);
  // A segment that is marked for removal has lost its key, and needs nothing more.
  if (status === undefined || status.uid !== uid || status.key !== record.key) return false;
  return isQueue(record.kind) ? SysvQueue.remove(id) : SysvSharedMemory.remove(id);
}

export function isQueue(kind: number): boolean {
  return kind === KIND.queueToWorker || kind === KIND.queueFromWorker;
}

/** The object of a record whose owner died between asking the kernel and writing the id; undefined unless it can be nobody else's. */
function unfinished(record: ObjectRecord, head: RegistryHead, registry: SysvMemoryStatus): number | undefined {
  // Once the registry is gone its keys may have a new owner.
  if (SysvSharedMemory.find(registry.key) !== registry.id) return undefined;
  const id = isQueue(record.kind) ? SysvQueue.find(record.key) : SysvSharedMemory.find(record.key);
  if (id === undefined) return undefined;
  const status = statOf(record.kind, id);
  if (status === undefined || status.uid !== head.uid || status.changeTime < registry.changeTime) return undefined;
  const its = 'creatorPid' in status ? status.creatorPid === head.owner.pid : isUnused(status);
  return its ? id : undefined;
}

/** The kernel does not say who made a queue; but one that has just been made has never been used. */
function isUnused(queue: { messages: number; sendTime: number; receiveTime: number }): boolean {
  return queue.messages === 0 && queue.sendTime === 0 && queue.receiveTime === 0;
}

function statOf(kind: number, id: number) {
  try {
    return isQueue(kind) ? SysvQueue.stat(id) : SysvSharedMemory.stat(id);
  } catch {
    // Gone meanwhile, or another user's.
    return undefined;
  }
}
