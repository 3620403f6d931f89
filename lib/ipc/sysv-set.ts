/** The System V objects of one drp-python. */

import { IpcError, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import { checkQueueRoom, explain, withKernel } from './kernel-limits.ts';
import { KIND, makeKey, showKey } from './keys.ts';
import type { Registry } from './registry.ts';
import { type Claim, claimKey, isTaken } from './sysv-claim.ts';
import type { IpcIdentity, IpcSet, IpcSetOptions, RecreateOptions, SysvObjects } from './types.ts';

/** @throws DaqError `already-served`, `ipc-limit`, `ipc-refused` */
export function openSysvSet(options: IpcSetOptions): SysvSet {
  return withKernel(() =>
    claimKey<SysvSet>(options.identity, options.workers, (claim) => {
      const set = new SysvSet(options, claim);
      try {
        set.fill();
      } catch (error) {
        // Explained while what has been made still counts among what is in use.
        const explained = explain(error);
        set.close();
        if (error instanceof IpcError && isTaken(error)) return { standsInTheWay: `${error.target} is in no registry` };
        throw explained;
      }
      return set;
    }),
  );
}

export class SysvSet implements IpcSet<SysvObjects> {
  readonly transport = 'sysv';
  readonly identity: IpcIdentity;
  readonly workers: SysvObjects[] = [];
  readonly staleRemoved: number;
  readonly probe: number;
  private readonly registry: Registry;
  private readonly hash: number;
  private readonly segmentBytes: number;
  private readonly mode: number;
  private readonly ephemeral: boolean;
  private readonly wanted: number;
  /** Undone in reverse order by `unlinkSync`: by worker and kind. */
  private readonly made = new Map<string, { remove(): boolean }>();
  private marked = false;
  private closed = false;

  constructor(options: IpcSetOptions, { registry, hash, staleRemoved }: Claim) {
    this.identity = options.identity;
    this.segmentBytes = options.segmentBytes;
    this.mode = options.mode ?? 0o600;
    this.ephemeral = options.ephemeral ?? false;
    this.wanted = options.workers;
    this.registry = registry;
    this.hash = hash;
    this.probe = registry.head.probe;
    this.staleRemoved = staleRemoved;
  }

  /** Makes the objects of all workers. @throws IpcError; the caller closes the set then */
  fill(): void {
    for (let worker = 0; worker < this.wanted; worker++) {
      const toWorker = this.queue(worker, KIND.queueToWorker);
      const fromWorker = this.queue(worker, KIND.queueFromWorker);
      const input = this.segment(worker, KIND.inputSegment);
      const result = this.segment(worker, KIND.resultSegment);
      this.workers.push({ toWorker, fromWorker, input, result });
    }
  }

  recreate(worker: number, { segments = 'keep' }: RecreateOptions = {}): SysvObjects {
    return withKernel(() => {
      const old = this.workers[worker]!;
      old.toWorker.close();
      old.fromWorker.close();
      this.drop(worker, KIND.queueToWorker);
      this.drop(worker, KIND.queueFromWorker);
      const toWorker = this.queue(worker, KIND.queueToWorker);
      const fromWorker = this.queue(worker, KIND.queueFromWorker);
      const kept = segments === 'keep' ? { input: old.input, result: old.result } : this.freshSegments(worker, old);
      const objects = { toWorker, fromWorker, ...kept };
      this.workers[worker] = objects;
      return objects;
    });
  }

  markForRemoval(): void {
    if (!this.ephemeral || this.closed) return;
    this.marked = true;
    withKernel(() => {
      for (const { input, result } of this.workers) {
        input.remove();
        result.remove();
      }
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.unlinkSync();
    } finally {
      for (const { toWorker, fromWorker, input, result } of this.workers) {
        for (const object of [toWorker, fromWorker, input, result]) object.close();
      }
      this.registry.close();
    }
  }

  unlinkSync(): void {
    let failure: unknown;
    for (const object of [...this.made.values(), this.registry]) {
      try {
        object.remove();
      } catch (error) {
        failure ??= error;
      }
    }
    this.made.clear();
    if (failure !== undefined)
      withKernel(() => {
        throw failure;
      });
  }

  private freshSegments(worker: number, old: SysvObjects): Pick<SysvObjects, 'input' | 'result'> {
    this.drop(worker, KIND.inputSegment);
    this.drop(worker, KIND.resultSegment);
    old.input.close();
    old.result.close();
    const segments = {
      input: this.segment(worker, KIND.inputSegment),
      result: this.segment(worker, KIND.resultSegment),
    };
    // Its worker attaches by id, which the kernel allows for a marked segment.
    if (this.marked) for (const segment of [segments.input, segments.result]) segment.remove();
    return segments;
  }

  private queue(worker: number, kind: number): SysvQueue {
    const queue = this.make(worker, kind, 0, (key) => SysvQueue.create(key, { mode: this.mode }));
    checkQueueRoom(queue.stat().maxBytes);
    return queue;
  }

  private segment(worker: number, kind: number): SysvSharedMemory {
    const size = this.segmentBytes;
    return this.make(worker, kind, size, (key) => SysvSharedMemory.create(key, { size, mode: this.mode }));
  }

  /** The registry knows of an object before the kernel does. */
  private make<T extends { id: number; remove(): boolean }>(
    worker: number,
    kind: number,
    bytes: number,
    create: (key: number) => T,
  ): T {
    const key = makeKey({ partition: this.identity.partition, hash: this.hash, worker, kind });
    this.registry.announce(worker, kind, key, bytes);
    try {
      const object = create(key);
      this.registry.record(worker, kind, key, bytes, object.id);
      this.made.set(showKey(key), object);
      return object;
    } catch (error) {
      this.registry.forget(worker, kind);
      throw error;
    }
  }

  private drop(worker: number, kind: number): void {
    const name = showKey(makeKey({ partition: this.identity.partition, hash: this.hash, worker, kind }));
    this.made.get(name)?.remove();
    this.made.delete(name);
    this.registry.forget(worker, kind);
  }
}
