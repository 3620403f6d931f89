import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../cli/package-root.ts';
import { InputError } from '../../errors.ts';
import type { CnfOptions } from './cnf.ts';
import { PROCMGR_KEYS, type RawFile, rawEntries, SLURM_KEYS, stationOf } from './raw.ts';
import { mapFrom } from './yaml.ts';

/** Runs the file as the process manager does, and prints what it leaves. */
const RUNNER = `
import json, os, sys
path, given = sys.argv[1], json.loads(sys.argv[2])
names = dict(given, procmgr_config=None, config=None, station=None, __file__=path, CONFIGDIR=os.path.dirname(os.path.abspath(path)))
out = sys.stdout
sys.stdout = sys.stderr
sys.path.insert(0, names["CONFIGDIR"])
# Last, so that the real psdaq is taken where there is one.
sys.path.append(sys.argv[3])
exec(compile(open(path).read(), path, "exec"), names)
config = names.get("config")
chosen = getattr(config, "select_config", None)
if chosen is not None: found = [dict(entry, id=name) for name, entry in chosen.items()]
else: found = config if isinstance(config, list) else names.get("procmgr_config")
json.dump({"list": found, "platform": names.get("platform"), "station": names.get("station"), "policies": names.get("daq_run")}, out, default=str)
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
  const words = ['-c', RUNNER, file, JSON.stringify(given), join(packageRoot(), 'python', 'daqpipe', 'procmgr')];
  try {
    const { stdout } = await run(python, words, { maxBuffer: MOST_OUTPUT });
    const made = JSON.parse(stdout) as { list: unknown; platform: unknown; station: unknown; policies: unknown };
    if (!Array.isArray(made.list)) throw new InputError('the file leaves no list procmgr_config', { place: { file } });
    const told = made.platform === null ? platform : String(made.platform);
    return {
      file,
      entries: rawEntries(made.list.map(mapFrom), text),
      platform: told,
      station: stationOf(made.station),
      policies: made.policies ?? undefined,
      text,
    };
  } catch (error) {
    if (error instanceof InputError) throw error;
    const last = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    throw new InputError(`${python} cannot run the file: ${last}`, { place: { file }, cause: error });
  }
}
