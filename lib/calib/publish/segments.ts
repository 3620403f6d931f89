/** Contents of a run in POSIX shared memory, so that the workers of a node share one copy (docs/calib.md). */

import { PosixSharedMemory } from 'posix-ipc-shim';
import { DaqError } from '../../errors.ts';
import { withKernel } from '../../ipc/kernel-limits.ts';
import { Lease } from '../../ipc/lease.ts';
import type { IpcIdentity } from '../../ipc/types.ts';
import { blobsOf, type Placed } from '../encode/npy-frames.ts';
import type { ConstantSet } from '../types.ts';

/** Every dtype lies well, and so do vectors. */
const ALIGNMENT = 64;
/** That of the run, and the one before for readers that have its message but have not opened it yet. */
const KEPT = 2;

/** Segments of the present run and of the one before. A lease names them for `ipc-ls` and for the next start. */
export class SharedSegments {
  private readonly base: string;
  private readonly identity: IpcIdentity;
  private readonly lease: Lease;
  private names: string[] = [];

  /**
   * @param base `calib-p0-epix_0`
   * @throws DaqError `already-served` if a living process uses the name, `ipc-refused`
   */
  constructor(base: string, identity: IpcIdentity) {
    this.base = base;
    this.identity = identity;
    const lease = withKernel(() => Lease.tryTake('posix', base));
    if (lease === undefined) throw new DaqError('already-served', `another process shares segments as ${base}`);
    this.lease = lease;
    // What a killed publisher left; its readers keep their mappings.
    for (const name of lease.previous?.names ?? []) PosixSharedMemory.unlink(name);
    this.note();
  }

  /**
   * Puts the contents of a set into a new segment of mode 0600.
   * @returns where everything lies; undefined for a set without contents
   * @throws DaqError `ipc-limit` where there is no room
   */
  put(set: ConstantSet, seq: number): Placed | undefined {
    const offsets = new Map<Buffer, number>();
    let bytes = 0;
    for (const blob of blobsOf(set).values()) {
      offsets.set(blob, bytes);
      bytes += Math.ceil(blob.length / ALIGNMENT) * ALIGNMENT;
    }
    if (bytes === 0) return undefined;
    const name = `/daqpipe-${this.base}-${process.pid}-${seq}`;
    this.names.push(name);
    // Listed before it is made, so that it is found wherever we are killed.
    this.note();
    withKernel(() => {
      using memory = PosixSharedMemory.create(name, { size: bytes });
      for (const [blob, offset] of offsets) memory.bytes.set(blob, offset);
    });
    return { name, bytes, offsets };
  }

  /** The newest message is out: removes what nobody should need any more. */
  retire(): void {
    const old = this.names.splice(0, Math.max(0, this.names.length - KEPT));
    if (old.length === 0) return;
    for (const name of old) PosixSharedMemory.unlink(name);
    this.note();
  }

  /** Removes every name. Works any number of times. */
  unlink(): void {
    for (const name of this.names.splice(0)) PosixSharedMemory.unlink(name);
  }

  close(): void {
    this.unlink();
    this.lease.close();
  }

  private note(): void {
    const { identity, names } = this;
    this.lease.write({ transport: 'posix', identity, workers: 0, names, startedAt: Date.now() / 1000 });
  }
}
