/** Names and headers of logs, as the existing managers have them (spec procmgr.md 1.4). */

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface LogHeader {
  readonly id: string;
  readonly platform: number | undefined;
  readonly host: string;
  readonly commandLine: string;
  readonly env: Environment;
}

const HEADER_ENV = ['CONDA_PREFIX', 'CONFIGDB_AUTH', 'SUBMODULEDIR', 'TESTRELDIR', 'GIT_DESCRIBE'] as const;
const SECRETS: ReadonlySet<string> = new Set(['CONFIGDB_AUTH']);
const MOST_HEADER = 4096;

/** `YYYY/MM/DD_HH:MM:SS_HOST:ID.log`, UTC. */
export function logName(started: Date, host: string, id: string): string {
  const [date, time] = started.toISOString().slice(0, 19).split('T') as [string, string];
  const [year, month, day] = date.split('-') as [string, string, string];
  return join(year, month, `${day}_${time}_${host}:${id}.log`);
}

export function headerLines({ id, platform, host, commandLine, env }: LogHeader): string[] {
  return [
    `# ID:      ${id}`,
    platformLine(platform),
    `# HOST:    ${host}`,
    `# CMDLINE: ${commandLine}`,
    ...HEADER_ENV.flatMap((name) => (env[name] ? [`# ${name}:${SECRETS.has(name) ? '*****' : env[name]}`] : [])),
  ];
}

function platformLine(platform: number | undefined): string {
  return `# PLATFORM:${platform ?? ''}`;
}

/** The latest logs of entries, by id: of this platform only, because several may share a folder. */
export function newestLogs(
  folder: string,
  ids: readonly string[],
  platform: number | undefined,
): ReadonlyMap<string, string> {
  const missing = new Set(ids);
  const found = new Map<string, string>();
  for (const year of namesIn(folder, /^\d{4}$/)) {
    for (const month of namesIn(join(folder, year), /^\d\d$/)) {
      for (const name of namesIn(join(folder, year, month), /^\d\d_\d\d:\d\d:\d\d_[^:]*:.*\.log$/)) {
        if (missing.size === 0) return found;
        const id = name.slice(0, -'.log'.length).split(':').slice(3).join(':');
        const path = join(folder, year, month, name);
        if (!missing.has(id) || !headerOf(path).includes(platformLine(platform))) continue;
        found.set(id, path);
        missing.delete(id);
      }
    }
  }
  return found;
}

/** Latest first; none if there is no such folder. */
function namesIn(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

/** The lines that begin with `#` at the start of a log; none if it cannot be read. */
export function headerOf(path: string): string[] {
  try {
    const fd = openSync(path, 'r');
    const bytes = Buffer.alloc(MOST_HEADER);
    const size = readSync(fd, bytes, 0, MOST_HEADER, 0);
    closeSync(fd);
    const lines = bytes.toString('utf8', 0, size).split('\n');
    const end = lines.findIndex((line) => !line.startsWith('# '));
    return end < 0 ? lines : lines.slice(0, end);
  } catch {
    return [];
  }
}
