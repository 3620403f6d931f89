/** Arrays made small enough to look at. Pure. */

import type { NdArray, NumericArray } from '../../json/value.ts';

/** Columns of a waveform; longer ones are shown by least and largest per column. */
const COLUMNS = 1500;
/** Pixels along a side of an image. */
const SIDE = 512;
/** Share of the pixels that may be darker than the first colour, or brighter than the last: single hot pixels must not set the scale. */
const BEYOND = 0.001;
const SAMPLE = 16_384;
const LEVELS = 255;
/** Byte of a pixel that is no number. */
const NO_NUMBER = 255;

export interface Envelope {
  readonly low: Float32Array;
  /** Absent if every element is in `low`. */
  readonly high: Float32Array | undefined;
}

/** All elements, or least and largest of each column. */
export function envelope(data: NumericArray, columns = COLUMNS): Envelope {
  if (data.length <= columns) return { low: Float32Array.from(data), high: undefined };
  const low = new Float32Array(columns).fill(Number.NaN);
  const high = new Float32Array(columns).fill(Number.NaN);
  for (let column = 0; column < columns; column++) {
    const end = Math.floor(((column + 1) * data.length) / columns);
    for (let i = Math.floor((column * data.length) / columns); i < end; i++) {
      const value = data[i]!;
      // Written so that NaN never wins.
      if (!(value >= low[column]!)) low[column] = Number.isNaN(value) ? low[column]! : value;
      if (!(value <= high[column]!)) high[column] = Number.isNaN(value) ? high[column]! : value;
    }
  }
  return { low, high };
}

export interface SmallImage {
  readonly width: number;
  readonly height: number;
  readonly block: number;
  readonly from: number;
  readonly to: number;
  readonly pixels: Uint8Array;
}

/** An image of rank 2; panels of a higher rank stand below each other. */
export function smallImage({ shape, data }: NdArray, side = SIDE): SmallImage {
  const columns = shape.at(-1) ?? 0;
  const rows = columns === 0 ? 0 : data.length / columns;
  const block = Math.max(1, Math.ceil(Math.max(rows, columns) / side));
  const width = Math.ceil(columns / block);
  const height = Math.ceil(rows / block);
  const means = blockMeans(data, rows, columns, block);
  const { from, to } = colourRange(means);
  const pixels = new Uint8Array(means.length);
  const scale = to > from ? (LEVELS - 1) / (to - from) : 0;
  for (let i = 0; i < means.length; i++) {
    const level = Math.round((means[i]! - from) * scale);
    pixels[i] = Number.isNaN(level) ? NO_NUMBER : Math.max(0, Math.min(LEVELS - 1, level));
  }
  return { width, height, block, from, to, pixels };
}

/** Mean of each block of `block` x `block` elements; what is no number is left out. */
function blockMeans(data: NumericArray, rows: number, columns: number, block: number): Float64Array {
  if (block === 1) return Float64Array.from(data);
  const width = Math.ceil(columns / block);
  const sums = new Float64Array(width * Math.ceil(rows / block));
  const counts = new Uint32Array(sums.length);
  for (let row = 0; row < rows; row++) {
    const line = Math.floor(row / block) * width;
    for (let column = 0; column < columns; column++) {
      const value = data[row * columns + column]!;
      if (Number.isNaN(value)) continue;
      const at = line + Math.floor(column / block);
      sums[at]! += value;
      counts[at]!++;
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i]! /= counts[i]!;
  return sums;
}

/** Least and largest of a sample of the pixels, without the outermost ones. Sorting all of them would take longer than all else. */
function colourRange(values: Float64Array): { from: number; to: number } {
  const step = Math.ceil(values.length / SAMPLE);
  const sorted = new Float64Array(Math.ceil(values.length / step) || 0);
  let finite = 0;
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sorted[finite++] = values[i]!;
  return rangeOf(sorted.subarray(0, finite).sort());
}

function rangeOf(sorted: Float64Array): { from: number; to: number } {
  if (sorted.length === 0) return { from: 0, to: 0 };
  const spare = Math.floor(sorted.length * BEYOND);
  const [from, to] = [sorted[spare]!, sorted[sorted.length - 1 - spare]!];
  return from < to ? { from, to } : { from: sorted[0]!, to: sorted.at(-1)! };
}
