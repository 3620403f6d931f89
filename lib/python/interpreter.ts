/** Which Python runs the user's script: the one that was named, else the first that has numpy, else the first there is. */

import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../errors.ts';

const run = promisify(execFile);
/** Looks for numpy without importing it: importing takes longer than everything else at the start together. */
const PROBE = [
  'import sys, importlib.util as u',
  'n = ""',
  'if u.find_spec("numpy"):',
  '    try:',
  '        from importlib.metadata import version',
  '        n = version("numpy")',
  '    except Exception:',
  '        n = "of unknown version"',
  'print(sys.executable, "%d.%d.%d" % sys.version_info[:3], n, sep="\\t")',
].join('\n');
const PROBE_LIMIT_MS = 30_000;

export interface Interpreter {
  /** Path or name, as it is started. */
  command: string;
  version: string;
  /** Version of numpy, or undefined if there is none. */
  numpy: string | undefined;
}

/**
 * @param wanted from `--python`
 * @throws InputError if there is none, or the wanted one does not run
 */
export async function findInterpreter(wanted?: string): Promise<Interpreter> {
  if (wanted !== undefined) {
    const found = await probe(wanted);
    if (typeof found === 'string') throw new InputError(`--python ${wanted} does not run: ${found}`);
    return found;
  }
  let first: Interpreter | undefined;
  for (const command of candidates()) {
    const found = await probe(command);
    if (typeof found === 'string') continue;
    if (found.numpy !== undefined) return found;
    first ??= found;
  }
  if (first === undefined) throw new InputError('no python3 was found on PATH; name one with --python');
  return first;
}

/** `Python 3.11.2 (/usr/bin/python3), numpy 1.24.2`. */
export function describeInterpreter({ command, version, numpy }: Interpreter): string {
  return `Python ${version} (${command}), ${numpy === undefined ? 'without numpy' : `numpy ${numpy}`}`;
}

/** Every python3 on PATH, in order; then the usual places, because process managers rebuild PATH. */
function candidates(): string[] {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(process.env.CONDA_PREFIX ? [join(process.env.CONDA_PREFIX, 'bin')] : []),
    '/usr/bin',
    '/usr/local/bin',
  ];
  const found = folders.filter((folder) => folder !== '').map((folder) => join(folder, 'python3'));
  return [...new Set(found)].filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What it is, or why it does not run. */
async function probe(command: string): Promise<Interpreter | string> {
  try {
    const { stdout } = await run(command, ['-c', PROBE], { timeout: PROBE_LIMIT_MS });
    const [executable = '', version = '', numpy = ''] = stdout.replace(/\n$/, '').split('\t');
    // The program itself: what stands on PATH may be a wrapper that takes longer than Python to start.
    return { command: executable || command, version, numpy: numpy === '' ? undefined : numpy };
  } catch (error) {
    return (error as Error).message.trim();
  }
}
