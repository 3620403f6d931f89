/** Shared memory as an ArrayBuffer that is safe to use, and safe to have used, at any time. */
import { constants } from 'node:buffer';
import { dispose } from './dispose.ts';
import { check, IpcError } from './errors.ts';
import { type NativeRegion, native, type RegionHandle } from './native.ts';

const EBADF = 9;

/** The most bytes that one mapping can have in this Node. */
export const maxMappingBytes = constants.MAX_LENGTH;

/** For words in a mapping (futex). @throws IpcError EBADF when it is closed */
export let handleOf: (mapping: Mapping) => RegionHandle;

/** Has `close` called when the mapping is closed, until the returned function is called. */
export let onClose: (mapping: Mapping, close: () => void) => () => void;

/**
 * A mapped object. `close()` detaches the buffer: every view of it then has length 0, reads give undefined and Buffer methods throw.
 * A forgotten mapping is unmapped when its buffer is collected. Several mappings of one object may exist, also in worker threads
 * (each thread makes its own: the buffer cannot be posted to another one).
 */
export class Mapping {
  /** Name, or key and id, as errors show it. */
  readonly target: string;
  /** Bytes that are mapped. */
  readonly size: number;
  #region: NativeRegion | undefined;
  #bytes: Buffer | undefined;
  #wasTruncated = false;
  readonly #closers = new Set<() => void>();

  protected constructor(region: NativeRegion, target: string) {
    this.#region = region;
    this.target = target;
    this.size = region.buffer.byteLength;
  }

  static {
    handleOf = (mapping) => mapping.#open().handle;
    onClose = (mapping, close) => {
      mapping.#closers.add(close);
      return () => mapping.#closers.delete(close);
    };
  }

  #open(): NativeRegion {
    if (this.#region === undefined) throw new IpcError(EBADF, 'use', this.target, { advice: 'the mapping is closed' });
    return this.#region;
  }

  /** The memory. @throws IpcError EBADF after `close()` */
  get buffer(): ArrayBuffer {
    return this.#open().buffer;
  }

  /** The memory as one Buffer, always the same one. @throws IpcError EBADF after `close()` */
  get bytes(): Buffer {
    const { buffer } = this.#open();
    this.#bytes ??= Buffer.from(buffer);
    return this.#bytes;
  }

  /** Someone made the object smaller than the mapping, and a page that is gone was touched: zeros stand there now. */
  get truncated(): boolean {
    if (this.#region !== undefined) this.#wasTruncated = native().truncated(this.#region.handle);
    return this.#wasTruncated;
  }

  get closed(): boolean {
    return this.#region === undefined;
  }

  /**
   * Detaches the buffer and lets go of the object. A second call does nothing. What an unfinished asynchronous call of Node reads
   * from the memory afterwards is zeros.
   */
  close(): void {
    if (this.#region === undefined) return;
    this.#wasTruncated = this.truncated;
    const region = this.#region;
    for (const close of [...this.#closers]) close();
    this.#region = undefined;
    this.#bytes = undefined;
    check(native().release(region.handle, region.buffer), 'munmap', this.target);
  }

  [dispose](): void {
    this.close();
  }
}
