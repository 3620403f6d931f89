/** The real executables of bin/, for end-to-end tests. They are built first if they are not there. */

import { existsSync } from 'node:fs';
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
