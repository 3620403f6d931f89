/**
 * Compiles the addon (build/Release) and the TypeScript (dist), each only when something it is made of has changed.
 *   npm run build [-- --force]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const force = process.argv.includes('--force');

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

/** Runs `make` unless the stamp beside its product says that nothing changed. */
function step(name, product, inputs, more, make) {
  const stamp = join(root, dirname(product), '.fingerprint');
  const wanted = fingerprint(inputs, more);
  const current = existsSync(join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (current && !force) return;
  const start = performance.now();
  rmSync(stamp, { force: true });
  make();
  writeFileSync(stamp, wanted);
  console.error(`posix-ipc-shim: ${name} built in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function run(program, args) {
  try {
    execFileSync(process.execPath, [program, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    console.error(
      `posix-ipc-shim: ${relative(root, program)} failed, see above. The addon needs a C++ compiler, make and Python 3.`,
    );
    process.exit(1);
  }
}

/** Headers that came with this Node, so that nothing has to be fetched. */
function headerFolder() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function packageFolder(name) {
  for (const folder of require.resolve.paths(name)) {
    if (existsSync(join(folder, name, 'package.json'))) return join(folder, name);
  }
  console.error(`posix-ipc-shim: ${name} is not installed; run npm install first.`);
  process.exit(1);
}

const version = (name) => JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')).version;

step(
  'addon',
  'build/Release/posix_ipc_shim.node',
  ['binding.gyp', ...filesIn('native')],
  [process.platform, process.arch, version('node-addon-api')],
  () => run(join(packageFolder('node-gyp'), 'bin', 'node-gyp.js'), ['rebuild', '-j', 'max', ...headerFolder()]),
);

step(
  'types and bundle',
  'dist/index.js',
  ['package.json', 'tsconfig.json', ...filesIn('src')],
  [version('esbuild')],
  () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    mkdirSync(join(root, 'dist'));
    const { buildSync } = require('esbuild');
    buildSync({
      absWorkingDir: root,
      entryPoints: ['src/index.ts'],
      outfile: 'dist/index.js',
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: true,
      external: ['node-gyp-build'],
      logLevel: 'warning',
    });
    run(join(packageFolder('typescript'), 'bin', 'tsc'), ['-p', 'tsconfig.json']);
  },
);
