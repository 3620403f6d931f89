// What `npm start` and `npm test` need first: packages, and for tests the Debian programs that the tests run.
// Prints only what it does; does nothing when everything is there. Plain Node: it runs before any package is installed.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const forTests = process.argv.includes('--test');

const run = (command, args) => execFileSync(command, args, { stdio: 'inherit' });
const newer = (a, b) => !existsSync(b) || statSync(a).mtimeMs > statSync(b).mtimeMs;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`daqpipe needs Node >= 20.19; this is ${process.version}`);
  process.exit(2);
}

/** Debian package -> a test for its presence. */
const programs = {
  python3: () => onPath('python3'),
  'python3-numpy': () => works('python3', ['-c', 'import numpy']),
  'python3-zmq': () => works('python3', ['-c', 'import zmq']),
  mandoc: () => onPath('mandoc'),
  'redis-server': () => onPath('redis-server'),
  gcc: () => onPath('cc'),
  'g++': () => onPath('c++'),
  make: () => onPath('make'),
  // A Slurm of one node; its daemons may stand in folders that are root's only.
  munge: () => onPath('munged') || existsSync('/usr/sbin/munged'),
  slurmctld: () => onPath('slurmctld') || existsSync('/usr/sbin/slurmctld'),
  slurmd: () => onPath('slurmd') || existsSync('/usr/sbin/slurmd'),
  'slurm-client': () => onPath('sbatch'),
  iproute2: () => onPath('ip') || existsSync('/usr/sbin/ip'),
  // A browser without a window: 100 MB to fetch. Any relative of it will do.
  'chromium-headless-shell': () =>
    ['chromium-headless-shell', 'chromium', 'google-chrome', 'chrome'].some((name) => onPath(name)),
};

function onPath(program) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

function works(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Python modules may belong to the distribution's interpreter while PATH finds another one. */
function pythonHas(module) {
  return ['python3', '/usr/bin/python3'].some((python) => works(python, ['-c', `import ${module}`]));
}
programs['python3-numpy'] = () => pythonHas('numpy');
programs['python3-zmq'] = () => pythonHas('zmq');

const canInstall = process.getuid?.() === 0 && onPath('apt-get');

function installDebian(names) {
  const missing = names.filter((name) => !programs[name]());
  if (missing.length === 0) return;
  if (!canInstall) {
    console.error(
      `These programs are missing: ${missing.join(', ')}\nInstall them, for example: sudo apt-get install ${missing.join(' ')}`,
    );
    process.exit(2);
  }
  console.error(`Installing Debian packages: ${missing.join(' ')}`);
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  execFileSync('apt-get', ['update', '-qq'], options);
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
}

installDebian([
  'python3',
  'python3-numpy',
  'gcc',
  'g++',
  'make',
  ...(forTests ? ['python3-zmq', 'mandoc', 'redis-server'] : []),
]);

/** What only some tests need; they say that they are skipped where it cannot be had. */
const optional = {
  pages: ['chromium-headless-shell'],
  Slurm: ['munge', 'slurmctld', 'slurmd', 'slurm-client'],
  'several hosts': ['iproute2'],
};
for (const [what, names] of forTests && canInstall ? Object.entries(optional) : []) {
  try {
    installDebian(names);
  } catch {
    console.error(`Not installed: ${names.join(' ')}; tests of ${what} will be skipped`);
  }
}

if (newer('package-lock.json', 'node_modules/.package-lock.json') || !existsSync('node_modules/esbuild')) {
  console.error('Installing packages ...');
  // Not `npm ci`: it refuses a lock file without the binaries for other platforms, which not every registry has.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}
// The version of the manifest is read so that a broken package.json shows here and not later.
JSON.parse(readFileSync('package.json', 'utf8'));
run('npm', ['run', '--silent', 'build']);
