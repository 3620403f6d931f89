// `npm run bench`: lists the benchmarks; `npm run bench NAME...` runs some, `npm run bench all` runs every one.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const files = ['bench', 'posix-ipc-shim/bench'].filter(existsSync).flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'harness.ts')
    .map((file) => join(folder, file)),
);
const nameOf = (file) => file.split('/').at(-1).replace(/\.ts$/, '');
const wanted = process.argv.slice(2);
if (wanted.length === 0) {
  console.log(`benchmarks: ${files.map(nameOf).join(' ')}\nrun some with: npm run bench NAME...`);
  process.exit(0);
}
const unknown = wanted.filter((name) => name !== 'all' && !files.some((file) => nameOf(file) === name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(' ')}`);
  process.exit(2);
}
for (const file of files.filter((file) => wanted.includes('all') || wanted.includes(nameOf(file)))) {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
