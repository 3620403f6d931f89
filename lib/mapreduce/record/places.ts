/** Where recordings may be written: below one folder, never above it (spec mapreduce.md 14). */

import { mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { DaqError } from '../../errors.ts';

/**
 * The path of a recording. A prefix comes from the network, so it names files below the root and nothing else.
 * @param prefix as in `scans/run7-`
 * @throws DaqError `dump-refused` for an absolute path, `..`, a NUL, or a link that leads out of the root
 */
export function recordingPath(root: string, prefix: string, name: string): string {
  const wanted = `${prefix}${name}`;
  const refused = (why: string) => new DaqError('dump-refused', `recording to "${wanted}" is refused: ${why}`);
  if (wanted.includes('\0')) throw refused('the name contains a zero byte');
  if (wanted.startsWith('/')) throw refused('it is an absolute path');
  if (wanted.split('/').includes('..')) throw refused('it leads upwards');
  const base = realpathSync(root);
  const path = resolve(join(base, wanted));
  mkdirSync(dirname(path), { recursive: true });
  const folder = realpathSync(dirname(path));
  if (folder !== base && !folder.startsWith(base === sep ? base : `${base}${sep}`))
    throw refused('a link leads out of the folder of recordings');
  return path;
}

/** `run7-det-ingester-<uuid>.cbors` and its relatives. */
export const recordingName = (ingester: string, map: string) => `${ingester}-${map}.cbors`;
