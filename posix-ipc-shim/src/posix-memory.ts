/** POSIX shared memory: named objects in /dev/shm. */
import { fchmodSync, constants as fs, fstatSync, ftruncateSync } from 'node:fs';
import { dispose } from './dispose.ts';
import { check, checkFs, checkInteger, IpcError } from './errors.ts';
import { Mapping, maxMappingBytes } from './mapping.ts';
import { type NativeRegion, native } from './native.ts';

const ENOENT = 2;
const EBADF = 9;
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

function mapPart(fd: number, name: string, size: number, readOnly: boolean, offset = 0): NativeRegion {
  if (size > maxMappingBytes) throw new IpcError(EFBIG, 'mmap', name);
  const region = native().mapFile(fd, size, readOnly, offset);
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

  /** @internal */
  static ofPart(region: NativeRegion, name: string): PosixSharedMemory {
    return new PosixSharedMemory(region, name, true);
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
      return new PosixSharedMemory(mapPart(fd, name, size, false), name, false);
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
      return new PosixSharedMemory(mapPart(fd, name, options.size ?? size, readOnly), name, readOnly);
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

/** An object that is open for reading and not mapped: parts of it are mapped as they are needed, also when its name is gone. */
export class PosixSharedObject {
  readonly name: string;
  readonly #fd: number;
  #closed = false;

  private constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
  }

  /** @throws IpcError ENOENT, EACCES, ... */
  static open(name: string): PosixSharedObject {
    return new PosixSharedObject(name, openObject(name, fs.O_RDONLY, 0));
  }

  /** Descriptor; other processes of this user can open it as `/proc/PID/fd/FD`. @throws IpcError EBADF after `close()` */
  get fd(): number {
    if (this.#closed) throw new IpcError(EBADF, 'use', this.name, { advice: 'the object is closed' });
    return this.#fd;
  }

  /** Bytes that it has now. @throws IpcError */
  get size(): number {
    return checkFs('fstat', this.name, () => fstatSync(this.fd)).size;
  }

  /**
   * Maps a part for reading. What is written to it stays in this mapping, so whoever has it may do with it what he likes.
   * @param offset a multiple of the page size. @throws IpcError ERANGE if the object ends before
   */
  map(offset: number, bytes: number): PosixSharedMemory {
    checkInteger('offset', offset, 0, Number.MAX_SAFE_INTEGER);
    checkInteger('bytes', bytes, 1, maxMappingBytes);
    if (this.size < offset + bytes) throw new IpcError(ERANGE, 'mmap', this.name);
    return PosixSharedMemory.ofPart(mapPart(this.fd, this.name, bytes, true, offset), this.name);
  }

  /** A second call does nothing; mappings stay. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    native().closeDescriptor(this.#fd);
  }

  [dispose](): void {
    this.close();
  }
}
