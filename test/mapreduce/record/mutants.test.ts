import t from 'tap';
import { needsShared } from '../../golden.ts';
import { Random } from '../../random.ts';
import { mutate, readMutant } from './mutants.ts';
import { recordings } from './samples.ts';

const MUTANTS = 20_000;

t.test('mutants of recordings are read, named as bad, or cut', needsShared('data', 'mapreduce', 'dump'), async (t) => {
  const samples = recordings();
  const seen = { whole: 0, bad: 0, cut: 0 };
  for (let seed = 1; seed <= MUTANTS; seed++) {
    const random = new Random(seed);
    seen[readMutant(mutate(samples[random.below(samples.length)]!, random))]++;
  }
  t.ok(
    Object.values(seen).every((count) => count > 500),
    JSON.stringify(seen),
  );
});
