/** Who is alive, and dying with one's parent. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { check, checkInteger } from './errors.ts';
import { findProgram, native } from './native.ts';

export interface ProcessStatus {
  pid: number;
  parentPid: number;
  /** One letter as in /proc: R, S, D, T, Z (ended, not yet reaped), X. */
  state: string;
  /** Clock ticks since boot. With the pid it names a process uniquely until the next boot. */
  startTicks: number;
}

/** Reads /proc/PID/stat; undefined when there is no such process. */
export function processStatus(pid: number): ProcessStatus | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${checkInteger('pid', pid, 1)}/stat`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
  // The second field is the name in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, state: fields[0] ?? '', parentPid: Number(fields[1]), startTicks: Number(fields[19]) };
}

/** Whether the process that had this pid and start time still runs. One that has ended but is not reaped does not. */
export function isSameProcess(pid: number, startTicks: number): boolean {
  const status = processStatus(pid);
  return status !== undefined && status.startTicks === startTicks && status.state !== 'Z' && status.state !== 'X';
}

function signalNumber(signal: NodeJS.Signals | 0): number {
  return signal === 0 ? 0 : constants.signals[signal];
}

/**
 * Has the kernel send `signal` to this process when the thread that started it ends (Node starts children from the thread that calls spawn).
 * 0 switches it off. Returns false if `parent` is given and is not the parent any more: it died before the request, so end now.
 * @throws IpcError
 */
export function setParentDeathSignal(signal: NodeJS.Signals | 0 = 'SIGKILL', parent?: number): boolean {
  check(native().setParentDeathSignal(signalNumber(signal)), 'prctl', String(signal));
  return parent === undefined || process.ppid === parent;
}

/** The number of the signal that is set, 0 for none. @throws IpcError */
export function parentDeathSignal(): number {
  return check(native().parentDeathSignal(), 'prctl', 'PR_GET_PDEATHSIG');
}

/**
 * The command line with which `spawn` starts a program that dies with this process, for programs that cannot ask for it themselves. Uses the small
 * program of this package, else `setpriv` of util-linux; the process id is that of the program itself, there is no shell in between.
 */
export function boundToParent(
  command: string,
  args: readonly string[] = [],
  signal: NodeJS.Signals = 'SIGKILL',
): { command: string; args: string[] } {
  const own = findProgram('bind-to-parent');
  if (own !== undefined) {
    return { command: own, args: [String(process.pid), String(signalNumber(signal)), command, ...args] };
  }
  return { command: 'setpriv', args: ['--pdeathsig', signal.slice(3), '--', command, ...args] };
}
