/**
 * Compiles the addon (build/Release) and the TypeScript (dist), each only when something it is made of has changed.
 *   npm run build [-- --force]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerPrefix } from './headers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const force = process.argv.includes('--force');
const scripts = ['scripts/build.mjs', 'scripts/headers.mjs'];

function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function fingerprint(files, more) {
  const hash = createHash('sha256').update(JSON.stringify(more));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Runs `make` unless the stamp of the last time says that nothing changed. */
function step(name, product, inputs, more, make) {
  const stamp = join(root, 'build', `${name}.fingerprint`);
  const wanted = fingerprint([...inputs, ...scripts], more);
  const current = existsSync(join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (current && !force) return;
  const start = performance.now();
  rmSync(stamp, { force: true });
  make();
  mkdirSync(join(root, 'build'), { recursive: true });
  writeFileSync(stamp, wanted);
  console.error(`posix-ipc-shim: ${name} built in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function run(program, args, hint) {
  try {
    execFileSync(process.execPath, [program, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    console.error(`posix-ipc-shim: ${relative(root, program)} failed, see above. ${hint}`);
    process.exit(1);
  }
}

function packageFolder(name) {
  for (const folder of require.resolve.paths(name)) {
    if (existsSync(join(folder, name, 'package.json'))) return join(folder, name);
  }
  console.error(`posix-ipc-shim: ${name} is not installed; run npm install first.`);
  process.exit(1);
}

const version = (name) => JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')).version;

function compileAddon() {
  const prefix = headerPrefix();
  const args = ['rebuild', '-j', 'max', ...(prefix === undefined ? [] : [`--nodedir=${prefix}`])];
  run(join(packageFolder('node-gyp'), 'bin', 'node-gyp.js'), args, 'It needs a C++17 compiler, make and Python 3.');
}

/** One CommonJS bundle, which loads fastest, and an ES module that hands out the same objects: there is one instance of each class. */
function compileTypeScript() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'));
  require('esbuild').buildSync({
    absWorkingDir: root,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/index.cjs',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: true,
    external: ['node-gyp-build'],
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  run(join(packageFolder('typescript'), 'bin', 'tsc'), ['-p', 'tsconfig.json'], 'The sources do not type-check.');
  writeFileSync(join(root, 'dist', 'index.d.cts'), "export * from './index.js';\n");
  writeFileSync(join(root, 'dist', 'index.js'), "export * from './index.cjs';\n");
}

const gypInputs = ['binding.gyp', ...filesIn('native')];
const gypVersions = [process.platform, process.arch, version('node-addon-api')];
step('addon', 'build/Release/posix_ipc_shim.node', gypInputs, gypVersions, compileAddon);

const sources = ['package.json', 'tsconfig.json', ...filesIn('src')];
step('dist', 'dist/index.js', sources, [version('esbuild'), version('typescript')], compileTypeScript);
