/** `.cnf` and `.py` files of the process manager: Python text, read without Python where that is possible (spec procmgr.md 1.1). */

import { dirname, resolve } from 'node:path';
import { DaqError, InputError } from '../../errors.ts';
import { runSubset } from '../../python/subset/program.ts';
import type { PyValue } from '../../python/subset/value.ts';
import { PROCMGR_KEYS, plain, type RawFile, rawEntries, SLURM_KEYS, stationOf } from './raw.ts';

export interface CnfOptions {
  /** `-p`: what the file finds in `platform`. */
  readonly platform: string | undefined;
  /** `-D name=value`. */
  readonly macros: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Modules that a file may name; nothing is loaded. */
const IMPORTS = /^(import|from)\s+(os|sys|platform|psdaq\.procmgr\S*)\b/;

/** Names that are there when the text runs. */
function cnfNames(file: string, { platform, macros, env }: CnfOptions): Map<string, PyValue> {
  const names = new Map<string, PyValue>([
    ['platform', platform ?? null],
    ['procmgr_config', null],
    ['config', null],
    ['station', null],
    ['TESTRELDIR', env.TESTRELDIR ?? ''],
    ['CONDA_PREFIX', env.CONDA_PREFIX ?? ''],
    ['CONFIGDIR', dirname(resolve(file))],
    ['__file__', file],
    ['procmgr_macro', new Map<string | number, PyValue>(macros)],
  ]);
  for (const key of [...PROCMGR_KEYS, ...SLURM_KEYS]) names.set(key, key);
  return names;
}

/**
 * Reads a file.
 * @throws InputError with line and column for what is outside the subset, or if there is no list of processes
 */
export function readCnf(text: string, file: string, options: CnfOptions): RawFile {
  const scope = subsetOf(text, file, options);
  const list = scope.get('procmgr_config') ?? scope.get('config');
  if (!Array.isArray(list)) throw new InputError('the file leaves no list procmgr_config', { place: { file } });
  const platform = scope.get('platform');
  const told = platform === null || platform === undefined ? options.platform : String(platform);
  return {
    ...{ file, text, entries: rawEntries(list, text), platform: told },
    station: stationOf(scope.get('station')),
    policies: plain(scope.get('daq_run')),
  };
}

function subsetOf(text: string, file: string, options: CnfOptions): ReadonlyMap<string, PyValue> {
  const settings = {
    file,
    code: 'unreadable-input',
    names: cnfNames(file, options),
    importProblem: (statement: string) =>
      IMPORTS.test(statement) ? undefined : `${statement} needs an interpreter: --python`,
  };
  try {
    return runSubset(text, settings);
  } catch (error) {
    if (!(error instanceof DaqError)) throw error;
    const advice = error.message.includes('--python') ? '' : ' With --python an interpreter reads the file.';
    throw new InputError(`${error.message}${advice}`, { place: error.place, cause: error });
  }
}
