/**
 * The tests of python/daqpipe (python/tests, unittest): all of them with the first interpreter and as on a machine without numpy, those
 * about reading, encoding, batches and examples, which depend on its version and numpy's, with every other one that is found.
 * They drive worker processes through the message protocol over pipes and System V objects.
 */

import { execFile, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { describeInterpreter, findInterpreter, type Interpreter } from '../../lib/python/interpreter.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const tests = join(root, 'python', 'tests');
/** Compiled once for all the worker processes, and nothing is left in the source folders. */
const bytecode = t.testdir({});

interface Finished {
  status: number | null;
  words: string;
}

function runTests(command: string, path: string, pattern: string): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(
      command,
      ['-W', 'error::ResourceWarning', '-m', 'unittest', 'discover', '-v', '-s', tests, '-p', pattern],
      {
        env: { ...process.env, PYTHONPATH: path, PYTHONPYCACHEPREFIX: bytecode, PYTHONDONTWRITEBYTECODE: '' },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.on('close', (status) => resolve({ status, words }));
  });
}

/** One by each executable: a shim, or a link, that starts the same one is not a second. */
async function interpreters(): Promise<Interpreter[]> {
  const found = new Map<string, Interpreter>();
  for (const command of ['python3', '/usr/bin/python3']) {
    const interpreter = await findInterpreter(command).catch(() => undefined);
    if (interpreter === undefined) continue;
    const { stdout } = await run(command, ['-c', 'import os, sys; print(os.path.realpath(sys.executable))']);
    if (!found.has(stdout)) found.set(stdout, interpreter);
  }
  return [...found.values()];
}

// Hundreds of short processes: slow where the machine is busy with other tests.
t.setTimeout(600_000);

const EVERYTHING = { pattern: 'test_*.py', least: 85 };
const WHAT_DIFFERS = { pattern: 'test_[!lw]*.py', least: 45 };

const all = await interpreters();
t.ok(all.length > 0, 'there is a Python');
const setups = all.map((interpreter, i) => ({
  name: describeInterpreter(interpreter),
  command: interpreter.command,
  path: '',
  ...(i === 0 ? EVERYTHING : WHAT_DIFFERS),
}));
const [first] = all;
if (first?.numpy !== undefined) {
  setups.push({
    name: `Python ${first.version} (${first.command}), numpy hidden`,
    command: first.command,
    path: join(tests, 'without_numpy'),
    ...EVERYTHING,
  });
}
for (const { name, command, path, pattern, least } of setups) {
  t.test(name, { timeout: 300_000 }, async (t) => {
    const search = [path, process.env.PYTHONPATH ?? ''].filter(Boolean).join(delimiter);
    const { status, words } = await runTests(command, search, pattern);
    for (const line of words.split('\n').filter((line) => line.includes('... skipped'))) t.comment(line);
    const ran = Number(/^Ran (\d+) tests? in/m.exec(words)?.[1] ?? 0);
    t.ok(ran >= least, `${ran} tests ran`);
    if (!t.equal(status, 0, 'all of them passed')) t.comment(words.slice(-8000));
  });
}
