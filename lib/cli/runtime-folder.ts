/** The private folder for what processes of a user leave for each other: leases, locks, sockets, announcements. */

import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { DaqError } from '../errors.ts';

/** Below XDG_RUNTIME_DIR, if that is private. */
const FOLDER = 'daqpipe';

/**
 * `$XDG_RUNTIME_DIR/daqpipe` if that variable names a private folder of this user, else `daqpipe-<uid>` in the folder for temporary files.
 * It is made if needed, mode 0700.
 * @throws DaqError `ipc-refused` if what stands there is not private
 */
export function runtimeFolder(): string {
  const folder = xdgFolder() ?? temporaryFolder();
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw refused(folder, (error as Error).message, error);
  }
  if (!isPrivate(folder)) {
    throw refused(folder, 'it is not a folder of this user with mode 0700; remove it, or set XDG_RUNTIME_DIR');
  }
  return folder;
}

/** Where processes of this user may have put leases, whatever their environment said; only folders that exist and are private. */
export function leaseFolders(): string[] {
  const uid = effectiveUid();
  const candidates = [
    xdgFolder(),
    join('/run/user', String(uid), FOLDER),
    temporaryFolder(),
    join('/', 'tmp', `daqpipe-${uid}`),
  ];
  return [...new Set(candidates)].filter((folder) => folder !== undefined).filter(isPrivate);
}

/** User under which objects are made. */
export function effectiveUid(): number {
  return process.geteuid?.() ?? 0;
}

function xdgFolder(): string | undefined {
  const base = process.env.XDG_RUNTIME_DIR;
  return base !== undefined && isAbsolute(base) && isPrivate(base) ? join(base, FOLDER) : undefined;
}

function temporaryFolder(): string {
  return join(tmpdir(), `daqpipe-${effectiveUid()}`);
}

function isPrivate(folder: string): boolean {
  const status = lstatSync(folder, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === effectiveUid() && (status.mode & 0o077) === 0;
}

function refused(folder: string, why: string, cause?: unknown): DaqError {
  return new DaqError('ipc-refused', `the folder for leases cannot be used: ${why}`, {
    place: { file: folder },
    cause,
  });
}
