/** A process file by name, whatever its notation. */

import { InputError } from '../errors.ts';
import { wholeText } from '../stream/read-all.ts';
import { readCnf } from './config/cnf.ts';
import { processFileFrom } from './config/entries.ts';
import type { RawFile } from './config/raw.ts';
import { readThroughPython } from './config/through-python.ts';
import type { Entry, ProcessFile } from './config/types.ts';
import { readYaml } from './config/yaml.ts';

export interface OpenOptions {
  readonly platform: number | undefined;
  /** `-D name=value`. */
  readonly macros: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An interpreter that runs the file; undefined: the subset. */
  readonly python: string | undefined;
}

export function isYaml(file: string): boolean {
  return /\.ya?ml$/.test(file);
}

/** The entries of a process manager's file as written. @throws InputError */
export async function openRaw(file: string, options: OpenOptions): Promise<RawFile> {
  const { macros, env, python } = options;
  const platform = options.platform === undefined ? undefined : String(options.platform);
  const text = wholeText(file);
  if (python !== undefined) return readThroughPython(text, file, python, { platform, macros, env });
  return readCnf(text, file, { platform, macros, env });
}

/** @throws InputError for what cannot be run: ids that stand twice, or come after somebody who does not exist */
export async function openProcessFile(file: string, options: OpenOptions): Promise<ProcessFile> {
  const read = isYaml(file) ? readYaml(wholeText(file), file) : processFileFrom(await openRaw(file, options));
  check(read);
  return { ...read, platform: options.platform ?? read.platform };
}

function check({ file, entries }: ProcessFile): void {
  const fail = (message: string, { line }: Entry): never => {
    throw new InputError(message, { place: { file, ...(line === undefined ? {} : { line }) } });
  };
  const ids = new Set<string>();
  for (const entry of entries) {
    if (ids.has(entry.id)) fail(`the id ${entry.id} is used twice`, entry);
    ids.add(entry.id);
  }
  for (const entry of entries) {
    for (const other of entry.after)
      if (!ids.has(other)) fail(`${entry.id} comes after ${other}, which does not exist`, entry);
    if (comesAfter(entry, entry.id, entries, new Set())) fail(`${entry.id} comes after itself`, entry);
  }
}

function comesAfter({ after }: Entry, id: string, entries: readonly Entry[], seen: Set<string>): boolean {
  return after.some((other) => {
    if (other === id) return true;
    if (seen.has(other)) return false;
    seen.add(other);
    const next = entries.find((entry) => entry.id === other);
    return next !== undefined && comesAfter(next, id, entries, seen);
  });
}
