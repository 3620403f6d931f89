/** The worker's side of the shared memory for large frames. */

import { IpcError, type PosixSharedMemory, PosixSharedObject } from 'posix-ipc-shim';
import { ALIGNMENT, DATA_START, headOf, type SharedPart, SLOTS, stampsIn } from './layout.ts';

/** Large parts of a stream that lie in shared memory. */
export interface SharedParts {
  readonly reader: FrameReader;
  readonly places: readonly SharedPart[];
}

export class FrameReader {
  readonly name: string;
  readonly #object: PosixSharedObject;
  readonly #head: PosixSharedMemory;
  readonly #stamps: Int32Array;

  private constructor(object: PosixSharedObject, head: PosixSharedMemory) {
    this.name = object.name;
    this.#object = object;
    this.#head = head;
    this.#stamps = stampsIn(head.buffer);
  }

  /** @returns undefined unless it can be opened here and is this ingester's: it may be on another machine, or in another container */
  static open(name: string, serviceUuid: string): FrameReader | undefined {
    let object: PosixSharedObject | undefined;
    try {
      object = PosixSharedObject.open(name);
      const head = object.map(0, DATA_START);
      const expected = headOf(serviceUuid);
      if (head.bytes.subarray(0, expected.length).equals(expected)) return new FrameReader(object, head);
      head.close();
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
    }
    object?.close();
    return undefined;
  }

  /** Path by which other processes of this user can open it, also when its name is gone. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#object.fd}`;
  }

  /** Whether a place can be one in this memory. */
  fits({ offset, bytes, slot }: SharedPart): boolean {
    return (
      offset >= DATA_START &&
      offset % ALIGNMENT === 0 &&
      slot < SLOTS &&
      bytes > 0 &&
      offset + bytes <= this.#object.size
    );
  }

  /** What lies there, mapped by itself: what is written to it stays there, and `close()` leaves views of length 0. @throws IpcError */
  map({ offset, bytes }: SharedPart): PosixSharedMemory {
    return this.#object.map(offset, bytes);
  }

  /** Whether it still lies there: asked after reading. */
  holds({ slot, stamp }: SharedPart): boolean {
    return Atomics.load(this.#stamps, slot) === stamp;
  }

  close(): void {
    this.#head.close();
    this.#object.close();
  }
}
