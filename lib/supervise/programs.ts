/** Where programs are: our own first, so that files need no paths. */

import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { packageRoot } from '../cli/package-root.ts';

function binFolder(): string {
  return join(packageRoot(), 'bin');
}

/** Names of the commands of this package. */
export function ownCommands(): ReadonlySet<string> {
  return new Set(readdirSync(binFolder()));
}

/** `PATH` that finds our commands too, behind what the user has chosen. */
export function pathWithOwn(path: string | undefined): string {
  return [path ?? '/usr/bin:/bin', binFolder()].join(delimiter);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Absolute path of a program as it would be started. */
export function findProgram(name: string, path: string): string | undefined {
  if (name.includes('/')) return isProgram(name) ? (isAbsolute(name) ? name : join(process.cwd(), name)) : undefined;
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram);
}
