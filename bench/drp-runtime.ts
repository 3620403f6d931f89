/** What an event costs in the Python runtime of drp-python: bench/drp_runtime.py with the interpreter that drp-python would take. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findInterpreter } from '../lib/python/interpreter.ts';

const { command } = await findInterpreter(process.env.PYTHON);
const { status } = spawnSync(
  command,
  [fileURLToPath(new URL('drp_runtime.py', import.meta.url)), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
