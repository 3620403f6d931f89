/** The decider that a command line asks for. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { bindingProblem } from 'posix-ipc-shim';
import { packageRoot } from '../../cli/package-root.ts';
import { InputError } from '../../errors.ts';
import { findInterpreter } from '../../python/interpreter.ts';
import { keyBase } from './connect.ts';
import { OwnPipes, pythonPath } from './own-pipes.ts';
import { ProcessDecider } from './process-decider.ts';
import { RuleDecider } from './rule.ts';
import type { Decider, DeciderSetup, OnError } from './types.ts';
import { UpstreamLink } from './upstream.ts';
import { lookalikeChannel, lookalikeFolder, posixChannel, removeDebris } from './upstream-channels.ts';

export type DeciderProgram =
  | { kind: 'rule'; rule: string; monitorRule?: string | undefined }
  | { kind: 'exec'; command: string }
  | { kind: 'script'; script: string; ipc: 'own' | 'upstream'; python?: string | undefined; allowPickle?: boolean };

export interface DeciderLimits {
  onError: OnError;
  restarts: number;
  /** `--decide-timeout`. */
  timeoutMs: number;
  /** Until a process is ready; importing may take long. Default 30 s. */
  startTimeoutMs?: number;
}

const run = promisify(execFile);
const START_TIMEOUT_MS = 30_000;
/** Prints `posix_ipc psdaq` as far as they are installed. */
const INSTALLED = 'import importlib.util as u; print(*(n for n in ("posix_ipc", "psdaq") if u.find_spec(n)))';

/**
 * @param say for the log: one line or a traceback
 * @throws UsageError for a rule that cannot be read; InputError if there is no script or no Python
 */
export async function makeDecider(
  setup: DeciderSetup,
  program: DeciderProgram,
  limits: DeciderLimits,
  say: (text: string) => void,
): Promise<Decider> {
  if (program.kind === 'rule') return new RuleDecider(setup, limits.onError, program.rule, program.monitorRule);
  const rest = { startTimeoutMs: START_TIMEOUT_MS, ...limits, say };
  if (program.kind === 'exec') {
    return new ProcessDecider({
      ...rest,
      link: new OwnPipes(setup, { kind: 'command', command: program.command }),
      prefix: '[decider] ',
    });
  }
  const { script } = program;
  if (!statSync(script, { throwIfNoEntry: false })?.isFile()) {
    throw new InputError('there is no such script', { place: { file: script } });
  }
  const python = (await findInterpreter(program.python ?? process.env.PYTHON)).command;
  if (program.ipc === 'upstream') return new ProcessDecider({ ...rest, link: await upstream(setup, script, python) });
  const allowPickle = program.allowPickle ?? false;
  const link = new OwnPipes(setup, { kind: 'python', python, script, folder: pythonFolder(), allowPickle });
  return new ProcessDecider({ ...rest, link });
}

/** The existing runtime where it is installed, else ours in its place; real queues where native code loads, else the look-alike. */
async function upstream(setup: DeciderSetup, script: string, python: string): Promise<UpstreamLink> {
  const folder = pythonFolder();
  const installed = (await run(python, ['-c', INSTALLED])).stdout.split(/\s+/);
  const original = installed.includes('psdaq');
  const path = original ? (process.env.PYTHONPATH ?? '') : pythonPath(folder);
  const real = bindingProblem() === undefined;
  if (real) removeDebris(keyBase(setup));
  const withoutModule = installed.includes('posix_ipc') ? path : [lookalikeFolder(folder), path].join(delimiter);
  return new UpstreamLink({
    setup,
    python,
    args: original ? [script] : ['-m', 'daqpipe.trigger.runner', script],
    env: { PYTHONPATH: real ? withoutModule : path, TEB_FD: '' },
    makeChannel: real ? posixChannel : lookalikeChannel(folder, path),
    // Fresh names always: nothing that stands on the machine can be taken for ours (6.4).
    freshKey: () => `${keyBase(setup)}_${randomBytes(4).toString('hex')}`,
  });
}

function pythonFolder(): string {
  return join(packageRoot(), 'python');
}
