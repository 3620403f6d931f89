/** The entries of a process file before anybody has looked whether they make sense. */

import { PyFloat, type PyValue } from '../../python/subset/value.ts';

/** One entry: keys as written, values of any kind. */
export interface RawEntry {
  readonly values: ReadonlyMap<string, unknown>;
  readonly line: number | undefined;
}

export interface RawFile {
  readonly file: string;
  readonly entries: readonly RawEntry[];
  /** What the file, or the command line, says about the platform. */
  readonly platform: string | undefined;
  /** What the file finds good for its jobs' comments; Slurm only. */
  readonly station: number | undefined;
  /** What it leaves as `daq_run`: policies by id, `*` for all; the process manager passes over it. */
  readonly policies?: unknown;
  /** As it stands in the file. */
  readonly text: string;
}

/** Keys of the process manager, and of the Slurm manager (spec procmgr.md 1.1, 2.1). */
export const PROCMGR_KEYS = ['id', 'cmd', 'flags', 'port', 'host', 'rtprio', 'env', 'evr', 'conda'] as const;
export const SLURM_KEYS = ['cores', 'env_group', 'conda_env'] as const;

/** Line of an entry: where its id is written. */
function lineOf(text: string, id: unknown): number | undefined {
  if (typeof id !== 'string' || id === '') return undefined;
  const lines = text.split('\n');
  const at = lines.findIndex(
    (line) => !line.trimStart().startsWith('#') && (line.includes(`'${id}'`) || line.includes(`"${id}"`)),
  );
  return at < 0 ? undefined : at + 1;
}

/** A value of the file as JSON would have it. */
export function plain(value: unknown): unknown {
  if (value instanceof PyFloat) return value.value;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

/** A whole number, or a text of one. */
export function stationOf(value: unknown): number | undefined {
  return /^\d+$/.test(String(value)) ? Number(value) : undefined;
}

/** Entries of a list of dictionaries. */
export function rawEntries(list: readonly PyValue[], text: string): RawEntry[] {
  return list.map((item) => {
    const values =
      item instanceof Map ? new Map([...item].map(([key, value]) => [String(key), value as unknown])) : new Map();
    return { values, line: lineOf(text, values.get('id')) };
  });
}
