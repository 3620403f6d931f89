import type { Kernel } from '../types.ts';
import { isArray, type NdArray, type Value } from '../value.ts';
import { asNumber, divided, plus, type Sum } from './sum.ts';

interface MovingAverage {
  count: number;
  /** Highest event number used; weights count from it. */
  reference: number;
  weights: number;
  sum: Sum;
}

/** Sum f^(S-s) x / sum f^(S-s) over events s: ports `value`, `count`. @param keep f, between 0 and 1 */
export function movingAverage(keep: number): Kernel<MovingAverage> {
  return {
    ports: ['value', 'count'],
    zero: () => ({ count: 0, reference: 0, weights: 0, sum: undefined }),
    add(state, inputs, { event }) {
      const one = { count: 1, reference: event, weights: 1, sum: own(inputs[0] as Value) };
      join(state, one, keep);
      return true;
    },
    merge: (state, part) => join(state, part, keep),
    output: ({ sum, weights, count }) => [divided(sum, weights), count],
  };
}

function own(value: Value): Sum {
  return isArray(value) ? { ...value, dtype: 'float64', data: new Float64Array(value.data) } : asNumber(value);
}

function join(state: MovingAverage, part: MovingAverage, keep: number): void {
  if (part.sum === undefined) return;
  const reference = state.sum === undefined ? part.reference : Math.max(state.reference, part.reference);
  fade(state, keep ** (reference - state.reference));
  fade(part, keep ** (reference - part.reference));
  state.sum = state.sum === undefined ? part.sum : plus(state.sum, part.sum);
  state.weights += part.weights;
  state.count += part.count;
  state.reference = reference;
}

function fade(state: MovingAverage, factor: number): void {
  if (factor === 1 || state.sum === undefined) return;
  state.weights *= factor;
  state.sum = scaled(state.sum, factor);
}

function scaled(sum: number | NdArray, factor: number): number | NdArray {
  if (!isArray(sum)) return sum * factor;
  const { data } = sum;
  for (let i = 0; i < data.length; i++) data[i]! *= factor;
  return sum;
}
