/** Socket files: which may be replaced by a new one, and which must stay. */

import { lstatSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { DaqError, type Place, UsageError } from '../../errors.ts';

/**
 * Makes a path free for a new socket: nothing is there, or a socket of this user on which nobody listens, which is removed.
 * @throws UsageError for anything that is no socket, DaqError `already-served` if somebody listens, `ipc-refused` if it is another user's
 */
export async function clearSocketPath(path: string, place: Place): Promise<void> {
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before === undefined) return;
  if (!before.isSocket()) throw new UsageError(`${path} exists and is no socket`, { place });
  if (before.uid !== process.geteuid?.()) {
    throw new DaqError('ipc-refused', `${path} is a socket of another user (${before.uid})`, { place });
  }
  if (await answers(path)) throw new DaqError('already-served', 'another program has bound this socket', { place });
  rmSync(path, { force: true });
}

/** Whether somebody listens on a socket file; a file that a killed program left does not answer. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
