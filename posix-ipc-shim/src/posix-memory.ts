/** POSIX shared memory: named objects in /dev/shm. */
import { fchmodSync, constants as fs, fstatSync, ftruncateSync } from 'node:fs';
import { check, checkFs, checkInteger, IpcError } from './errors.ts';
import { Mapping, maxMappingBytes } from './mapping.ts';
import { type NativeRegion, native } from './native.ts';

const ENOENT = 2;
const EEXIST = 17;
const EFBIG = 27;
const ERANGE = 34;

export interface CreateMemoryOptions {
  /** Bytes. */
  size: number;
  /** Exactly these permission bits, whatever the umask. Default 0600. */
  mode?: number;
  /** What to do with an object of this name: fail (EEXIST), or open it, making it larger if it is smaller. Default fail. */
  ifExists?: 'fail' | 'open';
  /** Take the memory now, so that a full /dev/shm is an ENOSPC here and not a fault later. Default true. */
  reserve?: boolean;
}

export interface OpenMemoryOptions {
  /** Only read permission is needed; what is written stays in this mapping and stops the page from following the object. */
  readOnly?: boolean;
  /** Map this many bytes, and fail (ERANGE) if the object has less. Default: all of it. */
  size?: number;
}

function openObject(name: string, flags: number, mode: number): number {
  return check(native().shmOpen(name, flags, mode), 'shm_open', name);
}

/** Opens or creates; says whether it was made here. Another process may remove it between the two calls, hence the second try. */
function obtain(name: string, mode: number, ifExists: 'fail' | 'open'): { fd: number; created: boolean } {
  for (let tries = 0; ; tries++) {
    const fd = native().shmOpen(name, fs.O_RDWR | fs.O_CREAT | fs.O_EXCL, mode);
    if (fd !== -EEXIST || ifExists === 'fail') return { fd: check(fd, 'shm_open', name), created: true };
    const existing = native().shmOpen(name, fs.O_RDWR, 0);
    if (existing !== -ENOENT || tries === 10) return { fd: check(existing, 'shm_open', name), created: false };
  }
}

function mapAll(fd: number, name: string, size: number, readOnly: boolean): NativeRegion {
  if (size > maxMappingBytes) throw new IpcError(EFBIG, 'mmap', name);
  const region = native().mapFile(fd, size, readOnly);
  if (typeof region === 'number') throw new IpcError(-region, 'mmap', name);
  return region;
}

export class PosixSharedMemory extends Mapping {
  readonly name: string;
  readonly readOnly: boolean;

  private constructor(region: NativeRegion, name: string, readOnly: boolean) {
    super(region, name);
    this.name = name;
    this.readOnly = readOnly;
  }

  /** Creates and maps an object. @throws IpcError EEXIST, ENOSPC, EACCES, EINVAL, ... */
  static create(name: string, options: CreateMemoryOptions): PosixSharedMemory {
    const size = checkInteger('size', options.size, 1, maxMappingBytes);
    const mode = checkInteger('mode', options.mode ?? 0o600, 0, 0o777);
    const { fd, created } = obtain(name, mode, options.ifExists ?? 'fail');
    try {
      if (created) checkFs('fchmod', name, () => fchmodSync(fd, mode));
      if (checkFs('fstat', name, () => fstatSync(fd)).size < size) {
        checkFs('ftruncate', name, () => ftruncateSync(fd, size));
      }
      if (options.reserve !== false) check(native().reserve(fd, size), 'fallocate', name);
      return new PosixSharedMemory(mapAll(fd, name, size, false), name, false);
    } catch (error) {
      if (created) native().shmUnlink(name);
      throw error;
    } finally {
      native().closeDescriptor(fd);
    }
  }

  /** Maps an object that exists. @throws IpcError ENOENT, EACCES, ERANGE (smaller than wanted, or still empty), ... */
  static open(name: string, options: OpenMemoryOptions = {}): PosixSharedMemory {
    const readOnly = options.readOnly ?? false;
    const wanted = options.size === undefined ? 1 : checkInteger('size', options.size, 1, maxMappingBytes);
    const fd = openObject(name, readOnly ? fs.O_RDONLY : fs.O_RDWR, 0);
    try {
      const size = checkFs('fstat', name, () => fstatSync(fd)).size;
      if (size < wanted) {
        const advice = `it has ${size} bytes, ${wanted} are wanted${size === 0 ? '; its creator has not set the size yet' : ''}`;
        throw new IpcError(ERANGE, 'mmap', name, { advice });
      }
      return new PosixSharedMemory(mapAll(fd, name, options.size ?? size, readOnly), name, readOnly);
    } finally {
      native().closeDescriptor(fd);
    }
  }

  /** Removes the name; mappings stay valid. False when there was none. @throws IpcError EACCES, ... */
  static unlink(name: string): boolean {
    const result = native().shmUnlink(name);
    if (result === -ENOENT) return false;
    check(result, 'shm_unlink', name);
    return true;
  }
}
