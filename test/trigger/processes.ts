/** Commands of the trigger chain that run beside a test: started, fed, watched, killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { executable } from '../executable.ts';

const PATIENCE_MS = 60_000;
const LOOK_MS = 10;
const ASK_MS = 100;

export interface Started {
  child: ChildProcess;
  /** stderr and stdout so far. */
  stderr(): string;
  stdout(): Buffer;
  /** Exit status, 128 + n after a signal it did not handle, once everything has been read. */
  ended: Promise<number>;
}

/** Starts a command; what it writes is kept. */
export function start(
  t: { teardown(undo: () => void): void },
  name: string,
  args: readonly string[],
  stdin: 'pipe' | 'ignore' = 'ignore',
): Started {
  const child = spawn(executable(name), args, { stdio: [stdin, 'pipe', 'pipe'] });
  t.teardown(() => void child.kill('SIGKILL'));
  const out: Buffer[] = [];
  let stderr = '';
  child.stdout!.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {});
  const ended = new Promise<number>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? (signal === 'SIGKILL' ? 137 : 128)));
  });
  return { child, stderr: () => stderr, stdout: () => Buffer.concat(out), ended };
}

/** Waits until a condition holds. @throws Error with `what` if it never does */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += LOOK_MS) {
    if (waited > PATIENCE_MS) throw new Error(`waited in vain for ${what}`);
    await sleep(LOOK_MS);
  }
}

/** Asks a command for its balance with SIGUSR1 until it says `seen`. */
export async function asked({ child, stderr }: Started, seen: RegExp): Promise<void> {
  await until('signals to be handled', () => child.exitCode !== null || catchesSigterm(child.pid!));
  for (let waited = 0; !seen.test(stderr()); waited += ASK_MS) {
    if (child.exitCode !== null || waited > PATIENCE_MS) throw new Error(`${seen} is not in: ${stderr()}`);
    child.kill('SIGUSR1');
    await sleep(ASK_MS);
  }
}

/** Before a process has its handlers, signals end it. */
function catchesSigterm(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt(constants.signals.SIGTERM - 1)) & 1n) === 1n;
}
