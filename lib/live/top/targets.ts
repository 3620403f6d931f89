/** Whom `daq-top` asks: addresses, files that list addresses, folders of announcements; without any, all that announce themselves. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Announcement, announcements, announcementsIn } from '../../cli/announcement.ts';
import { httpOrigin, parseAddress } from '../../cli/http-address.ts';
import { UsageError } from '../../errors.ts';

export interface Target {
  /** URL of the metrics. */
  readonly address: string;
  readonly name?: string;
}

/** Looks again every time it is called: processes come and go. */
export type Targets = () => readonly Target[];

/**
 * @param words `[HOST:]PORT`, `http://...`, a file with one of these a line (# begins a comment), a folder of announcements
 * @throws UsageError
 */
export function targetsOf(words: readonly string[]): Targets {
  if (words.length === 0) return () => announcements().map(targetOf);
  const sets = words.map(oneWord);
  return () => sets.flatMap((set) => set());
}

function oneWord(word: string): Targets {
  const url = urlOf(word);
  if (url !== undefined) return () => [{ address: url }];
  const status = statSync(word, { throwIfNoEntry: false });
  if (status?.isDirectory()) {
    // The run-time folder itself, or the one inside it.
    return () => [word, join(word, 'metrics')].flatMap(announcementsIn).map(targetOf);
  }
  if (status === undefined) {
    throw new UsageError(`"${word}" is neither [HOST:]PORT, nor an http URL, nor a file or folder that is there`);
  }
  const listed = readFileSync(word, 'utf8')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => {
      const address = urlOf(line);
      if (address === undefined) throw new UsageError(`"${line}" is no address`, { place: { file: word } });
      return { address };
    });
  return () => listed;
}

function targetOf({ url, label }: Announcement): Target {
  return { address: url, name: label };
}

function urlOf(word: string): string | undefined {
  if (/^https?:\/\//.test(word)) {
    if (!URL.canParse(word)) throw new UsageError(`"${word}" is no URL`);
    const url = new URL(word);
    if (url.pathname === '/') url.pathname = '/metrics';
    return url.href;
  }
  if (!/^(?:[^/]*:)?\d+$/.test(word)) return undefined;
  const { host, port } = parseAddress(word, 'metrics');
  return `${httpOrigin(host, port)}/metrics`;
}
