import type { Kernel } from '../types.ts';
import { isArray, type Value, vector } from '../value.ts';
import { type Axis, edgesOf, NOT_A_NUMBER, UNDERFLOW } from './axis.ts';
import { asNumber, sameShape } from './sum.ts';

interface Histogram {
  counts: Float64Array;
  underflow: number;
  overflow: number;
  nan: number;
}

/** A histogram of numbers or of all elements of arrays: `edges`, `counts`, `underflow`, `overflow`, `nan`, `density`. */
export function binning(along: Axis, weighted: boolean): Kernel<Histogram> {
  const dtype = weighted ? 'float64' : 'int64';
  return {
    ports: ['edges', 'counts', 'underflow', 'overflow', 'nan', 'density'],
    zero: () => ({ counts: new Float64Array(along.bins), underflow: 0, overflow: 0, nan: 0 }),
    add(state, inputs) {
      fill(state, along, inputs[0] as Value, inputs[1]);
      return true;
    },
    merge(state, part) {
      for (let i = 0; i < along.bins; i++) state.counts[i]! += part.counts[i]!;
      state.underflow += part.underflow;
      state.overflow += part.overflow;
      state.nan += part.nan;
    },
    output: ({ counts, underflow, overflow, nan }) => [
      edgesOf(along),
      vector(counts.slice(), dtype),
      underflow,
      overflow,
      nan,
      vector(density(counts, (along.edges[along.bins]! - along.edges[0]!) / along.bins)),
    ],
  };
}

function fill(state: Histogram, along: Axis, value: Value, weight: Value | undefined): void {
  if (!isArray(value)) {
    count(state, along, asNumber(value), weight === undefined ? 1 : asNumber(weight));
    return;
  }
  const weights = isArray(weight) ? weight : undefined;
  if (weights && !sameShape(weights.shape, value.shape)) throw new Error('values and weights differ in shape');
  const all = weight === undefined || weights ? 1 : asNumber(weight);
  const { data } = value;
  for (let i = 0; i < data.length; i++) count(state, along, data[i]!, weights ? weights.data[i]! : all);
}

function count(state: Histogram, along: Axis, x: number, weight: number): void {
  const bin = along.bin(x);
  if (bin >= 0) state.counts[bin]! += weight;
  else if (bin === UNDERFLOW) state.underflow += weight;
  else if (bin === NOT_A_NUMBER) state.nan += weight;
  else state.overflow += weight;
}

/** counts / (sum of counts * size of a bin); all zero if nothing is in range (spec 2.5). */
export function density(counts: Float64Array, size: number): Float64Array {
  let sum = 0;
  for (const n of counts) sum += n;
  return sum === 0 ? new Float64Array(counts.length) : counts.map((n) => n / (sum * size));
}
