import type { Kernel } from '../types.ts';
import { isArray, type NumericArray, type Value } from '../value.ts';
import { copyOf, divided, firstOf, plus, type Sum } from './sum.ts';

interface Average {
  count: number;
  sum: Sum;
  /** Workers: memory of the sum of the last heartbeat. */
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
      if (isArray(sum)) state.spare = sum.data;
      state.count = 0;
      state.sum = undefined;
      return { count, sum: copyOf(sum) as Sum };
    },
    merge(state, part) {
      if (part.sum === undefined) return;
      state.sum = state.sum === undefined ? part.sum : plus(state.sum, part.sum);
      state.count += part.count;
    },
    output: ({ count, sum }) => [divided(sum, count), count],
  };
}
