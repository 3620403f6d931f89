/** Sums of numbers and of arrays, always in float64 (spec graph.md 2.5). */

import { describeValue, isArray, isList, type NdArray, type NumericArray, type Value } from '../value.ts';
import { addQuickly, sumMemory } from './simd/sums.ts';

export type Sum = number | NdArray | undefined;

/** A number, or a truth value as 0 or 1. @throws Error for anything else */
export function asNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new Error(`a number is wanted, not ${describeValue(value)}`);
}

/** `sum + value`; an array is added in place. @throws Error if shapes differ or it is no number */
export function plus(sum: Sum, value: Value): Sum {
  if (!isArray(value)) {
    if (isArray(sum)) throw new Error(`a number cannot be added to ${describeValue(sum)}`);
    return (sum ?? 0) + asNumber(value);
  }
  if (sum === undefined) return { dtype: 'float64', shape: value.shape, data: new Float64Array(value.data) };
  if (!isArray(sum) || !sameShape(sum.shape, value.shape))
    throw new Error(`${describeValue(value)} cannot be added to ${describeValue(sum)}`);
  addInPlace(sum.data, value.data);
  return sum;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The first value of a sum that many are added to. A large array gets memory where adding is quick.
 * @param spare memory of an earlier sum
 */
export function firstOf(value: Value, spare: NumericArray | undefined): Sum {
  if (!isArray(value)) return asNumber(value);
  const { shape, data } = value;
  const memory = spare?.length === data.length ? spare : sumMemory(data.length);
  if (!memory) return plus(undefined, value);
  memory.set(data);
  return { dtype: 'float64', shape, data: memory };
}

function addInPlace(sum: NumericArray, value: NumericArray): void {
  if (addQuickly(sum, value)) return;
  // One loop per kind of array: a shared one would see many kinds and be ten times slower.
  if (value instanceof Float64Array) addFloat64(sum as Float64Array, value);
  else if (value instanceof Float32Array) addFloat32(sum as Float64Array, value);
  else if (value instanceof Uint16Array) addUint16(sum as Float64Array, value);
  else for (let i = 0; i < value.length; i++) sum[i]! += value[i]!;
}

// Four at a time is twice as fast as one by one.

function addFloat64(sum: Float64Array, value: Float64Array): void {
  let i = 0;
  for (const end = value.length - 3; i < end; i += 4) {
    sum[i]! += value[i]!;
    sum[i + 1]! += value[i + 1]!;
    sum[i + 2]! += value[i + 2]!;
    sum[i + 3]! += value[i + 3]!;
  }
  for (; i < value.length; i++) sum[i]! += value[i]!;
}

function addFloat32(sum: Float64Array, value: Float32Array): void {
  let i = 0;
  for (const end = value.length - 3; i < end; i += 4) {
    sum[i]! += value[i]!;
    sum[i + 1]! += value[i + 1]!;
    sum[i + 2]! += value[i + 2]!;
    sum[i + 3]! += value[i + 3]!;
  }
  for (; i < value.length; i++) sum[i]! += value[i]!;
}

function addUint16(sum: Float64Array, value: Uint16Array): void {
  let i = 0;
  for (const end = value.length - 3; i < end; i += 4) {
    sum[i]! += value[i]!;
    sum[i + 1]! += value[i + 1]!;
    sum[i + 2]! += value[i + 2]!;
    sum[i + 3]! += value[i + 3]!;
  }
  for (; i < value.length; i++) sum[i]! += value[i]!;
}

/** `sum / count`, a new array if it is one. */
export function divided(sum: Sum, count: number): Value | undefined {
  if (sum === undefined) return undefined;
  if (!isArray(sum)) return sum / count;
  const data = new Float64Array(sum.data.length);
  for (let i = 0; i < data.length; i++) data[i] = sum.data[i]! / count;
  return { dtype: 'float64', shape: sum.shape, data };
}

/** A copy that shares nothing that changes. */
export function copyOf(value: Value | undefined): Value | undefined {
  if (typeof value !== 'object') return value;
  if (isArray(value)) return { ...value, data: value.data.slice() };
  return isList(value) ? value.map(copyOf) : value;
}
