/** System V shared memory segments. */
import { check, checkInteger, IpcError } from './errors.ts';
import { Mapping, maxMappingBytes } from './mapping.ts';
import { type NativeRegion, native } from './native.ts';
import { existingKey, IPC_CREAT, IPC_EXCL, kernelKey, showKey } from './sysv-key.ts';

const ENOENT = 2;
const EINVAL = 22;
const ERANGE = 34;
const EIDRM = 43;
const SHM_DEST = 0o1000;

/** What the kernel knows about a segment; times in seconds since 1970, 0 for never. */
export interface SysvMemoryStatus {
  id: number;
  key: number;
  mode: number;
  size: number;
  attached: number;
  creatorPid: number;
  lastPid: number;
  uid: number;
  gid: number;
  attachTime: number;
  detachTime: number;
  changeTime: number;
  /** Removed already; it goes with its last mapping. */
  markedForRemoval: boolean;
}

export interface CreateSegmentOptions {
  /** Bytes. */
  size: number;
  /** Permission bits, not subject to the umask. Default 0600. */
  mode?: number;
  /** What to do with a segment under this key: fail (EEXIST), or open it if it is large enough. Default fail. */
  ifExists?: 'fail' | 'open';
}

const showId = (id: number) => `segment ${id}`;

/** Splits the mode word of the kernel. */
export function segmentMode(mode: number): { mode: number; markedForRemoval: boolean } {
  return { mode: mode & 0o777, markedForRemoval: (mode & SHM_DEST) !== 0 };
}

function attachRegion(id: number, target: string): NativeRegion {
  const region = native().shmAttach(id, maxMappingBytes);
  if (typeof region === 'number') throw new IpcError(-region, 'shmat', target);
  return region;
}

/** The fields in the order of the binding's shmStat. */
function statusOf(id: number, fields: number[]): SysvMemoryStatus {
  const field = (index: number) => fields[index] ?? 0;
  return {
    id,
    key: field(0),
    ...segmentMode(field(1)),
    size: field(2),
    attached: field(3),
    creatorPid: field(4),
    lastPid: field(5),
    uid: field(6),
    gid: field(7),
    attachTime: field(8),
    detachTime: field(9),
    changeTime: field(10),
  };
}

export class SysvSharedMemory extends Mapping {
  readonly id: number;

  private constructor(id: number, target: string) {
    super(attachRegion(id, target), target);
    this.id = id;
  }

  /** Creates and attaches a segment (`key` may be IPC_PRIVATE). @throws IpcError EEXIST, ENOSPC, EACCES, EINVAL, ... */
  static create(key: number, options: CreateSegmentOptions): SysvSharedMemory {
    const size = checkInteger('size', options.size, 1, maxMappingBytes);
    const mode = checkInteger('mode', options.mode ?? 0o600, 0, 0o777);
    const exclusive = options.ifExists === 'open' ? 0 : IPC_EXCL;
    const id = check(native().shmGet(kernelKey(key), size, IPC_CREAT | exclusive | mode), 'shmget', showKey(key));
    try {
      return new SysvSharedMemory(id, showKey(key));
    } catch (error) {
      if (exclusive !== 0) native().shmRemove(id);
      throw error;
    }
  }

  /** Attaches the segment under a key. @throws IpcError ENOENT, EACCES, ERANGE when it has less than `size` bytes */
  static open(key: number, options: { size?: number } = {}): SysvSharedMemory {
    const id = check(native().shmGet(existingKey(key), 0, 0), 'shmget', showKey(key));
    return SysvSharedMemory.#attach(id, showKey(key), options.size);
  }

  /** Attaches a segment by its id. @throws IpcError EINVAL, EACCES, EIDRM, ERANGE when it has less than `size` bytes */
  static attach(id: number, options: { size?: number } = {}): SysvSharedMemory {
    return SysvSharedMemory.#attach(id, showId(id), options.size);
  }

  static #attach(id: number, target: string, wanted = 0): SysvSharedMemory {
    const segment = new SysvSharedMemory(id, target);
    if (segment.size >= wanted) return segment;
    segment.close();
    throw new IpcError(ERANGE, 'shmat', target, { advice: `it has ${segment.size} bytes, ${wanted} are wanted` });
  }

  /** The id of the segment under a key, or undefined. No permission is needed. @throws IpcError */
  static find(key: number): number | undefined {
    const id = native().shmGet(existingKey(key), 0, 0);
    return id === -ENOENT ? undefined : check(id, 'shmget', showKey(key));
  }

  /** A copy of the first bytes, with read permission only: a segment cannot be mapped read-only here (docs/design.md). @throws IpcError */
  static snapshot(id: number, maxBytes = maxMappingBytes): ArrayBuffer {
    const copy = native().shmSnapshot(id, checkInteger('maxBytes', maxBytes, 0, maxMappingBytes));
    if (typeof copy === 'number') throw new IpcError(-copy, 'shmat', showId(id));
    return copy;
  }

  /** @throws IpcError EINVAL (no such segment), EACCES */
  static stat(id: number): SysvMemoryStatus {
    const fields = native().shmStat(id);
    if (typeof fields === 'number') throw new IpcError(-fields, 'shmctl', showId(id));
    return statusOf(id, fields);
  }

  /** Removes a segment: the key is free at once, the memory goes with the last mapping. False when it is gone already. @throws IpcError EPERM */
  static remove(id: number): boolean {
    const result = native().shmRemove(id);
    if (result === -EINVAL || result === -EIDRM) return false;
    check(result, 'shmctl', showId(id));
    return true;
  }

  /** @throws IpcError EPERM, EINVAL */
  static setMode(id: number, mode: number): void {
    check(native().shmSetMode(id, checkInteger('mode', mode, 0, 0o777)), 'shmctl', showId(id));
  }

  stat(): SysvMemoryStatus {
    return SysvSharedMemory.stat(this.id);
  }

  /** See {@link SysvSharedMemory.remove}. */
  remove(): boolean {
    return SysvSharedMemory.remove(this.id);
  }
}
