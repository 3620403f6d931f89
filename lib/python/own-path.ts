/** What `import daqpipe` finds. */

import { delimiter, join } from 'node:path';
import { packageRoot } from '../cli/package-root.ts';

/** PYTHONPATH of a process that we start: our modules first, then what the user has there. */
export function ownPythonPath(): string {
  const { PYTHONPATH } = process.env;
  return [join(packageRoot(), 'python'), ...(PYTHONPATH ? [PYTHONPATH] : [])].join(delimiter);
}
