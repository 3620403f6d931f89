import type { Kernel } from '../types.ts';
import type { Value } from '../value.ts';
import { divided, plus, type Sum } from './sum.ts';

interface Average {
  count: number;
  sum: Sum;
}

/** Average0D, 1D and 2D over everything since the last reset: ports `mean`, `count`. */
export function average(): Kernel<Average> {
  return {
    ports: ['mean', 'count'],
    zero: () => ({ count: 0, sum: undefined }),
    add(state, inputs) {
      state.sum = plus(state.sum, inputs[0] as Value);
      state.count++;
      return true;
    },
    merge(state, part) {
      if (part.sum === undefined) return;
      state.sum = state.sum === undefined ? part.sum : plus(state.sum, part.sum);
      state.count += part.count;
    },
    output: ({ count, sum }) => [divided(sum, count), count],
  };
}
