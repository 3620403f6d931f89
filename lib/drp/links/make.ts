/** Makes the links of all workers for a transport, and takes their IPC objects away again. */

import { PosixQueue, PosixSharedMemory, SysvQueue, SysvSharedMemory } from 'posix-ipc-shim';
import type { DrpOptions, WorkerLink } from '../types.ts';
import { PipeLink } from './pipe.ts';
import { PosixLink, type PosixObjects, posixSegmentBytes } from './posix.ts';
import { SysvLink, type SysvObjects, sysvSegmentBytes } from './sysv.ts';

export interface Links {
  links: readonly WorkerLink[];
  /** Removes every IPC object; works any number of times. */
  close(): void;
  /** The same, for emergencies: synchronous, and it goes on after errors. */
  unlink(): void;
}

/** @throws DaqError `already-served` if another living process serves the same detector segment */
export function makeLinks(options: DrpOptions, _say: (message: string) => void): Links {
  if (options.transport === 'pipe') {
    const links = Array.from({ length: options.workers }, (_, worker) => new PipeLink(options, worker));
    const close = () => {
      for (const link of links) link.close();
    };
    return { links, close, unlink: close };
  }
  const made: (() => void)[] = [];
  const links = Array.from({ length: options.workers }, (_, worker) => {
    if (options.transport === 'sysv') {
      const size = sysvSegmentBytes(options);
      const input = SysvSharedMemory.create(0, { size });
      const result = SysvSharedMemory.create(0, { size });
      made.push(
        () => SysvSharedMemory.remove(input.id),
        () => SysvSharedMemory.remove(result.id),
      );
      const objects = (): SysvObjects => {
        const toWorker = SysvQueue.create(0);
        const fromWorker = SysvQueue.create(0);
        made.push(
          () => SysvQueue.remove(toWorker.id),
          () => SysvQueue.remove(fromWorker.id),
        );
        return { input, result, toWorker, fromWorker };
      };
      return new SysvLink(options, worker, objects(), objects);
    }
    const { partition, detName, segment } = options.identity;
    const base = `p${partition}_${detName}_${segment}_${worker}`;
    const names = [`/mqinp_${base}`, `/mqres_${base}`, `/shminp_${base}`, `/shmres_${base}`] as const;
    const unlink = () => {
      PosixQueue.unlink(names[0]);
      PosixQueue.unlink(names[1]);
      PosixSharedMemory.unlink(names[2]);
      PosixSharedMemory.unlink(names[3]);
    };
    const objects = (): PosixObjects => {
      unlink();
      const size = posixSegmentBytes(options);
      return {
        toWorker: PosixQueue.create(names[0], { access: 'write', maxMessages: 1, messageSize: 512 }),
        fromWorker: PosixQueue.create(names[1], { access: 'read', maxMessages: 1, messageSize: 512 }),
        input: PosixSharedMemory.create(names[2], { size, reserve: false }),
        result: PosixSharedMemory.create(names[3], { size, reserve: false }),
      };
    };
    made.push(unlink);
    return new PosixLink(options, worker, objects(), objects);
  });
  const close = () => {
    for (const link of links) link.close();
    for (const undo of made.splice(0)) undo();
  };
  return { links, close, unlink: close };
}
