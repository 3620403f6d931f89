import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { findCode } from '../../../lib/graph/code/file.ts';
import { load, loadGraph, node, outputs, Run } from './graphs.ts';

/** Code files are found inside the code folder only, and compared by their hash (spec graph.md 3.2). */

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'graph-code-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'code/sub'), { recursive: true });
  for (const place of ['outside.mjs', 'code/in.mjs', 'code/sub/deep.py', 'code/plain.txt'])
    writeFileSync(join(folder, place), '');
  symlinkSync(join(folder, 'outside.mjs'), join(folder, 'code/leads-out.mjs'));
  symlinkSync(folder, join(folder, 'code/up'));
  symlinkSync('in.mjs', join(folder, 'code/stays.mjs'));
  symlinkSync('code', join(folder, 'linked'));
  return folder;
}

const BAD = { code: 'bad-code' };
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

t.test('inside is found, outside is not', async (t) => {
  const folder = folderFor(t);
  const codeDir = join(folder, 'code');
  const find = (file: string, sha256?: string) => findCode({ file, name: 'x', sha256 }, codeDir);
  t.same(find('in.mjs'), { path: join(codeDir, 'in.mjs'), sha256: EMPTY, language: 'module' });
  t.equal(find('sub/deep.py', EMPTY).language, 'script');
  t.equal(find('stays.mjs').path, join(codeDir, 'in.mjs'), 'a link that stays inside');
  t.equal(
    findCode({ file: 'in.mjs', name: 'x', sha256: undefined }, join(folder, 'linked')).path,
    join(codeDir, 'in.mjs'),
  );
  for (const file of [
    '../outside.mjs',
    'sub/../../outside.mjs',
    join(folder, 'outside.mjs'),
    'leads-out.mjs',
    'up/outside.mjs',
  ])
    t.throws(() => find(file), BAD, file);
  for (const file of ['plain.txt', 'absent.py', 'sub', '']) t.throws(() => find(file), BAD, file);
  t.throws(() => find('in.mjs', '0'.repeat(64)), { code: 'code-mismatch' });
});

for (const [file, first, second] of [
  ['changes.mjs', 'export const f = () => 1;', 'export const f = () => 2;'],
  ['changes.py', 'def f(inputs, info):\n  return 1\n', 'def f(inputs, info):\n  return 2\n'],
] as const) {
  t.test(`${file}: a changed file is loaded anew, and is another node`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'graph-code-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const nodes = [node('Map', file, 'f'), { id: 'last', op: 'Latest', in: { value: 'code' } }];
    const fingerprints: string[] = [];
    for (const [content, wanted] of [
      [first, 1],
      [second, 2],
    ] as const) {
      writeFileSync(join(folder, file), content);
      const { graph } = await loadGraph(t, nodes, { folder });
      fingerprints.push(graph.nodes[0]!.fingerprint);
      const run = new Run(graph);
      run.events([0]);
      t.equal(outputs(run.heartbeat())['last.value'], wanted);
    }
    t.not(fingerprints[0], fingerprints[1]);
  });
}

t.test('a file that cannot be loaded is a problem of its node', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'graph-code-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'wrong.mjs'), 'export const f = ;');
  writeFileSync(join(folder, 'wrong.py'), 'def f(:\n');
  writeFileSync(join(folder, 'exits.py'), 'import os\nos._exit(0)\n');
  copyFileSync(fileURLToPath(new URL('reductions.py', import.meta.url)), join(folder, 'good.py'));
  const nodes = ['wrong.mjs', 'wrong.py', 'exits.py'].map((file, i) => ({ ...node('Map', file, 'f'), id: `n${i}` }));
  const { compiled } = await load(t, [...nodes, { ...node('Map', 'good.py', 'twice'), id: 'good' }], { folder });
  const problems = 'problems' in compiled ? compiled.problems : [];
  t.same(
    problems.map(({ error, node: id }) => [error, id]),
    [0, 1, 2].map((i) => ['bad-code', `n${i}`]),
  );
});
