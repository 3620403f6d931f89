/**
 * Loads a full-screen view from dist/screens. Screens are ES modules, and code that comes from V8's code cache, as commands do,
 * cannot import those (the cache does not keep what import() needs): an ordinary module beside the screens does it for them.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';

interface Loader {
  load(name: string): Promise<unknown>;
}

/** @param name of lib/FEATURE/screens/NAME.tsx; `Module` is what it exports */
export async function loadScreen<Module>(name: string): Promise<Module> {
  // React's development build checks everything twice and collects measurements for ever.
  process.env.NODE_ENV ??= 'production';
  obeyNoColor();
  const require = createRequire(join(packageRoot(), 'dist', 'screens', 'load.cjs'));
  return (await (require('./load.cjs') as Loader).load(name)) as Module;
}

/** The library that colours screens knows FORCE_COLOR only, and Node warns of both together. */
function obeyNoColor(): void {
  if (!process.env.NO_COLOR) return;
  delete process.env.NO_COLOR;
  process.env.FORCE_COLOR = '0';
}
