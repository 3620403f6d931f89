import t from 'tap';
import { compareOne, firstDifference } from './compare-brute-force.ts';

const SEEDS = 800;

t.test(
  `${SEEDS} random partitions: the library finds what brute force over every tick and state finds (timing 13)`,
  async (t) => {
    const verdicts = new Map<string, number>();
    let comparisons = 0;
    const differences: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await compareOne(seed);
      verdicts.set(outcome.verdict, (verdicts.get(outcome.verdict) ?? 0) + 1);
      comparisons += outcome.comparisons;
      if (outcome.difference !== null) differences.push(`seed ${seed}: ${outcome.difference}`);
    }
    t.same(differences, []);
    for (const verdict of ['OK', 'VIOLATION', 'UNPROVED', 'ERROR']) {
      t.ok((verdicts.get(verdict) ?? 0) > SEEDS / 20, `enough partitions end in ${verdict}`);
    }
    t.ok(comparisons > SEEDS, 'the closed forms had something to compare');
  },
);

t.test('seeds that once went wrong', async (t) => {
  // 3811: a gate that repeats over patterns that do not. 17322: more accepted pulses of an automatic common group than any limit.
  for (const seed of [3811, 17322]) t.equal((await compareOne(seed)).difference, null, `seed ${seed}`);
});

t.test('the comparison itself sees differences', async (t) => {
  t.equal(firstDifference({ a: [1, 2] }, { a: [1, 2] }, ''), null);
  t.match(firstDifference({ a: [1, 3] }, { a: [1, 2] }, ''), /\.a\.1/);
  t.match(firstDifference({ groups: { 1: {}, 2: {} } }, { groups: { 1: {} } }, ''), /groups\.2/);
});
