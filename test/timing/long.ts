/** `npm run long:timing [COUNT [FROM]]`: random partitions, brute force against the library. */

import { compareOne } from './compare-brute-force.ts';

const count = Number(process.argv[2] ?? 100_000);
const from = Number(process.argv[3] ?? 1);
const tally: Record<string, number> = {};
let comparisons = 0;
for (let seed = from; seed < from + count; seed++) {
  const outcome = await compareOne(seed);
  if (outcome.difference !== null) {
    console.log(`seed ${seed}: ${outcome.difference}`);
    process.exit(1);
  }
  tally[outcome.verdict] = (tally[outcome.verdict] ?? 0) + 1;
  comparisons += outcome.comparisons;
  if ((seed - from + 1) % 10_000 === 0 || seed === from + count - 1)
    console.log(`${seed - from + 1} partitions: ${JSON.stringify(tally)}, ${comparisons} closed-form comparisons`);
}
console.log(`${count} random partitions: brute force, library and closed forms agree`);
