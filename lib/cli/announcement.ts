/**
 * Processes that serve metrics say so: one small file each in the run-time folder, so that viewers find them without being told.
 * A file of a process that was killed stays; it is recognised by pid and start time, and the next process that announces removes it.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess, processStatus } from 'posix-ipc-shim';
import { leaseFolders, runtimeFolder } from './runtime-folder.ts';

export interface Announcement {
  readonly pid: number;
  readonly command: string;
  /** What its messages begin with: the alias, or the command. */
  readonly label: string;
  /** Where its metrics are. */
  readonly url: string;
}

interface AnnouncementFile extends Announcement {
  /** With the pid this names one process for ever. */
  readonly startTicks: number;
}

const FOLDER = 'metrics';

/**
 * Announces this process.
 * @returns a function that takes it back; works twice
 * @throws DaqError `ipc-refused` if there is no private folder for it
 */
export function announce(announcement: Announcement): () => void {
  const folder = join(runtimeFolder(), FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { path, text } of filesIn(folder)) if (text === undefined || !lives(text)) rmSync(path, { force: true });
  const path = join(folder, `${announcement.pid}.json`);
  const text: AnnouncementFile = { ...announcement, startTicks: processStatus(announcement.pid)?.startTicks ?? 0 };
  // Put in place whole, for whoever reads meanwhile.
  writeFileSync(`${path}.new`, JSON.stringify(text), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return () => rmSync(path, { force: true });
}

/** All living processes of this user that announce metrics, in every folder that they may have used. */
export function announcements(): Announcement[] {
  return leaseFolders().flatMap((folder) => announcementsIn(join(folder, FOLDER)));
}

/** Those in one folder; none if it is not there. */
export function announcementsIn(folder: string): Announcement[] {
  return filesIn(folder).flatMap(({ text }) => (text !== undefined && lives(text) ? [text] : []));
}

function lives({ pid, startTicks }: AnnouncementFile): boolean {
  return isSameProcess(pid, startTicks);
}

function filesIn(folder: string): { path: string; text: AnnouncementFile | undefined }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ path: join(folder, name), text: readFile(join(folder, name)) }));
}

/** A file that was taken back meanwhile, or is none of ours, says nothing. */
function readFile(path: string): AnnouncementFile | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<AnnouncementFile> | null;
    const { pid, startTicks, command, label, url } = value ?? {};
    const sound =
      Number.isInteger(pid) &&
      typeof startTicks === 'number' &&
      [command, label, url].every((text) => typeof text === 'string');
    return sound ? (value as AnnouncementFile) : undefined;
  } catch {
    return undefined;
  }
}
