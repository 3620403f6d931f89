// `npm test`: linter, types, then every test file in parallel; what failed once more, alone. The last line counts: "123 passed, 0 failed".

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
/** More than a few are no accidents. */
const MOST_REPEATED = 3;

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

/**
 * Runs test files, all if none is named, and prints what became of each.
 * @returns by file: how many tests passed, failed and were skipped
 */
async function run(names, more = []) {
  const tallies = new Map();
  const tap = spawn(bin('tap'), ['--reporter=tap', ...more, ...names], { stdio: ['ignore', 'pipe', 'inherit'] });
  const parser = new Parser();
  // A file that cannot even be loaded reports nothing at all, and only its process tells.
  parser.on('assert', (result) => {
    const name = result.name.replace(/ # time=.*/, '');
    if (result.ok || tallies.get(name)?.failed > 0) return;
    tallies.set(name, { passed: 0, skipped: 0, ...tallies.get(name), failed: 1 });
    console.log(
      `FAIL ${name}: ended with ${JSON.stringify(result.diag?.exitCode ?? result.diag?.signal ?? 'a failure')}`,
    );
  });
  parser.on('child', (file) => {
    const tally = { passed: 0, failed: 0, skipped: 0 };
    tallies.set(file.name, tally);
    const problems = [];
    collect(file, [], problems);
    // A named test is one.
    file.on('child', (test) => test.on('complete', ({ ok }) => tally[ok ? 'passed' : 'failed']++));
    // Plain assertions outside any t.test count one by one; skipped ones are told apart with their reason.
    file.on('assert', (result) => {
      if (result.name.includes(' # time=') || result.time !== undefined) return;
      if (result.skip) console.log(`skip ${result.name}: ${result.skip === true ? '' : result.skip}`);
      tally[result.skip ? 'skipped' : result.ok ? 'passed' : 'failed']++;
    });
    file.on('complete', (results) => {
      console.log(`${results.ok ? 'ok  ' : 'FAIL'} ${file.name} (${((results.time ?? 0) / 1000).toFixed(1)} s)`);
      for (const problem of problems) console.log(problem);
      if (results.ok) return;
      tally.failed ||= 1;
      if (problems.length === 0) console.log(`     ${results.bailout || 'ended without a complete report'}`);
    });
  });
  tap.stdout.pipe(parser);
  const exit = await new Promise((resolve) => tap.on('close', resolve));
  if (exit !== 0 && ![...tallies.values()].some(({ failed }) => failed > 0))
    tallies.set('tap', { passed: 0, failed: 1, skipped: 0 });
  return tallies;
}

function collect(node, path, problems) {
  node.on('child', (child) => collect(child, [...path, child.name], problems));
  node.on('assert', (result) => {
    if (result.ok || result.skip || result.todo) return;
    const at = result.diag ? `\n${JSON.stringify(result.diag, null, 2).replace(/^/gm, '       ')}` : '';
    problems.push(`     not ok ${[...path.slice(1), result.name].join(' > ')}${at}`);
  });
}

const tallies = await run(files);
const failing = [...tallies].filter(([name, tally]) => tally.failed > 0 && existsSync(name)).map(([name]) => name);
// Processes and clocks on a busy machine: whoever fails for that reason passes alone, and is named all the same.
const unsteady = [];
if (files.length === 0 && failing.length > 0 && failing.length <= MOST_REPEATED) {
  console.log(`once more, alone: ${failing.join(', ')}`);
  for (const [name, tally] of await run(failing, ['--jobs=1'])) {
    if (tally.failed === 0) unsteady.push(name);
    tallies.set(name, tally);
  }
}
for (const tally of tallies.values()) {
  passed += tally.passed;
  failed += tally.failed;
  skipped += tally.skipped;
}
for (const name of unsteady) console.log(`UNSTEADY ${name}: failed among the others, passed alone`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
