/** The real executables of bin/, for end-to-end tests. They are built first if they are not there. */

import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { execa, execaSync, type Options } from 'execa';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The folder of the project. */
export const PROJECT = ROOT;

function build(): void {
  if (!existsSync(`${ROOT}/dist/.built`)) execaSync('node', ['scripts/build.mjs'], { cwd: ROOT });
}

/** Path of an executable. */
export function executable(name: string): string {
  build();
  return `${ROOT}/bin/${name}`;
}

/** What a run left behind: standard output as bytes, messages, and the exit status (128 + n if a signal ended it). */
export interface Outcome {
  stdout: Buffer;
  stderr: string;
  status: number;
}

/** Runs an executable to its end, whatever that is. Standard input is empty unless it is given. */
export async function run(name: string, args: readonly string[], options: Options = {}): Promise<Outcome> {
  const result = await execa(executable(name), args, {
    stdin: 'ignore',
    ...options,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  const bytes = (part: unknown) => (part instanceof Uint8Array ? Buffer.from(part) : Buffer.alloc(0));
  return { stdout: bytes(result.stdout), stderr: bytes(result.stderr).toString(), status: result.exitCode ?? -1 };
}

/** Waits until a process has its own handler for a signal: before that the signal would simply end it. */
export async function untilItHandles(pid: number | undefined, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  for (let i = 0; i < 1000; i++) {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    if ((caught & bit) !== 0n) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`process ${pid} never took ${signal} into its hands`);
}
