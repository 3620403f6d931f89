/** Our own notation: a small YAML file (docs/supervise.md). */

import { yamlDocument } from '../../cli/yaml-document.ts';
import { InputError } from '../../errors.ts';
import type { Entry, ProcessFile, Readiness, RestartPolicy } from './types.ts';
import { environmentOf } from './words.ts';

type Section = Readonly<Record<string, unknown>>;
type Fail = (message: string) => never;

const KEYS = new Set(['cmd', 'pipe', 'env', 'after', 'ready', 'restart', 'grace', 'host', 'flags', 'cores', 'rtprio']);
export const NO_RESTART: RestartPolicy = { when: 'never', most: 0, within: 0 };
export const ALIVE: Readiness = { kind: 'alive', seconds: 0.2 };
export const GRACE = 5;

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

function section(value: unknown): Section | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : undefined;
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
    after: entry.after === undefined ? [] : texts(entry.after, 'after', fail),
    ready: readiness(entry.ready, fail),
    restart: restart(entry.restart, fail),
    grace: number(entry.grace ?? GRACE, 'grace', fail),
    line,
  };
}

function text(value: unknown, what: string, fail: Fail): string {
  return typeof value === 'string' ? value : fail(`${what} is a text`);
}

function texts(value: unknown, what: string, fail: Fail): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  return Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')
    ? (list as string[])
    : fail(`${what} is a list of texts`);
}

function number(value: unknown, what: string, fail: Fail): number {
  return typeof value === 'number' && value >= 0 ? value : fail(`${what} is a number of seconds`);
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

function readiness(value: unknown, fail: Fail): Readiness {
  if (value === undefined) return ALIVE;
  const ready = section(value) ?? fail('ready is {alive: SECONDS}, {line: PATTERN} or {path: FILE}');
  const { line, path, alive, ...others } = ready;
  const other = Object.keys(others)[0];
  if (other !== undefined) fail(`ready: there is no key ${other}; there are alive, line, path`);
  if (typeof line === 'string') return { kind: 'line', pattern: regularExpression(line, fail) };
  if (typeof path === 'string') return { kind: 'path', path };
  if (typeof alive === 'number' && alive >= 0) return { kind: 'alive', seconds: alive };
  return fail('ready is {alive: SECONDS}, {line: PATTERN} or {path: FILE}');
}

function regularExpression(pattern: string, fail: Fail): string {
  try {
    new RegExp(pattern);
    return pattern;
  } catch (error) {
    return fail(`ready: ${(error as Error).message}`);
  }
}

function restart(value: unknown, fail: Fail): RestartPolicy {
  if (value === undefined) return NO_RESTART;
  const policy =
    typeof value === 'string' ? { when: value } : (section(value) ?? fail('restart is never, on-failure or always'));
  const when = (['never', 'on-failure', 'always'] as const).find((one) => one === policy.when);
  if (!when) return fail('restart is never, on-failure or always');
  return {
    when,
    most: number(policy.most ?? 5, 'restart most', fail),
    within: number(policy.within ?? 60, 'restart within', fail),
  };
}
