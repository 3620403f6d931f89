/**
 * The tests of python/daqpipe (python/tests, unittest) with every interpreter that is found, and once as on a machine without numpy.
 * They drive worker processes through the message protocol over pipes and System V objects.
 */

import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { describeInterpreter, findInterpreter, type Interpreter } from '../../lib/python/interpreter.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tests = join(root, 'python', 'tests');

interface Finished {
  status: number | null;
  words: string;
}

function runTests(command: string, path: string): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, ['-W', 'error::ResourceWarning', '-m', 'unittest', 'discover', '-v', '-s', tests], {
      env: { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.on('close', (status) => resolve({ status, words }));
  });
}

/** One interpreter by each real path; a shim that starts the same one is not a second. */
async function interpreters(): Promise<Interpreter[]> {
  const found = new Map<string, Interpreter>();
  for (const command of ['python3', '/usr/bin/python3']) {
    const interpreter = await findInterpreter(command).catch(() => undefined);
    if (interpreter === undefined) continue;
    const key = command.startsWith('/') ? realpathSync(command) : command;
    if (!found.has(key)) found.set(key, interpreter);
  }
  return [...found.values()];
}

const all = await interpreters();
t.ok(all.length > 0, 'there is a Python');
const setups = all.map((interpreter) => ({
  name: describeInterpreter(interpreter),
  command: interpreter.command,
  path: '',
}));
const [first] = all;
if (first?.numpy !== undefined) {
  setups.push({
    name: `Python ${first.version} (${first.command}), numpy hidden`,
    command: first.command,
    path: join(tests, 'without_numpy'),
  });
}
for (const { name, command, path } of setups) {
  t.test(name, { timeout: 300_000 }, async (t) => {
    const { status, words } = await runTests(
      command,
      [path, process.env.PYTHONPATH ?? ''].filter(Boolean).join(delimiter),
    );
    for (const line of words.split('\n').filter((line) => line.includes('... skipped'))) t.comment(line);
    const ran = /^Ran (\d+) tests? in/m.exec(words);
    t.ok(Number(ran?.[1] ?? 0) >= 70, `${ran?.[1] ?? 0} tests ran`);
    if (!t.equal(status, 0, 'all of them passed')) t.comment(words.slice(-8000));
  });
}
