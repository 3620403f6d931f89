import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InputError } from '../../errors.ts';
import type { CnfOptions } from './cnf.ts';
import { PROCMGR_KEYS, type RawFile, rawEntries, SLURM_KEYS } from './raw.ts';
import { mapFrom } from './yaml.ts';

/** Runs the file as the process manager does, and prints what it leaves. */
const RUNNER = `
import json, os, sys
path, given = sys.argv[1], json.loads(sys.argv[2])
names = dict(given, procmgr_config=None, config=None, __file__=path, CONFIGDIR=os.path.dirname(os.path.abspath(path)))
out = sys.stdout
sys.stdout = sys.stderr
sys.path.insert(0, names["CONFIGDIR"])
exec(compile(open(path).read(), path, "exec"), names)
found = names.get("procmgr_config") or names.get("config")
found = getattr(found, "main_config", found)
if isinstance(found, dict): found = list(found.values())
json.dump({"list": found, "platform": names.get("platform")}, out, default=str)
`;

const run = promisify(execFile);
const MOST_OUTPUT = 64 * 1024 * 1024;

/**
 * Reads a file with a real interpreter (`--python`): for what is outside the subset. The file's code runs.
 * @throws InputError with Python's last words
 */
export async function readThroughPython(
  text: string,
  file: string,
  python: string,
  options: CnfOptions,
): Promise<RawFile> {
  const keys = Object.fromEntries([...PROCMGR_KEYS, ...SLURM_KEYS].map((key) => [key, key]));
  const { platform, macros, env } = options;
  const given = {
    ...keys,
    platform: platform ?? null,
    procmgr_macro: Object.fromEntries(macros),
    TESTRELDIR: env.TESTRELDIR ?? '',
    CONDA_PREFIX: env.CONDA_PREFIX ?? '',
  };
  try {
    const { stdout } = await run(python, ['-c', RUNNER, file, JSON.stringify(given)], { maxBuffer: MOST_OUTPUT });
    const made = JSON.parse(stdout) as { list: unknown; platform: unknown };
    if (!Array.isArray(made.list)) throw new InputError('the file leaves no list procmgr_config', { place: { file } });
    const told = made.platform === null ? platform : String(made.platform);
    return { file, entries: rawEntries(made.list.map(mapFrom), text), platform: told };
  } catch (error) {
    if (error instanceof InputError) throw error;
    const words = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    throw new InputError(`${python} cannot run the file: ${words}`, { place: { file }, cause: error });
  }
}
