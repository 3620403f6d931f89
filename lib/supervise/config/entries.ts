/** From raw entries to entries. Whoever wants to know everything that is wrong asks the lint. */

import { InputError } from '../../errors.ts';
import type { RawEntry, RawFile } from './raw.ts';
import type { Entry, ProcessFile } from './types.ts';
import { environmentOf } from './words.ts';
import { ALIVE, GRACE, NO_RESTART } from './yaml.ts';

/**
 * Entries of the process manager's notation. Without flag `s` it kills at once; we ask first all the same.
 * @throws InputError for the first entry that cannot be run
 */
export function processFileFrom({ file, entries, platform, station }: RawFile): ProcessFile {
  return {
    file,
    notation: 'cnf',
    platform: platform === undefined || !/^\d+$/.test(platform) ? undefined : Number(platform),
    station: station ?? 0,
    entries: entries.map((raw, i) => entryFrom(raw, i, file)),
  };
}

function entryFrom({ values, line }: RawEntry, index: number, file: string): Entry {
  const text = (key: string): string | undefined => {
    const value = values.get(key);
    return value === undefined || value === null ? undefined : String(value);
  };
  const id = text('id');
  const cmd = text('cmd');
  if (id === undefined || cmd === undefined) {
    const which = id === undefined ? `entry ${index + 1} has no id` : `${id} has no cmd`;
    throw new InputError(which, { place: { file, ...(line === undefined ? {} : { line }) } });
  }
  const number = (key: string) => (/^\d+$/.test(text(key) ?? '') ? Number(text(key)) : undefined);
  return {
    id,
    cmd,
    host: text('host'),
    flags: (text('flags') ?? '') + (values.has('evr') && !text('flags')?.includes('p') ? 'p' : ''),
    env: environmentOf(text('env') ?? ''),
    port: number('port'),
    rtprio: number('rtprio'),
    conda: text('conda') ?? text('conda_env'),
    cores: number('cores'),
    envGroup: text('env_group'),
    after: [],
    ready: ALIVE,
    restart: NO_RESTART,
    grace: GRACE,
    line,
  };
}
