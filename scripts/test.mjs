// `npm test`: linter, types, then every test file in parallel. The last line counts: "123 passed, 0 failed".

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from 'tap-parser';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const bin = (name) => join('node_modules', '.bin', name);
const files = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;

function step(name, command, args) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const ok = status === 0;
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (!ok) console.log(`${stdout}${stderr}`);
}

if (files.length === 0) {
  step('lint and import directions (biome)', bin('biome'), ['ci', '--colors=off', '--error-on-warnings', '.']);
  step('types (tsc)', bin('tsc'), ['--noEmit']);
  step('types of the pages (tsc)', bin('tsc'), ['--noEmit', '-p', 'lib/live/pages']);
}
// tap keeps its plugin set in a generated folder; made here, because making it during a run confuses that run.
if (!existsSync('.tap/plugins')) spawnSync(bin('tap'), ['build'], { stdio: 'ignore' });

const tap = spawn(bin('tap'), ['--reporter=tap', ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
const parser = new Parser();
const failedFiles = new Set();
// A file that cannot even be loaded reports nothing at all, and only its process tells.
parser.on('assert', (result) => {
  if (result.ok || failedFiles.has(result.name)) return;
  failed++;
  console.log(
    `FAIL ${result.name}: ended with ${JSON.stringify(result.diag?.exitCode ?? result.diag?.signal ?? 'a failure')}`,
  );
});
parser.on('child', (file) => {
  const problems = [];
  collect(file, [], problems);
  file.on('child', (test) => test.on('complete', (results) => countTest(results)));
  // Plain assertions outside any t.test count one by one.
  file.on('assert', (result) => !result.name.includes(' # time=') && result.time === undefined && count(result));
  file.on('complete', (results) => {
    const ok = results.ok;
    if (!ok) failedFiles.add(file.name);
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${file.name} (${((results.time ?? 0) / 1000).toFixed(1)} s)`);
    for (const problem of problems) console.log(problem);
    if (!ok && problems.length === 0) {
      failed++;
      console.log(`     ${results.bailout || 'ended without a complete report'}`);
    }
  });
});

/** A named test is one; skipped ones are told apart with their reason. */
function countTest(results) {
  if (results.ok) passed++;
  else failed++;
}

function count(result) {
  if (result.skip) {
    skipped++;
    console.log(`skip ${result.name}: ${result.skip === true ? '' : result.skip}`);
  } else if (result.ok) passed++;
  else failed++;
}

function collect(node, path, problems) {
  node.on('child', (child) => collect(child, [...path, child.name], problems));
  node.on('assert', (result) => {
    if (result.ok || result.skip || result.todo) return;
    const at = result.diag ? `\n${JSON.stringify(result.diag, null, 2).replace(/^/gm, '       ')}` : '';
    problems.push(`     not ok ${[...path.slice(1), result.name].join(' > ')}${at}`);
  });
}

tap.stdout.pipe(parser);
const exit = await new Promise((resolve) => tap.on('close', resolve));
if (exit !== 0 && failed === 0) failed++;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
