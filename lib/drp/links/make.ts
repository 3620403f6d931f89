/** Makes the links of all workers for a transport, and takes their IPC objects away again. */

import { openIpcSet } from '../../ipc/open.ts';
import type { IpcSet } from '../../ipc/types.ts';
import type { Told } from '../constants/told.ts';
import type { DrpOptions, WorkerLink } from '../types.ts';
import { PipeLink } from './pipe.ts';
import { PosixLink, posixSegmentBytes } from './posix.ts';
import { SysvLink, sysvSegmentBytes } from './sysv.ts';

/** In keys, when the worker is to find its detector itself. */
const UNNAMED = 'drp';

export interface Links {
  links: readonly WorkerLink[];
  /** For --ipc-ephemeral: to be called whenever every worker has attached. */
  attached(): void;
  /** Removes every IPC object; works any number of times. */
  close(): void;
  /** The same, for emergencies: the mappings are left alone. */
  unlink(): void;
}

/**
 * @param constants what workers are told of their constants at BeginRun
 * @throws DaqError `already-served` if another living process serves the same detector segment, `ipc-limit`, `ipc-refused`,
 * `no-native-addon`
 */
export function makeLinks(options: DrpOptions, say: (message: string) => void, constants?: () => Told): Links {
  if (options.transport === 'pipe') {
    return linksOf(options, (worker) => new PipeLink(options, worker, constants));
  }
  const { partition, detName, segment } = options.identity;
  const common = {
    identity: { partition, detName: detName || UNNAMED, segment, instance: options.instance },
    workers: options.workers,
    mode: options.ipcMode,
    ephemeral: options.ipcEphemeral,
  };
  if (options.transport === 'sysv') {
    const set = openIpcSet({ ...common, transport: 'sysv', segmentBytes: sysvSegmentBytes(options) });
    sayStale(set, say);
    return linksOf(
      options,
      (worker) => new SysvLink(options, worker, set.workers[worker]!, () => set.recreate(worker), constants),
      set,
    );
  }
  const set = openIpcSet({ ...common, transport: 'posix', segmentBytes: posixSegmentBytes(options) });
  sayStale(set, say);
  return linksOf(
    options,
    (worker) => new PosixLink(options, worker, set.workers[worker]!, () => set.recreate(worker)),
    set,
  );
}

function linksOf(
  { workers }: DrpOptions,
  make: (worker: number) => WorkerLink,
  set?: Pick<IpcSet<unknown>, 'close' | 'unlinkSync' | 'markForRemoval'>,
): Links {
  try {
    const links = Array.from({ length: workers }, (_, worker) => make(worker));
    const close = () => {
      for (const link of links) link.close();
      set?.close();
    };
    return { links, close, attached: () => set?.markForRemoval(), unlink: () => set?.unlinkSync() };
  } catch (error) {
    set?.close();
    throw error;
  }
}

function sayStale({ staleRemoved }: Pick<IpcSet<unknown>, 'staleRemoved'>, say: (message: string) => void): void {
  if (staleRemoved > 0) say(`removed ${staleRemoved} IPC objects that a dead process had left behind`);
}
