import type { Kernel } from '../types.ts';
import type { Key, Value } from '../value.ts';
import { type Reduction, reducer } from './accumulator.ts';
import { keyOf } from './key.ts';
import { copyOf, divided, type Sum } from './sum.ts';

export const KEYED_REDUCTIONS = ['sum', 'max', 'min', 'count', 'mean'] as const;
export type KeyedReduction = (typeof KEYED_REDUCTIONS)[number];

interface Entry {
  count: number;
  value: Sum;
}

/** One value per key: port `map`. NaN keys are left out. */
export function reduceByKey(reduction: KeyedReduction): Kernel<Map<Key, Entry>> {
  const reduce = reduction === 'count' ? () => 0 : reducer(reduction === 'mean' ? 'sum' : (reduction as Reduction));
  return {
    ports: ['map'],
    zero: () => new Map(),
    add(state, inputs) {
      const key = keyOf(inputs[0] as Value);
      if (key === undefined) return false;
      const entry = state.get(key);
      if (entry) {
        entry.value = reduce(entry.value, inputs[1] as Value);
        entry.count++;
      } else state.set(key, { count: 1, value: reduce(undefined, inputs[1] as Value) });
      return true;
    },
    merge(state, part) {
      for (const [key, { count, value }] of part) {
        const entry = state.get(key);
        if (!entry) state.set(key, { count, value });
        else {
          entry.value = reduce(entry.value, value as Value);
          entry.count += count;
        }
      }
    },
    output: (state) => [new Map([...state].map(([key, entry]) => [key, shown(reduction, entry)]))],
  };
}

function shown(reduction: KeyedReduction, { count, value }: Entry): Value {
  if (reduction === 'count') return count;
  return (reduction === 'mean' ? divided(value, count) : copyOf(value)) as Value;
}
