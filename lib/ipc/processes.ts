/** Which processes have POSIX objects open. For memory the shim knows; queues show as descriptors. */

import { readdirSync, readlinkSync } from 'node:fs';
import { posixMemoryUsers, processStatus } from 'posix-ipc-shim';
import { parseName } from './posix-names.ts';

/** Pids by object name. Processes of other users are visible to root only. */
export type ObjectUsers = ReadonlyMap<string, readonly number[]>;

/** Who maps which segment. */
export const segmentUsers: () => ObjectUsers = posixMemoryUsers;

/** Who has which queue of a known name open. */
export function queueUsers(): ObjectUsers {
  const users = new Map<string, number[]>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const name of new Set(openNames(pid))) users.set(name, [...(users.get(name) ?? []), Number(pid)]);
  }
  return users;
}

/** The one that the others come from: who is nobody's child among them, the lowest pid of those. */
export function headOf(pids: readonly number[]): number | undefined {
  const among = new Set(pids);
  const heads = pids.filter((pid) => !among.has(processStatus(pid)?.parentPid ?? 0));
  return heads.length > 0 ? Math.min(...heads) : pids[0];
}

/** An open queue is a link to its name; links to known names are taken for queues. */
function openNames(pid: string): string[] {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // ended meanwhile, or another user's
  }
  return descriptors.flatMap((fd) => {
    try {
      const name = readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/ \(deleted\)$/, '');
      return parseName(name)?.type === 'queue' ? [name] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}
