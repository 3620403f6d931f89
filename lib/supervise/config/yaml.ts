/** Our own notation: a small YAML file (docs/supervise.md). */

import { yamlDocument } from '../../cli/yaml-document.ts';
import { InputError } from '../../errors.ts';
import { type Fail, POLICY_KEYS, policyFrom, type Section, section, text, texts } from './policy.ts';
import type { Entry, ProcessFile } from './types.ts';
import { environmentOf } from './words.ts';

export { ALIVE, GRACE, NO_RESTART } from './policy.ts';

const KEYS: ReadonlySet<string> = new Set(['cmd', 'pipe', 'env', ...POLICY_KEYS, 'host', 'flags', 'cores', 'rtprio']);

/** A dictionary as a Map, so that files of both notations look alike; other values stay. */
export function mapFrom(value: unknown): never {
  const made =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value as Section))
      : value;
  return made as never;
}

/** @throws InputError with the place */
export function readYaml(text: string, file: string): ProcessFile {
  const { document, lines } = yamlDocument(text, file);
  const fail: Fail = (message) => {
    throw new InputError(message, { place: { file } });
  };
  const top = section(document.toJS()) ?? fail('the file is a mapping with the key processes');
  const unknown = Object.keys(top).filter((key) => !['processes', 'platform', 'defaults'].includes(key));
  if (unknown.length > 0) fail(`there is no key ${unknown.join(', ')}; there are processes, platform, defaults`);
  const processes = section(top.processes) ?? fail('processes is a mapping: id -> {cmd: ...}');
  const defaults = section(top.defaults ?? {}) ?? fail('defaults is a mapping');
  const entries = Object.entries(processes).map(([id, value]) => {
    const node = document.getIn(['processes', id], true) as { range?: [number, number, number] } | undefined;
    const line = node?.range ? lines.linePos(node.range[0]).line : undefined;
    const own =
      typeof value === 'string'
        ? { cmd: value }
        : (section(value) ?? fail(`${id} is a command, or a mapping with cmd or pipe`));
    return entryFrom(id, { ...defaults, ...own }, line, (message) => fail(`${id}: ${message}`));
  });
  const { platform } = top;
  if (platform !== undefined && !Number.isInteger(platform)) fail('platform is a number');
  return { file, notation: 'yaml', platform: platform as number | undefined, station: 0, entries };
}

function entryFrom(id: string, entry: Section, line: number | undefined, fail: Fail): Entry {
  for (const key of Object.keys(entry))
    if (!KEYS.has(key)) fail(`there is no key ${key}; there are ${[...KEYS].join(', ')}`);
  const pipe = entry.pipe === undefined ? undefined : texts(entry.pipe, 'pipe', fail);
  if ((typeof entry.cmd === 'string') === (pipe !== undefined)) fail('give cmd, or pipe with one command per stage');
  return {
    id,
    host: entry.host === undefined ? undefined : text(entry.host, 'host', fail),
    flags: text(entry.flags ?? '', 'flags', fail),
    cmd: pipe ? pipe.join(' | ') : String(entry.cmd),
    env: environment(entry.env, fail),
    port: undefined,
    rtprio: whole(entry.rtprio, 'rtprio', fail),
    conda: undefined,
    cores: whole(entry.cores, 'cores', fail),
    envGroup: undefined,
    ...policyFrom(entry, fail),
    line,
  };
}

function whole(value: unknown, what: string, fail: Fail): number | undefined {
  if (value === undefined) return undefined;
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : fail(`${what} is a whole number`);
}

function environment(value: unknown, fail: Fail): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (typeof value === 'string') return environmentOf(value);
  const pairs = section(value) ?? fail('env is a mapping, or "A=b C=d"');
  return new Map(Object.entries(pairs).map(([name, item]) => [name, String(item)]));
}
