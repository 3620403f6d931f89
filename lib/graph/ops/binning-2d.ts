import type { Kernel } from '../types.ts';
import { isArray, type NumericArray, type Value } from '../value.ts';
import { type Axis, edgesOf } from './axis.ts';
import { density } from './binning.ts';
import { asNumber } from './sum.ts';

interface Histogram2D {
  /** [x][y] */
  counts: Float64Array;
}

/** Pairs of which both coordinates are in range: `xedges`, `yedges`, `counts` [x][y], `density`. */
export function binning2d(x: Axis, y: Axis): Kernel<Histogram2D> {
  const shape = [x.bins, y.bins];
  const step = (axis: Axis) => (axis.edges[axis.bins]! - axis.edges[0]!) / axis.bins;
  return {
    ports: ['xedges', 'yedges', 'counts', 'density'],
    zero: () => ({ counts: new Float64Array(x.bins * y.bins) }),
    add({ counts }, inputs) {
      const [xs, ys] = [elements(inputs[0] as Value), elements(inputs[1] as Value)];
      if (xs.length !== ys.length) throw new Error(`${xs.length} x and ${ys.length} y do not pair`);
      for (let i = 0; i < xs.length; i++) {
        const column = x.bin(xs[i]!);
        const row = y.bin(ys[i]!);
        if (column >= 0 && row >= 0) counts[column * y.bins + row]!++;
      }
      return true;
    },
    merge({ counts }, part) {
      for (let i = 0; i < counts.length; i++) counts[i]! += part.counts[i]!;
    },
    output: ({ counts }) => [
      edgesOf(x),
      edgesOf(y),
      { dtype: 'int64', shape, data: counts.slice() },
      { dtype: 'float64', shape, data: density(counts, step(x) * step(y)) },
    ],
  };
}

function elements(value: Value): NumericArray {
  return isArray(value) ? value.data : Float64Array.of(asNumber(value));
}
