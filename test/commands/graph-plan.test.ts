/** graph-plan as a process: what runs where, and what is no graph. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { PROJECT, run } from '../executable.ts';

const ENERGY = join(PROJECT, 'examples', 'graph', 'energy.yaml');

t.test('every node has its place', async (t) => {
  const { stdout, stderr, status } = await run('graph-plan', [ENERGY]);
  t.equal(status, 0, stderr);
  const lines = String(stdout).trimEnd().split('\n');
  t.match(lines[0], /states sent: mean, spectrum, last, shape$/, 'a node of workers alone sends no state');
  t.match(
    lines.slice(1).map((line) => line.trim().split(/\s+/).slice(0, 2)),
    [
      ['mean', 'split'],
      ['spectrum', 'split'],
      ['last', 'split'],
      ['strong', 'worker'],
      ['shape', 'split'],
    ],
  );
});

t.test('what is no graph: status 2, and a sentence that names it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daqpipe-plan-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const empty = join(folder, 'empty.yaml');
  writeFileSync(empty, '');
  for (const [file, why] of [
    [empty, /empty\.yaml: a graph is a mapping/],
    [folder, /is a directory/],
    [join(folder, 'none.yaml'), /none\.yaml: no such file/],
  ] as const) {
    const { stderr, status } = await run('graph-plan', [file]);
    t.equal(status, 2);
    t.match(stderr, why);
  }
});
