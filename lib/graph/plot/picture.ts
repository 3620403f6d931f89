/** How each output is drawn: by the operation that made it, else by what it looks like. Pure. */

import type { ChalkInstance } from 'chalk';
import { summary, valueText } from '../output/text.ts';
import { numbersOf } from '../snapshot/parts.ts';
import type { NodeSpec } from '../types.ts';
import { describeValue, isArray, type Key, type NdArray, type Value } from '../value.ts';
import { axisText, barChart, lineChart, type Numbers, pointChart, type Size, type Span, spanOf } from './charts.ts';
import { imageChart, planeOf, type Raster, rasterOf } from './image.ts';

/** What is known beside the value itself. */
export interface Surroundings {
  /** Of the node that made it, if that is known. */
  readonly node: Pick<NodeSpec, 'op' | 'parameters'> | undefined;
  /** Another port of the same node, as it stands. */
  readonly port: (name: string) => Value | undefined;
}

export interface Picture {
  /** Type and range, in words. */
  readonly caption: string;
  /** Exactly `size.rows` lines. */
  readonly draw: (size: Size, colour: ChalkInstance) => readonly string[];
}

/** Ports that are the axis of others. */
const AXES = new Set(['keys', 'edges', 'centres', 'index', 'xedges', 'yedges']);
/** Bars are drawn for these, as they are counts. */
const COUNTS = new Set(['counts', 'count', 'density']);
/** More bars with names would be no picture. */
const NAMED_BARS = 64;

/** True for ports that are the axis of other ports and not worth a picture of their own. */
export function isAxis(port: string, others: readonly string[]): boolean {
  return AXES.has(port) && others.some((other) => !AXES.has(other));
}

/** The picture of a value; undefined for what one line says as well: scalars, texts, and what has no numbers. */
export function pictureOf(port: string, value: Value, around: Surroundings): Picture | undefined {
  if (value instanceof Map) return mapPicture(value as ReadonlyMap<Key, Value>);
  const array = numbersOf(value);
  if (!array || array.shape.length === 0 || array.data.length === 0) return undefined;
  const caption = captionOf(value, array);
  if (array.shape.length > 1) {
    const raster = imageOf(port, array, around);
    return { caption, draw: (size, colour) => imageChart(raster, size, colour) };
  }
  const { data } = array;
  const keys = numbersOf(around.port('keys'))?.data;
  if (keys && keys.length === data.length && port !== 'keys')
    return { caption, draw: (size) => pointChart(keys, data, size) };
  const range = spanNamed('range', around.node);
  const x = range ?? spanOf(numbersOf(around.port('edges'))?.data ?? []);
  if (COUNTS.has(port)) return { caption, draw: (size) => barChart(data, x ?? positions(data), size) };
  // Binned scans: a bin without events is nothing, so points and no line.
  if (x) return { caption, draw: (size) => pointChart(centres(x, data.length), data, size) };
  return { caption, draw: (size) => lineChart(data, positions(data), size) };
}

function captionOf(value: Value, { dtype, shape, data }: NdArray): string {
  const { low, high, odd } = summary(data);
  const type = isArray(value) ? describeValue(value) : `${dtype}[${shape.join(',')}]`;
  // Other pictures say it beside their axes.
  const range = shape.length < 2 || low > high ? '' : ` ${axisText(low)} to ${axisText(high)}`;
  return `${type}${range}${odd > 0 ? ` nan ${odd}` : ''}`;
}

function positions(data: Numbers): Span {
  return { low: 0, high: data.length - 1 };
}

function centres({ low, high }: Span, bins: number): number[] {
  return Array.from({ length: bins }, (_, i) => low + ((i + 0.5) * (high - low)) / bins);
}

/** A parameter `[low, high]`. */
function spanNamed(name: string, node: Surroundings['node']): Span | undefined {
  const range = node?.parameters[name];
  if (!Array.isArray(range)) return undefined;
  const [low, high] = range as unknown[];
  return typeof low === 'number' && typeof high === 'number' ? { low, high } : undefined;
}

function imageOf(port: string, { data, shape }: NdArray, { node, port: portOf }: Surroundings): Raster {
  const [first = 0, second = 0] = shape;
  const along = (name: string, length: number) => spanOf(numbersOf(portOf(name))?.data ?? []) ?? positions({ length });
  if (node?.op === 'Binning2D')
    return planeOf(
      data,
      shape,
      spanNamed('xrange', node) ?? along('xedges', first),
      spanNamed('yrange', node) ?? along('yedges', second),
    );
  // [sample][key]
  if (node?.op === 'MeanWaveformVsScan' && port === 'mean')
    return planeOf(data, shape, along('index', first), spanNamed('range', node) ?? along('keys', second));
  return rasterOf(data, shape);
}

function mapPicture(map: ReadonlyMap<Key, Value>): Picture | undefined {
  const pairs = [...map];
  if (pairs.length === 0 || !pairs.every(([, item]) => typeof item === 'number')) return undefined;
  const values = pairs.map(([, item]) => item as number);
  const caption = `${pairs.length} keys`;
  if (!pairs.every(([key]) => typeof key === 'number'))
    return pairs.length > NAMED_BARS ? undefined : { caption, draw: (size) => namedBars(pairs, size) };
  const keys = pairs.map(([key]) => key as number);
  return { caption, draw: (size) => pointChart(keys, values, size) };
}

/** A bar to the right for each key, from zero. */
function namedBars(pairs: readonly (readonly [Key, Value])[], { columns, rows }: Size): string[] {
  const all = pairs.length <= rows;
  const shown = all ? pairs : pairs.slice(0, rows - 1);
  const names = shown.map(([key]) => String(key).slice(0, Math.floor(columns / 3)));
  const width = Math.max(...names.map(({ length }) => length), 0);
  const texts = shown.map(([, value]) => valueText(value));
  const room = Math.max(1, columns - width - 2 - Math.max(...texts.map(({ length }) => length), 0));
  const most = spanOf(pairs.map(([, value]) => value as number))?.high ?? 0;
  const lines = shown.map(([, value], i) => {
    const length = most > 0 ? Math.max(0, Math.round(((value as number) / most) * room)) : 0;
    return `${names[i]!.padStart(width)} ${'█'.repeat(length)} ${texts[i]}`;
  });
  const rest = all ? [] : [`and ${pairs.length - shown.length} more`];
  return Array.from({ length: rows }, (_, i) => [...lines, ...rest][i] ?? '');
}
