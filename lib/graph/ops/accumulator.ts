import type { Kernel } from '../types.ts';
import type { Value } from '../value.ts';
import { asNumber, copyOf, plus, type Sum } from './sum.ts';

export type Reduction = 'sum' | 'max' | 'min';
export const REDUCTIONS: readonly Reduction[] = ['sum', 'max', 'min'];

interface Accumulated {
  count: number;
  value: Sum;
}

/** Reduces all values to one: ports `count`, `value`. */
export function accumulator(reduction: Reduction): Kernel<Accumulated> {
  const reduce = reducer(reduction);
  return {
    ports: ['count', 'value'],
    zero: () => ({ count: 0, value: undefined }),
    add(state, inputs) {
      state.value = reduce(state.value, inputs[0] as Value);
      state.count++;
      return true;
    },
    merge(state, part) {
      if (part.value !== undefined)
        state.value = state.value === undefined ? part.value : reduce(state.value, part.value);
      state.count += part.count;
    },
    output: ({ count, value }) => [count, copyOf(value)],
  };
}

/** Sums take arrays as well; extremes are of numbers. */
export function reducer(reduction: Reduction): (old: Sum, value: Value) => Sum {
  if (reduction === 'sum') return plus;
  const better = reduction === 'max' ? Math.max : Math.min;
  return (old, value) => (old === undefined ? asNumber(value) : better(old as number, asNumber(value)));
}
