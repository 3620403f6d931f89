/**
 * Imports an ES module whose place is known at run time only. Code that comes from V8's code cache, as commands do, cannot import (the cache
 * does not keep what import() needs): there an ordinary module beside it does.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';

type Module = Readonly<Record<string, unknown>>;

/** @param url with a query if the same file is to be loaded anew. @throws what the module throws */
export async function importModule(url: string): Promise<Module> {
  try {
    return (await import(url)) as Module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING') throw error;
  }
  const require = createRequire(join(packageRoot(), 'dist', 'import.cjs'));
  return (require('./import.cjs') as { load(url: string): Promise<Module> }).load(url);
}
