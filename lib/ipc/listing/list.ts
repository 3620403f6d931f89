/** Every IPC object on this machine that this process may see, in the order in which a person looks for them. */

import { IpcError } from 'posix-ipc-shim';
import { requireAddon, withKernel } from '../kernel-limits.ts';
import { listPosix } from './posix.ts';
import { listSysv } from './sysv.ts';
import type { ListedObject, Listing } from './types.ts';

/** @throws DaqError `no-native-addon`, `ipc-refused` */
export function listObjects(): Listing {
  requireAddon();
  const now = Date.now() / 1000;
  const notes: string[] = [];
  const sysv = orNote(() => ({ objects: listSysv(now), notes: [] }), 'System V IPC', notes);
  const posix = orNote(() => listPosix(now), 'POSIX IPC', notes);
  notes.push(...sysv.notes, ...posix.notes);
  return { objects: [...sysv.objects, ...posix.objects].sort(inOrder), notes };
}

/** A container may have one family of objects and not the other. */
function orNote(list: () => Listing, what: string, notes: string[]): Listing {
  try {
    return withKernel(list);
  } catch (error) {
    if (!(error instanceof Error) || !(error.cause instanceof IpcError)) throw error;
    notes.push(`${what} cannot be listed: ${error.message}`);
    return { objects: [], notes: [] };
  }
}

function inOrder(a: ListedObject, b: ListedObject): number {
  return (
    compare(a.partition, b.partition) ||
    compare(a.detector, b.detector) ||
    compare(a.segment, b.segment) ||
    compare(a.instance, b.instance) ||
    compare(a.worker, b.worker) ||
    compare(a.key, b.key) ||
    compare(a.name, b.name) ||
    compare(a.id, b.id)
  );
}

/** What is not known comes last. */
function compare<T extends number | string>(a: T | undefined, b: T | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}
