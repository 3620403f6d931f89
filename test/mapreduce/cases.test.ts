import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { simulateCase } from '../../lib/mapreduce/simulate.ts';
import { needsShared, SHARED } from '../golden.ts';

/** Assignment cases of shared data (spec mapreduce.md 3 and 4). */
const FOLDER = join(SHARED, 'data/mapreduce/maps');

/** Lines of one operation may come in any order among themselves. */
function sorted(lines: readonly object[]): string[] {
  const keyed = lines.map((line) => {
    const { op = Number.POSITIVE_INFINITY } = line as { op?: number };
    return { op, kind: Object.keys(line).filter((key) => key !== 'op')[0] ?? '', line };
  });
  keyed.sort((a, b) => a.op - b.op || a.kind.localeCompare(b.kind));
  return keyed.map(({ line }) => JSON.stringify(line));
}

t.test('every case gives its lines', needsShared('data', 'mapreduce', 'maps'), async (t) => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.case.json'))) {
    const { lines } = simulateCase(readFileSync(join(FOLDER, name)), name);
    const wanted = readFileSync(join(FOLDER, name.replace('.case.json', '.expect.jsonl')), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as object);
    t.same(sorted(lines), sorted(wanted), name);
  }
});
