// Web pages: lib/FEATURE/pages/NAME/{index.html,page.ts,page.css} become dist/pages/NAME, with all they need and no other server.

import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Folders of pages. */
function pageFolders() {
  return readdirSync('lib').flatMap((feature) => {
    const folder = join('lib', feature, 'pages');
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  });
}

/** Licence texts of the packages whose code is in a bundle. */
function licencesOf(inputs) {
  const folders = inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const packages = [...new Set(folders)].sort();
  return packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
}

/** @param target folder of the build */
export async function buildPages(target) {
  for (const folder of pageFolders()) {
    const outdir = join(target, 'pages', folder.split('/').at(-1));
    const { metafile } = await build({
      entryPoints: [join(folder, 'page.ts'), join(folder, 'page.css')],
      outdir,
      bundle: true,
      platform: 'browser',
      format: 'esm',
      target: ['chrome111', 'firefox115', 'safari16.4'],
      minify: true,
      legalComments: 'none',
      logLevel: 'warning',
      metafile: true,
    });
    copyFileSync(join(folder, 'index.html'), join(outdir, 'index.html'));
    const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs)
        .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
        .map(([path]) => path),
    );
    writeFileSync(join(outdir, 'licences.txt'), licencesOf(used).join(`\n${'-'.repeat(80)}\n\n`));
  }
}
