import type { Kernel } from '../types.ts';
import type { Value } from '../value.ts';
import { copyOf } from './sum.ts';

interface Latest {
  event: number;
  value: Value | undefined;
}

/** The value with the highest event number: port `value`. */
export function latest(): Kernel<Latest> {
  return {
    ports: ['value'],
    zero: () => ({ event: -1, value: undefined }),
    add(state, inputs, { event }) {
      if (event >= state.event) {
        state.event = event;
        state.value = copyOf(inputs[0]);
      }
      return true;
    },
    merge(state, part) {
      if (part.event >= state.event) {
        state.event = part.event;
        state.value = part.value;
      }
    },
    output: ({ value }) => [value],
  };
}
