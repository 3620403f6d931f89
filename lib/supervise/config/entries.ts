/** From raw entries to entries. Whoever wants to know everything that is wrong asks the lint. */

import { InputError } from '../../errors.ts';
import { POLICY_KEYS, type Policy, policyFrom, type Section, section } from './policy.ts';
import type { RawEntry, RawFile } from './raw.ts';
import type { Entry, ProcessFile } from './types.ts';
import { environmentOf } from './words.ts';

/**
 * Entries of the process manager's notation. Without flag `s` it kills at once; we ask first all the same.
 * @throws InputError for the first entry that cannot be run
 */
export function processFileFrom({ file, entries, platform, station, policies }: RawFile): ProcessFile {
  const policyOf = policiesOf(policies, new Set(entries.map(({ values }) => String(values.get('id')))), file);
  return {
    file,
    notation: 'cnf',
    platform: platform === undefined || !/^\d+$/.test(platform) ? undefined : Number(platform),
    station: station ?? 0,
    entries: entries.map((raw, i) => entryFrom(raw, i, file, policyOf)),
  };
}

function entryFrom({ values, line }: RawEntry, index: number, file: string, policyOf: (id: string) => Policy): Entry {
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
    ...policyOf(id),
    line,
  };
}

/** Policies by id: those of `*`, and of the id itself over them. @throws InputError for what makes no sense */
export function policiesOf(policies: unknown, ids: ReadonlySet<string>, file: string): (id: string) => Policy {
  const fail = (message: string): never => {
    throw new InputError(`daq_run: ${message}`, { place: { file } });
  };
  if (policies === undefined || policies === null) return () => policyFrom({}, fail);
  const all = section(policies) ?? fail("it is a dictionary: {'*': {...}, ID: {...}}");
  const known: ReadonlySet<string> = new Set(POLICY_KEYS);
  const own = new Map<string, Section>();
  for (const [id, value] of Object.entries(all)) {
    if (id !== '*' && !ids.has(id)) fail(`there is no process ${id}`);
    const policy = section(value) ?? fail(`${id} is a dictionary with ${POLICY_KEYS.join(', ')}`);
    const unknown = Object.keys(policy).find((key) => !known.has(key));
    if (unknown !== undefined) fail(`${id}: there is no key ${unknown}; there are ${POLICY_KEYS.join(', ')}`);
    own.set(id, policy);
  }
  return (id) => policyFrom({ ...own.get('*'), ...own.get(id) }, (message) => fail(`${id}: ${message}`));
}
