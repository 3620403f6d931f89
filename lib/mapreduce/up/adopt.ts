/** A process manager's file with map-* entries as an ensemble: what each is, in which order they start, and what they must be told. Pure. */

import { basename } from 'node:path';
import { parse } from 'shell-quote';
import { InputError } from '../../errors.ts';
import { controlUrl, option, resultsUrl } from './addresses.ts';
import { READY, RESTART } from './plan.ts';
import type { UpEntry, UpMember, UpPlan, UpRole } from './types.ts';

const ROLES: Readonly<Record<string, UpRole>> = {
  'redis-server': 'redis',
  'map-control': 'control',
  'map-ingest': 'ingester',
  'map-work': 'worker',
  'map-reduce': 'reducer',
};
/** Who must be up before. */
const BEFORE: Readonly<Record<UpRole, readonly UpRole[]>> = {
  redis: [],
  control: ['redis'],
  ingester: ['control'],
  reducer: ['control'],
  worker: ['ingester', 'reducer'],
  other: [],
};
const NAME_VARIABLE: Readonly<Partial<Record<UpRole, string>>> = { worker: 'WORKER_NAME', ingester: 'INGESTER_NAME' };

interface Known<E> {
  readonly entry: E;
  readonly role: UpRole;
  readonly words: readonly string[];
}

/** What the entries say of Redis. */
export type RedisOfFile = { readonly url: string | undefined } | 'not-said';

/**
 * @param redis URL that entries are told; undefined: they know it
 * @throws InputError if there is no controller, or two, or one whose port nobody can know
 */
export function adopt<E extends UpEntry>(file: string, given: readonly E[], redis: string | undefined): UpPlan<E> {
  const known = given.map(knownOf);
  const controls = known.filter(({ role }) => role === 'control');
  const fail = (message: string): never => {
    throw new InputError(message, { place: { file } });
  };
  if (controls.length !== 1) fail(controls.length === 0 ? 'there is no map-control' : 'there are two map-control');
  const port = option(controls[0]!.words, '--port') ?? '5000';
  if (!/^[1-9]\d*$/.test(port)) fail(`${controls[0]!.entry.id}: --port ${port} cannot be asked for; give a fixed one`);
  const reducer = known.find(({ role }) => role === 'reducer');
  const entries = known.map(({ entry, role, words }) => {
    const before = known.filter((one) => BEFORE[role].includes(one.role)).map(({ entry: { id } }) => id);
    const { id } = entry;
    const variable = NAME_VARIABLE[role];
    const name = variable === undefined || option(words, '--name') !== undefined ? [] : [[variable, id] as const];
    const env = new Map([...(redis === undefined ? [] : [['REDIS_URL', redis] as const]), ...name, ...entry.env]);
    const after = [...new Set([...entry.after, ...before])];
    return role === 'other' ? { ...entry, env } : { ...entry, env, after, ready: READY[role], restart: RESTART };
  });
  return {
    entries,
    members: known.map(memberOf),
    control: controlUrl(controls[0]!.words),
    results: reducer && resultsUrl(reducer.words),
  };
}

/** Who provides Redis, as far as the entries say. */
export function redisOf(entries: readonly UpEntry[]): RedisOfFile {
  const known = entries.map(knownOf);
  const urls = known.map(({ words, entry }) => option(words, '--redis') ?? entry.env.get('REDIS_URL'));
  const url = urls.find((one) => one !== undefined);
  return url === undefined && !known.some(({ role }) => role === 'redis') ? 'not-said' : { url };
}

function knownOf<E extends UpEntry>(entry: E): Known<E> {
  const words = parse(entry.cmd).map((word) =>
    typeof word === 'string' ? word : 'pattern' in word ? word.pattern : 'op' in word ? word.op : '',
  );
  const role = words.map((word) => ROLES[basename(word)]).find((one) => one !== undefined) ?? 'other';
  return { entry, role, words };
}

function memberOf({ entry, role, words }: Known<UpEntry>): UpMember {
  const { id, env } = entry;
  const variable = NAME_VARIABLE[role];
  const named = variable === undefined ? role : (option(words, '--name') ?? env.get(variable) ?? id);
  return { id, role, name: named };
}
