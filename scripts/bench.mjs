// `npm run bench`: lists the benchmarks; `npm run bench NAME...` runs some, `npm run bench all` runs every one.
// With `-- --page` what they print goes into docs/performance.md as well; sections of benchmarks that were not run stay as they are.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = 'docs/performance.md';
const HEAD = `# Performance

Written by \`npm run bench -- --page NAME...\`: what the benchmarks printed, with the machine and its load in that hour. Ratios travel, absolute
figures do not; every goal stands beside its result, met or not.
`;

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const files = ['bench', 'posix-ipc-shim/bench'].filter(existsSync).flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'harness.ts')
    .map((file) => join(folder, file)),
);
const nameOf = (file) => file.split('/').at(-1).replace(/\.ts$/, '');
const wanted = process.argv.slice(2).filter((word) => word !== '--page');
const page = process.argv.includes('--page');
if (wanted.length === 0) {
  console.log(`benchmarks: ${files.map(nameOf).join(' ')}\nrun some with: npm run bench NAME...`);
  process.exit(0);
}
const unknown = wanted.filter((name) => name !== 'all' && !files.some((file) => nameOf(file) === name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(' ')}`);
  process.exit(2);
}

/** Sections of the page by name. */
function sections() {
  if (!existsSync(PAGE)) return new Map();
  const parts = readFileSync(PAGE, 'utf8').split(/^## /m).slice(1);
  return new Map(parts.map((part) => [part.split('\n')[0], part]));
}

function machine() {
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(' ');
  const { length } = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${length} x ${cpus()[0]?.model.trim()}, ${memory} GiB, load ${load}`;
}

for (const file of files.filter((file) => wanted.includes('all') || wanted.includes(nameOf(file)))) {
  const stdio = page ? ['inherit', 'pipe', 'inherit'] : 'inherit';
  const before = machine();
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', file], { stdio, encoding: 'utf8' });
  if (status !== 0) process.exitCode = 1;
  if (!page) continue;
  process.stdout.write(stdout);
  const all = sections();
  const words = stdout.trimEnd().replace(/^/gm, '    ');
  const missed = status === 0 ? '' : '\nA goal was missed, or a run failed.\n';
  all.set(nameOf(file), `${nameOf(file)}\n\n${before}\n\n${words}\n${missed}\n`);
  const sorted = [...all.keys()].sort().map((name) => `## ${all.get(name).trimEnd()}\n`);
  writeFileSync(PAGE, [HEAD, ...sorted].join('\n'));
}
