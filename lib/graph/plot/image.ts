/** Images of two pixels in each character, coloured; in shades of characters where there are few colours or none. Pure. */

import type { ChalkInstance } from 'chalk';
import { bodyOf, fraction, framed, type Numbers, type Size, type Span, spanOf } from './charts.ts';

export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixel: (x: number, y: number) => number;
  readonly x: Span;
  readonly y: Span;
}

type Rgb = readonly [number, number, number];

/** From dark blue over green to yellow: as bright as the value, also for those who do not see all colours. */
const STOPS: readonly Rgb[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];
const SHADES = ' .:-=+*#%@';

/** Rows of an array of two or more dimensions from the top; further dimensions (panels of a detector) one below the other. */
export function rasterOf(data: Numbers, shape: readonly number[]): Raster {
  const width = shape.at(-1)!;
  const height = width === 0 ? 0 : data.length / width;
  return {
    width,
    height,
    pixel: (x, y) => data[y * width + x]!,
    x: { low: 0, high: Math.max(0, width - 1) },
    // Row 0 is on top.
    y: { low: Math.max(0, height - 1), high: 0 },
  };
}

/** An array [x][y] as people draw it: x to the right, y upwards. */
export function planeOf(data: Numbers, [width = 0, height = 0]: readonly number[], x: Span, y: Span): Raster {
  return { width, height, pixel: (i, j) => data[i * height + (height - 1 - j)]!, x, y };
}

/** @returns exactly `size.rows` lines, as wide as its proportions make it */
export function imageChart(raster: Raster, size: Size, colour: ChalkInstance): string[] {
  const room = bodyOf(size);
  const { columns, rows } = fitted(raster, room);
  const means = blockMeans(raster, columns, rows * 2);
  const span = spanOf(means);
  // 64 colours: neighbours that look the same are written as one.
  const depth = (x: number, y: number) => {
    const value = means[y * columns + x]!;
    if (!span || !Number.isFinite(value)) return undefined;
    return Math.round(fraction(value, span) * 63) / 63;
  };
  const lines = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: columns }, (_, x) => [depth(x, 2 * row), depth(x, 2 * row + 1)] as const);
    return colour.level < 2 ? cells.map(shade).join('') : colouredLine(cells, colour);
  });
  const chart = framed(lines, raster.y, raster.x, { columns, rows });
  return [...chart, ...Array.from({ length: size.rows - chart.length }, () => '')];
}

/** Pixels are square, and a character is as high as two are wide. Small images are enlarged. */
function fitted({ width, height }: Raster, room: Size): Size {
  const scale = Math.min(room.columns / Math.max(1, width), (room.rows * 2) / Math.max(1, height));
  return {
    columns: Math.max(1, Math.min(room.columns, Math.round(width * scale))),
    rows: Math.max(1, Math.min(room.rows, Math.round((height * scale) / 2))),
  };
}

/** Means of the finite pixels of each block; NaN where there are none. */
function blockMeans({ width, height, pixel }: Raster, columns: number, rows: number): Float64Array {
  const means = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = block(row, rows, height);
    for (let column = 0; column < columns; column++) {
      const [left, right] = block(column, columns, width);
      let sum = 0;
      let count = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) {
          const value = pixel(x, y);
          if (!Number.isFinite(value)) continue;
          sum += value;
          count++;
        }
      means[row * columns + column] = sum / count;
    }
  }
  return means;
}

function block(index: number, parts: number, length: number): [number, number] {
  const first = Math.floor((index * length) / parts);
  return [first, Math.min(length, Math.max(first + 1, Math.floor(((index + 1) * length) / parts)))];
}

/** Depths of the upper and the lower pixel of a character, 0 to 1; undefined where there is no number. */
type Cell = readonly [number | undefined, number | undefined];

function shade(cell: Cell): string {
  const known = cell.filter((depth) => depth !== undefined);
  const mean = known.reduce((sum, depth) => sum + depth, 0) / known.length;
  return known.length === 0 ? '?' : SHADES[Math.min(SHADES.length - 1, Math.floor(mean * SHADES.length))]!;
}

function colouredLine(cells: readonly Cell[], colour: ChalkInstance): string {
  let line = '';
  for (let at = 0; at < cells.length; ) {
    const [upper, lower] = cells[at]!;
    const first = at;
    while (at < cells.length && cells[at]![0] === upper && cells[at]![1] === lower) at++;
    line += colour.rgb(...rgbOf(upper)).bgRgb(...rgbOf(lower))('▀'.repeat(at - first));
  }
  return line;
}

function rgbOf(depth: number | undefined): Rgb {
  if (depth === undefined) return [128, 128, 128];
  const at = depth * (STOPS.length - 1);
  const first = Math.min(STOPS.length - 2, Math.floor(at));
  const [low, high] = [STOPS[first]!, STOPS[first + 1]!];
  const mixed = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * (at - first));
  return [mixed(0), mixed(1), mixed(2)];
}
