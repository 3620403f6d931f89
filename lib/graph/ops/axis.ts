/** Edges and the bin of a number (spec graph.md 2.5, edges). */

import { type NdArray, vector } from '../value.ts';

export const UNDERFLOW = -1;
export const OVERFLOW = -2;
export const NOT_A_NUMBER = -3;

export interface Axis {
  readonly bins: number;
  readonly edges: Float64Array;
  /** Bin of a number, or UNDERFLOW, OVERFLOW, NOT_A_NUMBER. Bins are closed on the left, the last on both sides. */
  bin(x: number): number;
}

export function axis(bins: number, low: number, high: number): Axis {
  const edges = new Float64Array(bins + 1);
  for (let i = 0; i < bins; i++) edges[i] = low + (i * (high - low)) / bins;
  edges[bins] = high;
  const scale = bins / (high - low);
  return {
    bins,
    edges,
    bin(x) {
      if (x < low) return UNDERFLOW;
      if (x >= high) return x === high ? bins - 1 : OVERFLOW;
      if (Number.isNaN(x)) return NOT_A_NUMBER;
      // The guess may be one off by rounding; the edges decide.
      let i = Math.floor((x - low) * scale);
      if (i >= bins) i = bins - 1;
      if (x < edges[i]!) i--;
      else if (x >= edges[i + 1]!) i++;
      return i;
    },
  };
}

export function edgesOf({ edges }: Axis): NdArray {
  return vector(edges);
}

export function centresOf({ edges, bins }: Axis): NdArray {
  const centres = new Float64Array(bins);
  for (let i = 0; i < bins; i++) centres[i] = (edges[i]! + edges[i + 1]!) / 2;
  return vector(centres);
}
