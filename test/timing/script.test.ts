import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { evaluateLiteral } from '../../lib/python/subset/literal.ts';
import { SC } from '../../lib/timing/machine.ts';
import { evaluateScript } from '../../lib/timing/script/evaluate.ts';
import { runInPython } from '../../lib/timing/script/python-process.ts';
import { expandMacros, type ScriptInstruction } from '../../lib/timing/sequence/macro.ts';
import { filesBelow, needsShared, SHARED } from '../golden.ts';

const run = (text: string) => evaluateScript(text, 'x.py', SC);
const python = spawnSync('python3', ['--version']).status === 0 ? {} : { skip: 'python3 is not installed' };

t.test('the subset computes what Python computes (timing 9.2)', async (t) => {
  const value = (expression: string) => run(`instrset = []\ntitle = '%d' % (${expression})\n`).title;
  const cases: [string, number][] = [
    ['7 // 2 - -7 // 2', 7],
    ['-7 % 3', 2],
    ['(1 << 5 | 3) & ~1', 34],
    ['2 + 3 * 4 - 6 / 3', 12],
    ['len([1, [2, 3]][1]) + len({1: 2}) + len("abc")', 6],
    ['{0: 28, "a": 35}["a"]', 35],
    ['[1, 2, 3][-1]', 3],
    ['5 if 1 == 1 and not 2 < 1 else 6', 5],
    ['0x1f', 31],
  ];
  for (const [expression, expected] of cases) t.equal(value(expression), String(expected), expression);
});

t.test('statements: loops, conditions, augmented assignment, items', async (t) => {
  const { instructions } = run(`
from psdaq.seq.seq import *
table = {0: 28}
bits = [0, 0]
instrset = []
for i in range(3):
    if i == 0:
        bits[0] = 1
    elif i == 1:
        bits[0] |= 4
    else:
        bits[-1] = 2
    instrset.append(ControlRequest(bits[0] + bits[1]))  # a comment
    instrset.append(FixedRateSync(occ=table[0], marker="910kH"))
`);
  t.same(
    instructions.map((i) => (i.kind === 'request' ? i.word : i.kind === 'sync' && i.occurrences)),
    [1, 28, 5, 28, 7, 28],
  );
});

t.test('anything else is an error with its line, never a guess', async (t) => {
  const cases: [string, RegExp, number][] = [
    ['instrset = []\nwhile True:\n    pass\n', /WhileStatement/, 2],
    ['instrset = [i for i in range(3)]\n', /ArrayComprehension/, 1],
    ['import os\n', /psdaq\.seq/, 1],
    ['x = 1\ny = f"{x:3}"\n', /Formats within texts/, 2],
    ['x = open("f")\n', /name open is not defined/, 1],
    ['x = [1, 2][5]\n', /index 5/i, 1],
    ['a, b = 1, 2\n', /several values/, 1],
    ['x = 1 < 2 < 3\n', /chained/i, 1],
    ['x = 1 +\n', /Python/, 1],
    ['instrset = []\ninstrset.append(FixedRateSync("3H", 1))\n', /"3H" is no marker/, 2],
    ['instrset = []\ninstrset.append(FixedRateSync("1H", 5000))\n', /outside 0\.\.4095/, 2],
    ['instrset = []\ninstrset.append(Wait("1H", 5.5))\n', /must be an int/, 2],
    ['def f():\n    pass\n', /FunctionDefinition/, 1],
    ['x = [1,2][0:1]\n', /slice/i, 1],
  ];
  for (const [text, message, line] of cases) {
    t.throws(() => run(text), { code: 'timing-script', message, place: { file: 'x.py', line } }, JSON.stringify(text));
  }
  t.throws(() => run('x = 1\n'), { message: /instrset/ });
  t.throws(() => run('instrset = [1]\n'), { message: /Entry 0/ });
});

t.test('marker numbers in scripts are noted (timing 14.4 numeric-marker)', async (t) => {
  t.same(
    run('instrset = [FixedRateSync(6, 1)]\n').warnings.map((w) => w.code),
    ['numeric-marker'],
  );
  t.same(run('instrset = [Wait(None, 1)]\n').instructions, [{ kind: 'wait', marker: 6, occurrences: 1 }]);
});

t.test('macros expand around counters in use, and lines move (timing 9.1)', async (t) => {
  const wait: ScriptInstruction = { kind: 'wait', marker: 6, occurrences: 4095 * 3 + 7 };
  t.same(expandMacros([wait, { kind: 'goto', line: 0, condition: null }]), [
    { kind: 'sync', marker: 6, occurrences: 4095 },
    { kind: 'upper', line: 0 },
    { kind: 'jump', line: 0, condition: { counter: 0, value: 2 } },
    { kind: 'sync', marker: 6, occurrences: 7 },
    { kind: 'upper', line: 0 },
    { kind: 'jump', line: 0, condition: null },
  ]);
  const loop: ScriptInstruction = { kind: 'jump', line: 0, condition: { counter: 0, value: 3 } };
  const [, , jump] = expandMacros([wait, loop]);
  t.match(jump, { condition: { counter: 1 } }, 'a counter of a plain loop around it is not free');
  t.equal(expandMacros([{ ...wait, occurrences: 4095 * 2 }]).length, 2, 'two syncs need no loop');
});

t.test('printed Python objects', async (t) => {
  t.same(
    evaluateLiteral("{'a': [1, -2, True, None], 'b': {}}", 'f', 'timing-script'),
    new Map<string, unknown>([
      ['a', [1, -2, true, null]],
      ['b', new Map()],
    ]),
  );
  t.throws(() => evaluateLiteral("{'a': open('x')}", 'f', 'timing-script'), { code: 'timing-script' });
});

t.test(
  'python3 and the built-in reader give the same instructions',
  { ...needsShared('data', 'timing', 'scripts'), ...python },
  async (t) => {
    const root = join(SHARED, 'data', 'timing', 'scripts');
    for (const file of filesBelow(root, '.py').filter((name) => /hand|laser|train_/.test(name))) {
      const text = readFileSync(join(root, file), 'utf8');
      t.same((await runInPython(text, file, SC)).instructions, evaluateScript(text, file, SC).instructions, file);
    }
    await t.rejects(runInPython('instrset = [1]\n', 'x.py', SC), { code: 'timing-script', message: /Entry 0/ });
    await t.rejects(runInPython('raise ValueError("no")\n', 'x.py', SC), {
      code: 'timing-script',
      message: /ValueError: no/,
    });
  },
);
