import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder above the headers that came with this Node, so that nothing has to be fetched; undefined if it has none. */
export function headerPrefix() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}
