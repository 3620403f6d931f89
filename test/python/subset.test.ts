import t from 'tap';
import { runSubset } from '../../lib/python/subset/program.ts';
import type { PyValue } from '../../lib/python/subset/value.ts';

function run(text: string, names: readonly (readonly [string, PyValue])[] = []): ReadonlyMap<string, PyValue> {
  return runSubset(text, {
    file: 'x.cnf',
    code: 'test',
    names: new Map(names),
    importProblem: (statement) => (statement.startsWith('import os') ? undefined : `no ${statement}`),
  });
}

t.test('lists of dictionaries whose keys are names, conditions, loops, texts with values', async (t) => {
  const text = `
import os
if not platform: platform = '2'
lib = f'LD={ROOT}/lib:{{x}}'
config = [{id: 'a', cmd: 'teb -p %s' % platform, env: lib + ' B=c'}]
for i in range(2):
  config.append({id: 'b%d' % i, cmd: 'echo'})
`;
  const names = [
    ['platform', null],
    ['ROOT', '/r'],
    ['id', 'id'],
    ['cmd', 'cmd'],
    ['env', 'env'],
  ] as const;
  const [first, , third] = run(text, names).get('config') as Map<string, PyValue>[];
  t.same(
    [...(first ?? [])],
    [
      ['id', 'a'],
      ['cmd', 'teb -p 2'],
      ['env', 'LD=/r/lib:{x} B=c'],
    ],
  );
  t.equal(third?.get('id'), 'b1');
});

t.test('in and not in: keys, items, parts of texts', async (t) => {
  const names = run(`
a = 'x' in {'x': 1}
b = 3 not in [1, 2]
c = 'dec' in 'teb-decide' and 'y' not in {}
d = 1 if 2 in range(2) else 0
`);
  t.same(
    ['a', 'b', 'c', 'd'].map((name) => names.get(name)),
    [true, true, true, 0],
  );
  t.throws(() => run("x = 'a' in 3\n"), { message: /look for/ });
});

t.test('what is outside is an error with its place, and nothing is imported', async (t) => {
  const cases: [string, RegExp, number][] = [
    ['import sys\n', /no import sys/i, 1],
    ['x = 1\ndef f(): pass\n', /FunctionDefinition/, 2],
    ['x = open("y")\n', /open is not defined/, 1],
    ['x = 1\ny = [\n  {1: 2,\n', /not Python; perhaps a bracket is not closed/, 2],
    ['x = "a".__class__\n', /has no __class__/, 1],
  ];
  for (const [text, message, line] of cases) {
    t.throws(() => run(text), { code: 'test', message, place: { file: 'x.cnf', line } }, JSON.stringify(text));
  }
});
