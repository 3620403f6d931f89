// Builds dist/: one CommonJS bundle per command (start-up time is why), the launcher, the list of commands.
// Nothing is done when no source is newer than the last build.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeCompletion } from './completion.mjs';
import { writeManPages } from './man.mjs';
import { buildPages } from './pages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const stamp = 'dist/.built';
const commands = readdirSync('commands')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    stat.mtimeMs,
    ...readdirSync(path)
      .filter((n) => n !== 'node_modules')
      .map((name) => newest(join(path, name))),
  );
}

const sources = ['lib', 'commands', 'bin', 'scripts', 'man', 'package.json', 'node_modules/.package-lock.json'];
if (
  !process.argv.includes('--force') &&
  existsSync(stamp) &&
  statSync(stamp).mtimeMs > Math.max(...sources.map(newest))
)
  process.exit(0);

// Built beside and put in place in one step: whoever runs a command meanwhile finds the old one, and a broken build changes nothing.
const next = `dist.next-${process.pid}`;
process.on('exit', () => rmSync(next, { recursive: true, force: true }));
mkdirSync(`${next}/commands`, { recursive: true });

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  jsx: 'automatic',
  external: ['posix-ipc-shim', 'zeromq', 'prom-client', 'ink', 'react', '*.mjs'],
};
// Bundles are CommonJS (the ESM loader costs start-up time), so import.meta.url is given by hand.
const cjs = {
  ...common,
  format: 'cjs',
  define: { 'import.meta.url': '__moduleUrl' },
  banner: { js: 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;' },
};
await build({ ...cjs, entryPoints: ['lib/cli/launcher.ts'], outfile: `${next}/launch.cjs`, banner: {}, define: {} });
await build({
  ...cjs,
  entryPoints: commands.map((name) => `commands/${name}.ts`),
  outdir: `${next}/commands`,
  outExtension: { '.js': '.cjs' },
});
// Full-screen views are ES modules (ink is), loaded only when a person asks for one.
const screens = existsSync('lib')
  ? readdirSync('lib').flatMap((folder) => {
      const dir = join('lib', folder, 'screens');
      return existsSync(dir)
        ? readdirSync(dir)
            .filter((f) => f.endsWith('.tsx'))
            .map((f) => join(dir, f))
        : [];
    })
  : [];
if (screens.length > 0) {
  await build({
    ...common,
    format: 'esm',
    entryPoints: screens,
    outdir: `${next}/screens`,
    outbase: 'lib',
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
  });
  // See lib/cli/load-screen.ts.
  writeFileSync(`${next}/screens/load.cjs`, "exports.load = (name) => import('./' + name + '.mjs');\n");
}

// See lib/cli/import-module.ts.
writeFileSync(`${next}/import.cjs`, 'exports.load = (url) => import(url);\n');

await buildPages(next);

await build({
  ...cjs,
  entryPoints: ['scripts/describe-commands.ts'],
  outfile: `${next}/describe-commands.cjs`,
  minify: false,
});
execFileSync(process.execPath, [`${next}/describe-commands.cjs`, ...commands], { stdio: 'inherit' });
writeManPages(next);
writeCompletion(next);
writeFileSync(join(next, '.built'), '');
const last = `dist.last-${process.pid}`;
if (existsSync('dist')) renameSync('dist', last);
renameSync(next, 'dist');
rmSync(last, { recursive: true, force: true });
// One run each, so that the first person does not wait for compilation.
for (const name of commands) execFileSync(process.execPath, [`bin/${name}`, '--help'], { stdio: 'ignore' });
