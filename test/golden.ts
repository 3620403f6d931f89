/** The recorded dgrams and golden outputs beside the project. Tests that need them say so when they are absent. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of shared test data. */
export const SHARED = fileURLToPath(new URL('../../shared/', import.meta.url));

/** Options for a test that needs shared data: skipped, with the reason, where it is absent. */
export function needsShared(...parts: string[]): { skip?: string } {
  const path = join(SHARED, ...parts);
  return existsSync(path) ? {} : { skip: `shared test data is absent: ../shared/${parts.join('/')}` };
}

/** All files below a folder with one of the endings, relative to it, sorted. */
export function filesBelow(folder: string, ending: string): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    for (const name of readdirSync(path)) {
      const child = join(path, name);
      if (statSync(child).isDirectory()) visit(child);
      else if (name.endsWith(ending)) found.push(relative(folder, child));
    }
  };
  if (existsSync(folder)) visit(folder);
  return found.sort();
}
