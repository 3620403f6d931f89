/** Where the package lies on disk: examples, Python package and samples are found from here. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaqError } from '../errors.ts';

/** The folder with our package.json; the same for bundles in dist/ and for sources run directly. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'bin'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new DaqError('internal', 'the daqpipe package folder was not found above this file');
    folder = parent;
  }
  return folder;
}
