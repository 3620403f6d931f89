/** The ingester's side of the shared memory for large frames. */

import { PosixSharedMemory } from 'posix-ipc-shim';
import { DaqError } from '../../errors.ts';
import { withKernel } from '../../ipc/kernel-limits.ts';
import { Lease } from '../../ipc/lease.ts';
import type { StreamData } from '../frames/types.ts';
import { Extents } from './extents.ts';
import { ALIGNMENT, DATA_START, headOf, type SharedPart, SLOTS, stampsIn } from './layout.ts';

/** A frame of which large parts lie in shared memory; `frames` are views of them, valid until they are released. */
export interface PlacedData extends StreamData {
  readonly places: readonly SharedPart[];
}

export function isPlaced(data: StreamData): data is PlacedData {
  return 'places' in data;
}

export interface RingOptions {
  /** Name of the ingester. */
  readonly name: string;
  readonly serviceUuid: string;
  /** For frames. */
  readonly bytes: number;
  /** Parts of at least so many bytes are placed. */
  readonly least: number;
  readonly say: (text: string) => void;
}

/** Ingesters of one name in different systems. */
const NAMESAKES = 16;

export class FrameRing {
  readonly name: string;
  readonly least: number;
  readonly #lease: Lease;
  readonly #options: RingOptions;
  readonly #space: Extents;
  readonly #freeSlots = Array.from({ length: SLOTS }, (_, i) => SLOTS - 1 - i);
  /** Undefined before the first large frame: until then it costs one page. */
  #memory: PosixSharedMemory | undefined;
  #stamps: Int32Array | undefined;
  #stamp = 0;
  #refused = false;
  #placed = 0;

  private constructor(options: RingOptions, lease: Lease, name: string) {
    this.#options = options;
    this.#lease = lease;
    this.name = name;
    this.least = options.least;
    this.#space = new Extents(Math.floor(options.bytes / ALIGNMENT) * ALIGNMENT);
  }

  /**
   * Makes the memory, of mode 0600, and removes what a killed ingester of this name has left.
   * @throws DaqError `ipc-refused`, `ipc-limit`, `no-native-addon`
   */
  static open(options: RingOptions): FrameRing {
    return withKernel(() => {
      const lease = takeLease(options.name);
      for (const name of lease.previous?.names ?? []) PosixSharedMemory.unlink(name);
      const name = `/daqpipe-frames-${options.name}-${process.pid}`;
      const identity = { partition: 0, detName: options.name, segment: 0, instance: undefined };
      // Listed before it is made, so that it is found wherever we are killed.
      lease.write({ transport: 'posix', identity, workers: 0, names: [name], startedAt: Date.now() / 1000 });
      PosixSharedMemory.unlink(name);
      using head = PosixSharedMemory.create(name, { size: DATA_START, reserve: false });
      head.bytes.set(headOf(options.serviceUuid));
      return new FrameRing(options, lease, name);
    });
  }

  /** Bytes of frames that lie in it, rounded up. */
  get used(): number {
    return this.#space.used;
  }

  /** Parts placed since the beginning. */
  get placed(): number {
    return this.#placed;
  }

  /** @returns 'full': later there may be room; undefined: it has no large part, or can never be placed */
  place(data: StreamData): PlacedData | 'full' | undefined {
    const large = data.frames.filter(({ length }) => length >= this.least);
    if (large.length === 0 || this.#refused) return undefined;
    const all = large.reduce((sum, { length }) => sum + rounded(length), 0);
    if (all > this.#space.capacity || large.length > SLOTS) return undefined;
    if (!this.#grow()) return undefined;
    const places: SharedPart[] = [];
    for (const [part, { length }] of data.frames.entries()) {
      if (length < this.least) continue;
      const offset = this.#freeSlots.length === 0 ? undefined : this.#space.take(rounded(length));
      if (offset === undefined) {
        for (const place of places) this.#give(place);
        return 'full';
      }
      const slot = this.#freeSlots.pop()!;
      places.push({ part, offset: DATA_START + offset, bytes: length, slot, stamp: this.#nextStamp() });
    }
    return { typ: data.typ, frames: this.#write(data, places), places };
  }

  #write(data: StreamData, places: readonly SharedPart[]): Buffer[] {
    const { bytes } = this.#memory!;
    const frames = [...data.frames];
    for (const { part, offset, slot, stamp } of places) {
      const frame = frames[part]!;
      bytes.set(frame, offset);
      Atomics.store(this.#stamps!, slot, stamp);
      frames[part] = bytes.subarray(offset, offset + frame.length);
    }
    this.#placed += places.length;
    return frames;
  }

  /** Nobody may rely on these bytes any more. */
  release({ places }: PlacedData): void {
    for (const place of places) {
      Atomics.store(this.#stamps!, place.slot, 0);
      this.#give(place);
    }
  }

  #give({ slot, offset, bytes }: SharedPart): void {
    this.#freeSlots.push(slot);
    this.#space.give(offset - DATA_START, rounded(bytes));
  }

  /** Never 0; comes again after four thousand million frames. */
  #nextStamp(): number {
    this.#stamp = (this.#stamp + 1) | 0;
    if (this.#stamp === 0) this.#stamp = 1;
    return this.#stamp;
  }

  /** The whole memory is taken at the first large frame, so that there is never too little later. @returns false if it cannot be had */
  #grow(): boolean {
    if (this.#memory) return true;
    try {
      const size = DATA_START + this.#space.capacity;
      this.#memory = withKernel(() => PosixSharedMemory.create(this.name, { size, ifExists: 'open' }));
      this.#stamps = stampsIn(this.#memory.buffer);
      return true;
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      this.#refused = true;
      this.#options.say(`large frames go through sockets: ${error.message}`);
      return false;
    }
  }

  /** Works any number of times; whoever has it mapped keeps it. */
  unlink(): void {
    PosixSharedMemory.unlink(this.name);
  }

  close(): void {
    this.unlink();
    this.#lease.close();
    this.#memory?.close();
  }
}

const rounded = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function takeLease(name: string): Lease {
  for (let i = 0; i < NAMESAKES; i++) {
    const lease = Lease.tryTake('posix', `frames-${name}${i === 0 ? '' : `-${i}`}`);
    if (lease) return lease;
  }
  throw new DaqError('already-served', `${NAMESAKES} processes share frames as ${name}`);
}
