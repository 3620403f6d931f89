/** Builder, decisions and joiners of all receivers together. */

import t from 'tap';
import { playChain } from './random-chain.ts';

t.test('300 random partitions: one decision per event for every receiver that has it (I1 to I4)', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const difference = playChain(seed);
    if (difference !== undefined) t.fail(`seed ${seed}: ${difference}`);
  }
});
