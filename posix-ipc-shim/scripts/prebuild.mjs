/**
 * Before packing: the binaries for this platform and C library into prebuilds/. One serves all Node versions, because the addon uses Node-API only.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import prebuildify from 'prebuildify';
import { headerPrefix } from './headers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const prefix = headerPrefix();
if (prefix !== undefined) process.env.npm_config_nodedir = prefix;

// A copy, because prebuildify moves the product away from where the checkout loads it.
mkdirSync(join(root, 'build'), { recursive: true });
const copy = mkdtempSync(join(root, 'build', 'pack-'));
try {
  for (const part of ['package.json', 'binding.gyp', 'native'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  await promisify(prebuildify)({ cwd: copy, out: root, napi: true, strip: true, tagLibc: true, quiet: true });
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  copyFileSync(join(copy, 'build', 'Release', 'bind-to-parent'), join(folder, 'bind-to-parent'));
  chmodSync(join(folder, 'bind-to-parent'), 0o755);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
