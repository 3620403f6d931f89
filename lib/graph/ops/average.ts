import type { Kernel } from '../types.ts';
import { isArray, type NumericArray, type Value } from '../value.ts';
import { isSumMemory, sumMemory } from './simd/sums.ts';
import { copyOf, divided, firstOf, plus, type Sum } from './sum.ts';

interface Average {
  count: number;
  sum: Sum;
  /** Workers: memory for the sum of the next heartbeat. */
  spare?: NumericArray;
}

/** Average0D, 1D and 2D over everything since the last reset: ports `mean`, `count`. */
export function average(): Kernel<Average> {
  return {
    ports: ['mean', 'count'],
    zero: () => ({ count: 0, sum: undefined }),
    add(state, inputs) {
      const value = inputs[0] as Value;
      state.sum = state.sum === undefined ? firstOf(value, state.spare) : plus(state.sum, value);
      state.count++;
      return true;
    },
    take(state) {
      const { count, sum } = state;
      state.count = 0;
      state.sum = undefined;
      if (!isArray(sum) || !isSumMemory(sum.data)) return { count, sum };
      const fresh = sumMemory(sum.data.length);
      state.spare = fresh ?? sum.data;
      return { count, sum: fresh ? sum : (copyOf(sum) as Sum) };
    },
    merge(state, part) {
      if (part.sum === undefined) return;
      state.sum = state.sum === undefined ? part.sum : plus(state.sum, part.sum);
      state.count += part.count;
    },
    output: ({ count, sum }) => [divided(sum, count), count],
  };
}
