/** Who owns objects: a process, named by pid, start time and pid namespace, and whether it lives. */

import { readFileSync, readlinkSync } from 'node:fs';
import { isSameProcess, processStatus } from 'posix-ipc-shim';
import { DaqError } from '../errors.ts';

export interface Owner {
  pid: number;
  /** Clock ticks since boot. */
  startTicks: number;
  /** Inode of its pid namespace; 0 if /proc does not say. */
  pidNamespace: number;
}

/** This process. */
export function thisProcess(): Owner {
  const status = processStatus(process.pid);
  if (status === undefined) {
    throw new DaqError('ipc-refused', '/proc does not show this process, so leases cannot be written; use --ipc pipe');
  }
  return { pid: process.pid, startTicks: status.startTicks, pidNamespace: ownNamespace() };
}

/**
 * Whether an owner lives. A pid of another pid namespace says nothing, so there the caller's own evidence decides.
 * @param elsewhere what to believe of an owner in another pid namespace: an attach count above 0, a lock that is held
 */
export function ownerLives(owner: Owner, elsewhere: boolean): boolean {
  const here = ownNamespace();
  if (owner.pidNamespace !== here && owner.pidNamespace !== 0 && here !== 0) return elsewhere;
  return owner.pid > 0 && isSameProcess(owner.pid, owner.startTicks);
}

function ownNamespace(): number {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))?.[1] ?? 0);
  } catch {
    // A kernel without namespaces: then there is only one.
    return 0;
  }
}

/** The command line of a process, or its name in brackets; undefined when it is gone or hidden. */
export function commandOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    return words.length > 0 ? words.join(' ') : `[${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}]`;
  } catch {
    return undefined;
  }
}

/** The error when a living process has the name already. */
export function alreadyServed(partition: number, detector: string, pid: number, note = ''): DaqError {
  return new DaqError(
    'already-served',
    `partition ${partition} already serves ${detector}, pid ${pid}${note === '' ? '' : ` (${note})`}`,
  );
}
