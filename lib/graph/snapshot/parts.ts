/** Values of a graph as rectangular arrays, as files of arrays take them. Pure. */

import {
  type Dtype,
  isArray,
  isList,
  type Key,
  type List,
  type NdArray,
  newArray,
  type Value,
  valueToJson,
} from '../value.ts';

export type Part =
  | { readonly name: string; readonly shape: readonly number[]; readonly kind: 'numbers'; readonly array: Numbers }
  | {
      readonly name: string;
      readonly shape: readonly number[];
      readonly kind: 'texts';
      readonly texts: readonly string[];
    };

/** C order. int64 and uint64 are held as doubles, truth values as 0 and 1. */
export interface Numbers {
  readonly dtype: Dtype | 'bool';
  readonly data: NdArray['data'];
}

/**
 * The arrays that hold a value: one, or two for a map, `NAME/keys` and `NAME/values`. Lists of equal parts become arrays of one more
 * dimension, with NaN for nothing; what is not rectangular becomes its JSON text.
 */
export function partsOf(name: string, value: Value): readonly Part[] {
  if (!(value instanceof Map)) return [partOf(name, value)];
  const map: ReadonlyMap<Key, Value> = value;
  return [partOf(`${name}/keys`, [...map.keys()]), partOf(`${name}/values`, [...map.values()])];
}

/** One array of numbers if a value is that: lists, scalars and arrays; undefined for the others. */
export function numbersOf(value: Value | undefined): NdArray | undefined {
  if (value === undefined || value instanceof Map) return undefined;
  const part = partOf('', value);
  return part.kind === 'numbers' ? { dtype: part.array.dtype, shape: part.shape, data: part.array.data } : undefined;
}

/** As files have it: whole numbers of 64 bits are so again; what is no whole number there stays a double. */
export function ofTrueWidth({ dtype, data }: Numbers) {
  if (dtype !== 'int64' && dtype !== 'uint64') return { dtype, array: data };
  if (!data.every(Number.isInteger)) return { dtype: 'float64' as const, array: data };
  return { dtype, array: dtype === 'int64' ? BigInt64Array.from(data, BigInt) : BigUint64Array.from(data, BigInt) };
}

function partOf(name: string, value: Value): Part {
  if (typeof value === 'number') return numbers(name, 'float64', [], Float64Array.of(value));
  if (typeof value === 'boolean') return numbers(name, 'bool', [], Uint8Array.of(value ? 1 : 0));
  if (typeof value === 'string') return { name, shape: [], kind: 'texts', texts: [value] };
  if (isArray(value)) return numbers(name, value.dtype as Dtype, value.shape, value.data);
  return (isList(value) ? listPart(name, value) : undefined) ?? jsonPart(name, value);
}

function numbers(name: string, dtype: Numbers['dtype'], shape: readonly number[], data: Numbers['data']): Part {
  return { name, shape, kind: 'numbers', array: { dtype, data } };
}

function jsonPart(name: string, value: Value): Part {
  return { name, shape: [], kind: 'texts', texts: [JSON.stringify(valueToJson(value))] };
}

/** Undefined if it is not rectangular. */
function listPart(name: string, list: List): Part | undefined {
  // Long lists of numbers are usual (windows, scans); no object for each of them.
  if (list.every((item) => typeof item === 'number' || item === undefined))
    return numbers(
      name,
      'float64',
      [list.length],
      Float64Array.from(list as List, (item) => (item as number) ?? Number.NaN),
    );
  const parts = list.map((item) => partOf(name, item ?? Number.NaN));
  const first = parts[0]!;
  const shape = [parts.length, ...first.shape];
  const same = (part: Part) => part.kind === first.kind && String(part.shape) === String(first.shape);
  if (!parts.every(same)) return undefined;
  if (first.kind === 'texts')
    return { name, shape, kind: 'texts', texts: parts.flatMap((part) => (part.kind === 'texts' ? part.texts : [])) };
  const { dtype } = first.array;
  const size = first.array.data.length;
  const data = dtype === 'bool' ? new Uint8Array(size * parts.length) : newArray(dtype, size * parts.length);
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'numbers' || part.array.dtype !== dtype) return undefined;
    data.set(part.array.data, i * size);
  }
  return numbers(name, dtype, shape, data);
}
