/** What has come of one field, and the frames that show it. Pure: times come as arguments. */

import { isArray, isList, type NdArray, type Value } from '../../json/value.ts';
import type { Packed, PlotFrame, PlotKind } from './messages.ts';
import { RecentValues } from './recent-values.ts';
import { envelope, smallImage } from './reduce.ts';
import { Trend } from './trend.ts';

type Numeric = Float32Array | Uint8Array;

/** An array that is kept, and where its elements lie if not at 0, 1, 2. */
interface Shown {
  readonly array: NdArray;
  readonly x?: Float32Array;
}

const MOST_TEXT = 4000;

export class Channel {
  /** Grows with every value: who has shown a version need not show it again. */
  version = 0;
  private readonly trend: Trend;
  private readonly recent = new RecentValues();
  private last: number | undefined;
  private shown: Shown | undefined;
  private text: string | undefined;
  private time = 0;
  private arrived = 0;

  /** @param span of the trend: seconds, or heartbeats */
  constructor(span: number) {
    this.trend = new Trend(span);
  }

  /**
   * @param value copied where it is an array
   * @param time of the event, in units of `span`
   * @param arrived milliseconds of our clock
   */
  add(value: Value, time: number, arrived: number): void {
    this.version++;
    this.time = time;
    this.arrived = arrived;
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number === 'number') {
      this.last = number;
      this.trend.add(time, number);
      this.recent.add(number);
      return;
    }
    this.last = undefined;
    this.shown = shownOf(number);
    this.text = this.shown === undefined ? textOf(number) : undefined;
  }

  /** The picture as it is now; undefined before the first value. */
  frame(key: string, kind: PlotKind | undefined): PlotFrame | undefined {
    if (this.version === 0) return undefined;
    const head = { key, arrived: this.arrived, time: this.time };
    const usual = this.usualKind();
    const wanted = kind ?? usual;
    const scalar = this.last !== undefined;
    if (wanted === 'trend' && scalar) return { ...head, ...this.trendFrame(this.last!) };
    if (wanted === 'histogram' && scalar) return { ...head, ...this.histogramFrame() };
    if (wanted === 'waveform' && this.shown) return { ...head, ...waveformFrame(this.shown) };
    if (wanted === 'image' && usual === 'image') return { ...head, ...imageFrame(this.shown!.array) };
    if (wanted === 'text') return { ...head, kind: 'text', text: this.plainText() };
    return { ...head, kind: 'note', text: `this field cannot be shown as ${wanted}; it is usually shown as ${usual}` };
  }

  private usualKind(): PlotKind {
    if (this.last !== undefined) return 'trend';
    if (this.shown === undefined) return 'text';
    return this.shown.array.shape.length > 1 ? 'image' : 'waveform';
  }

  private plainText(): string {
    if (this.shown !== undefined) return `array of shape ${this.shown.array.shape.join(' x ')}`;
    return this.text ?? String(this.last);
  }

  private trendFrame(last: number) {
    const { x, mean, low, high } = this.trend.points();
    const x0 = x[0] ?? 0;
    return {
      kind: 'trend' as const,
      last,
      x0,
      x: pack(Float32Array.from(x, (one) => one - x0)),
      mean: pack(Float32Array.from(mean)),
      low: pack(Float32Array.from(low)),
      high: pack(Float32Array.from(high)),
    };
  }

  private histogramFrame() {
    const histogram = this.recent.histogram();
    if (histogram === undefined) return { kind: 'note' as const, text: 'no finite value so far' };
    return { kind: 'histogram' as const, ...histogram };
  }
}

function waveformFrame({ array, x }: Shown) {
  const { low, high } = envelope(array.data, x === undefined ? undefined : array.data.length);
  return {
    kind: 'waveform' as const,
    length: array.data.length,
    low: pack(low),
    ...(high === undefined ? {} : { high: pack(high) }),
    ...(x === undefined ? {} : { x: pack(x) }),
  };
}

function imageFrame(array: NdArray) {
  const { pixels, ...image } = smallImage(array);
  return { kind: 'image' as const, ...image, shape: array.shape, pixels: pack(pixels) };
}

function pack(numbers: Numeric): Packed {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

/** Arrays, lists of numbers, and maps of numbers by number. */
function shownOf(value: Exclude<Value, number | boolean>): Shown | undefined {
  if (isArray(value)) return { array: { ...value, data: value.data.slice() } };
  if (isList(value)) {
    // An element may be nothing: the mean of an empty bin.
    if (value.length === 0 || !value.every((item) => item === undefined || typeof item === 'number')) return undefined;
    return { array: vectorOf(value.map((item) => item ?? Number.NaN)) };
  }
  if (!(value instanceof Map) || value.size === 0) return undefined;
  const pairs = [...value].filter((pair): pair is [number, number] => pair.every((one) => typeof one === 'number'));
  if (pairs.length < value.size) return undefined;
  pairs.sort(([a], [b]) => a - b);
  return { array: vectorOf(pairs.map(([, y]) => y)), x: Float32Array.from(pairs, ([x]) => x) };
}

function vectorOf(numbers: readonly number[]): NdArray {
  return { dtype: 'float64', shape: [numbers.length], data: Float64Array.from(numbers) };
}

function textOf(value: Exclude<Value, number | boolean>): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value instanceof Map ? [...value] : value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} ...` : text;
}
