/**
 * Values that flow through graphs and come out of them, and how JSON writes them (spec graph.md 1.2, 5). Nothing is `undefined`: a node
 * whose input is nothing does not run.
 */

import { DataError } from '../errors.ts';

export type NumericArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** An array of any rank, C order. 64-bit integers are held as doubles: exact up to 2^53 (spec 2.5). */
export interface NdArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: NumericArray;
}

export type Key = number | string;
/** An element of a list may be nothing: the mean of an empty bin. */
export type List = readonly (Value | undefined)[];
export type Value = number | string | boolean | NdArray | List | ReadonlyMap<Key, Value>;

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: Float64Array,
  uint64: Float64Array,
} as const;
export type Dtype = keyof typeof ARRAYS;

export function isDtype(text: string): text is Dtype {
  return Object.hasOwn(ARRAYS, text);
}

export function newArray(dtype: Dtype, length: number): NumericArray {
  return new ARRAYS[dtype](length);
}

export function isArray(value: Value | undefined): value is NdArray {
  return typeof value === 'object' && 'shape' in value;
}

export function isList(value: Value | undefined): value is List {
  return Array.isArray(value);
}

export function vector(data: NumericArray, dtype: Dtype = 'float64'): NdArray {
  return { dtype, shape: [data.length], data };
}

/** `list of 3`, `float64[512,512]`: for messages. */
export function describeValue(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (isArray(value)) return `${value.dtype}[${value.shape.join(',')}]`;
  if (isList(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return 'a map';
  return typeof value === 'string' ? 'a string' : typeof value === 'boolean' ? 'a truth value' : 'a number';
}

/**
 * A value from JSON (spec 5): `$num`, `$array`, `$map`; null is nothing.
 * @throws DataError `graph-value`
 */
export function valueFromJson(json: unknown): Value | undefined {
  if (json === null || json === undefined) return undefined;
  if (typeof json === 'number' || typeof json === 'string' || typeof json === 'boolean') return json;
  if (Array.isArray(json)) return json.map(valueFromJson);
  const object = json as Readonly<Record<string, unknown>>;
  if ('$num' in object) return numberNamed(object.$num);
  if ('$array' in object) return arrayFromJson(object);
  if ('$map' in object) return mapFromPairs(object.$map);
  return mapFromPairs(Object.entries(object));
}

function numberNamed(name: unknown): number {
  if (name === 'nan') return Number.NaN;
  if (name === 'inf') return Number.POSITIVE_INFINITY;
  if (name === '-inf') return Number.NEGATIVE_INFINITY;
  throw new DataError('graph-value', `$num is "nan", "inf" or "-inf", not ${JSON.stringify(name)}`);
}

function arrayFromJson(object: Readonly<Record<string, unknown>>): NdArray {
  const { $array: dtype, shape, data } = object;
  if (typeof dtype !== 'string' || !isDtype(dtype) || !Array.isArray(shape) || !Array.isArray(data))
    throw new DataError('graph-value', `an array is {"$array": dtype, "shape": [...], "data": [...]}`);
  const sizes = shape.map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= 0))
    throw new DataError('graph-value', `no array has the shape [${sizes.join(', ')}]`);
  if (sizes.reduce((product, size) => product * size, 1) !== data.length)
    throw new DataError('graph-value', `${data.length} numbers do not fill an array of shape [${sizes.join(', ')}]`);
  const array = newArray(dtype, data.length);
  for (let i = 0; i < data.length; i++) array[i] = valueFromJson(data[i]) as number;
  return { dtype, shape: sizes, data: array };
}

function mapFromPairs(pairs: unknown): Map<Key, Value> {
  if (!Array.isArray(pairs)) throw new DataError('graph-value', '$map is a list of [key, value] pairs');
  const map = new Map<Key, Value>();
  for (const pair of pairs) {
    const [key, value] = pair as [unknown, unknown];
    const made = valueFromJson(value);
    if ((typeof key !== 'number' && typeof key !== 'string') || made === undefined)
      throw new DataError('graph-value', 'a pair of $map is a number or string, and a value');
    map.set(key, made);
  }
  return map;
}

/** JSON of a value, as records carry it. */
export function valueToJson(value: Value | undefined): unknown {
  if (value === undefined) return null;
  if (typeof value === 'number') return numberToJson(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (isArray(value)) return arrayToJson(value);
  if (isList(value)) return value.map(valueToJson);
  return { $map: [...(value as ReadonlyMap<Key, Value>)].map(([key, item]) => [key, valueToJson(item)]) };
}

function numberToJson(value: number): unknown {
  if (Number.isFinite(value)) return value;
  return { $num: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf' };
}

function arrayToJson({ dtype, shape, data }: NdArray): unknown {
  const numbers: unknown[] = new Array(data.length);
  for (let i = 0; i < data.length; i++) numbers[i] = numberToJson(data[i]!);
  return { $array: dtype, shape, data: numbers };
}
