/** The way in: the IPC objects of one drp-python, whatever the transport. */

import { UsageError } from '../errors.ts';
import { requireAddon } from './kernel-limits.ts';
import { checkIdentity, MAX_WORKERS } from './keys.ts';
import { openPosixSet } from './posix-set.ts';
import { openSysvSet } from './sysv-set.ts';
import type { IpcSet, IpcSetOptions, PosixObjects, SysvObjects } from './types.ts';

/**
 * Makes the objects of all workers, after removing what a dead owner of the same identity left. Either all are there or none.
 * @throws DaqError `already-served` (a living process has them), `ipc-limit`, `ipc-refused`, `no-native-addon`; UsageError for an identity
 * that makes no name
 */
export function openIpcSet(options: IpcSetOptions & { transport: 'sysv' }): IpcSet<SysvObjects>;
export function openIpcSet(options: IpcSetOptions & { transport: 'posix' }): IpcSet<PosixObjects>;
export function openIpcSet(
  options: IpcSetOptions & { transport: 'sysv' | 'posix' },
): IpcSet<SysvObjects> | IpcSet<PosixObjects> {
  checkIdentity(options.identity);
  const { workers } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new UsageError(`the number of workers is 1 to ${MAX_WORKERS}, not ${workers}`);
  }
  requireAddon();
  return options.transport === 'sysv' ? openSysvSet(options) : openPosixSet(options);
}
