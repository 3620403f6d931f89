/**
 * Sources of bytes. All have one shape, so that readers do not care where the bytes come from. `read` answers at once for files
 * and later for pipes; 0 means the end.
 */

import {
  close,
  closeSync,
  constants,
  fstatSync,
  open,
  openSync,
  read,
  readFileSync,
  readSync,
  type Stats,
} from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { DaqError, InputError } from '../errors.ts';

export interface ByteSource {
  /** As the user wrote it. */
  readonly name: string;
  /** Bytes in all, where that is known and final. */
  readonly size: number | undefined;
  /** Why the source ended before its stream did, once that is known. */
  readonly lost?: string | undefined;
  /** Puts up to `into.length` bytes there. @throws InputError when the system refuses */
  read(into: Buffer): number | Promise<number>;
  /** Passes over bytes; fewer than asked for at the end. */
  skip(bytes: number): number | Promise<number>;
  /** Sources that keep messages apart: a whole one instead of `read`, undefined at the end. */
  message?(): Promise<Buffer | undefined>;
  /** Works any number of times; a waiting `read` then answers 0. */
  close(): void;
}

const openFile = promisify(open);
const PIPE_BUFFER = 256 * 1024;

/** The system takes no more at once. */
export const MAX_READ = 1 << 30;

/**
 * Opens a file, a named pipe or `-`.
 * @param stop ends the wait for somebody to write into a named pipe; it then reads as empty
 * @throws InputError if it does not exist, is a directory or may not be read
 */
export async function openBytes(name: string, stop?: AbortSignal): Promise<ByteSource> {
  return openDescriptor(name, name === '-' ? 0 : await openOrExplain(name, stop));
}

/**
 * A source over an open descriptor; standard input is left open at the end.
 * @throws InputError if it is not open, or a directory
 */
export function openDescriptor(name: string, fd: number): ByteSource {
  const stat = statOrExplain(name, fd);
  if (stat.isDirectory()) {
    if (fd !== 0) closeSync(fd);
    throw new InputError('is a directory', { place: { file: name } });
  }
  if (stat.isFile()) return new FileSource(name, fd, stat.size);
  if (stat.isFIFO() || stat.isSocket()) return new PipeSource(name, fd);
  return new DeviceSource(name, fd);
}

function statOrExplain(name: string, fd: number): Stats {
  try {
    return fstatSync(fd);
  } catch (error) {
    throw new InputError(explain(error), { place: { file: name }, cause: error });
  }
}

async function openOrExplain(name: string, stop: AbortSignal | undefined): Promise<number> {
  const onStop = () => endWaitForWriter(name);
  stop?.addEventListener('abort', onStop, { once: true });
  try {
    return await openFile(name, 'r');
  } catch (error) {
    throw new InputError(explain(error), { place: { file: name }, cause: error });
  } finally {
    stop?.removeEventListener('abort', onStop);
  }
}

/** Opening a named pipe waits in the system until somebody opens it for writing, and nothing but that ends the wait. */
function endWaitForWriter(name: string): void {
  try {
    closeSync(openSync(name, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    // ENXIO: nobody waits any more.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') {
      throw new InputError(explain(error), { place: { file: name }, cause: error });
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EBADF: 'no such descriptor is open',
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EIO: 'the device reports an input/output error',
};

/** Short text of a system error. */
export function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message;
}

/** A regular file, read at explicit positions. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  private readonly fd: number;
  private position: number;
  private closed = false;

  constructor(name: string, fd: number, size: number) {
    this.name = name;
    this.fd = fd;
    const start = fd === 0 ? currentPosition(fd) : 0;
    this.position = start;
    this.size = size - start;
  }

  read(into: Buffer): number {
    try {
      const bytes = readSync(this.fd, into, 0, Math.min(into.length, MAX_READ), this.position);
      this.position += bytes;
      return bytes;
    } catch (error) {
      throw new InputError(explain(error), { place: { file: this.name, offset: this.position }, cause: error });
    }
  }

  skip(bytes: number): number {
    const end = fstatSync(this.fd).size;
    const step = Math.max(0, Math.min(bytes, end - this.position));
    this.position += step;
    return step;
  }

  /** Bytes in the file now: a growing file has more than `size`. */
  currentSize(): number {
    return fstatSync(this.fd).size;
  }

  close(): void {
    if (!this.closed && this.fd !== 0) closeSync(this.fd);
    this.closed = true;
  }
}

/** Where a descriptor that we did not open stands (`{ head -c 100; dgram-cat -; } < file`). */
function currentPosition(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^pos:\s*(\d+)/m.exec(info)?.[1] ?? 0);
}

/** A pipe or socket, served by the event loop so that signals get through while nothing comes. */
class PipeSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  private readonly socket: Socket;
  private readonly buffer = Buffer.allocUnsafeSlow(PIPE_BUFFER);
  private from = 0;
  private filled = 0;
  private ended = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(name: string, fd: number) {
    this.name = name;
    const onread = { buffer: this.buffer, callback: (bytes: number) => this.arrived(bytes) };
    this.socket = new Socket({ fd, readable: true, writable: false, onread } as ConstructorParameters<
      typeof Socket
    >[0]);
    this.socket.on('end', () => this.finish());
    this.socket.on('close', () => this.finish());
    this.socket.on('error', (error) => this.finish(error));
  }

  async read(into: Buffer): Promise<number> {
    while (this.from === this.filled) {
      if (this.failure)
        throw new InputError(explain(this.failure), { place: { file: this.name }, cause: this.failure });
      if (this.ended) return 0;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.socket.resume();
      });
    }
    const bytes = this.buffer.copy(into, 0, this.from, this.filled);
    this.from += bytes;
    return bytes;
  }

  skip(bytes: number): Promise<number> {
    return skipByReading(this, bytes);
  }

  close(): void {
    this.socket.destroy();
    this.finish();
  }

  private arrived(bytes: number): boolean {
    this.from = 0;
    this.filled = bytes;
    // Stopped until `read` has taken everything: one buffer, no queue.
    this.socket.pause();
    this.wakeUp();
    return false;
  }

  private finish(error?: Error): void {
    this.failure ??= error;
    this.ended = true;
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}

/** Terminals and character devices, read from the thread pool. */
class DeviceSource implements ByteSource {
  readonly name: string;
  readonly size = undefined;
  private readonly fd: number;
  private closed = false;

  constructor(name: string, fd: number) {
    this.name = name;
    this.fd = fd;
  }

  read(into: Buffer): Promise<number> {
    if (this.closed) return Promise.resolve(0);
    return new Promise((resolve, reject) => {
      read(this.fd, into, 0, Math.min(into.length, MAX_READ), null, (error, bytes) => {
        if (error) reject(new InputError(explain(error), { place: { file: this.name }, cause: error }));
        else resolve(bytes);
      });
    });
  }

  skip(bytes: number): Promise<number> {
    return skipByReading(this, bytes);
  }

  close(): void {
    if (!this.closed && this.fd !== 0) {
      close(this.fd, (error) => {
        if (error) throw new DaqError('internal', `cannot close ${this.name}: ${error.message}`, { cause: error });
      });
    }
    this.closed = true;
  }
}

/** Passes over bytes of a source that cannot jump. */
export async function skipByReading(source: ByteSource, bytes: number): Promise<number> {
  const scratch = Buffer.allocUnsafeSlow(Math.min(bytes, PIPE_BUFFER));
  let done = 0;
  while (done < bytes) {
    const got = await source.read(scratch.subarray(0, Math.min(scratch.length, bytes - done)));
    if (got === 0) break;
    done += got;
  }
  return done;
}
