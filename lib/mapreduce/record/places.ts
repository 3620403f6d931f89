/** Where recordings may be written: below one folder, never above it (spec mapreduce.md 14). */

import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { DaqError } from '../../errors.ts';

/** What is wrong with a prefix, whatever is on the disk; undefined: nothing. */
export function prefixProblem(prefix: string): string | undefined {
  if (prefix.includes('\0')) return 'the name contains a zero byte';
  if (prefix.startsWith('/')) return 'it is an absolute path';
  return prefix.split('/').includes('..') ? 'it leads upwards' : undefined;
}

/**
 * The path of a recording. A prefix comes from the network, so it names files below the root and nothing else.
 * @param prefix as in `scans/run7-`
 * @throws DaqError `dump-refused` for an absolute path, `..`, a NUL, or a link that leads out of the root
 */
export function recordingPath(root: string, prefix: string, name: string): string {
  const wanted = `${prefix}${name}`;
  const refused = (why: string) => new DaqError('dump-refused', `recording to "${wanted}" is refused: ${why}`);
  const why = prefixProblem(prefix);
  if (why !== undefined) throw refused(why);
  const base = realpathSync(root);
  const path = resolve(join(base, wanted));
  let there = dirname(path);
  while (!existsSync(there)) there = dirname(there);
  // Looked at before anything is made: not even a folder may be made elsewhere.
  const folder = realpathSync(there);
  if (folder !== base && !folder.startsWith(base === sep ? base : `${base}${sep}`))
    throw refused('a link leads out of the folder of recordings');
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  return path;
}

/** `run7-det-ingester-<uuid>.cbors` and its relatives. */
export const recordingName = (ingester: string, map: string) => `${ingester}-${map}.cbors`;
