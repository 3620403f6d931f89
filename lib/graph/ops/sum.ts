/** Sums of numbers and of arrays, always in float64 (spec graph.md 2.5). */

import { describeValue, isArray, isList, type NdArray, type NumericArray, type Value } from '../value.ts';

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
  if (sum === undefined) return { dtype: 'float64', shape: value.shape, data: Float64Array.from(value.data) };
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

function addInPlace(sum: NumericArray, value: NumericArray): void {
  // One loop per kind of array: a shared one would see many kinds and be ten times slower.
  if (value instanceof Float64Array) addFloat64(sum, value);
  else if (value instanceof Float32Array) addFloat32(sum, value);
  else if (value instanceof Uint16Array) addUint16(sum, value);
  else for (let i = 0; i < value.length; i++) sum[i]! += value[i]!;
}

function addFloat64(sum: NumericArray, value: Float64Array): void {
  for (let i = 0; i < value.length; i++) sum[i]! += value[i]!;
}

function addFloat32(sum: NumericArray, value: Float32Array): void {
  for (let i = 0; i < value.length; i++) sum[i]! += value[i]!;
}

function addUint16(sum: NumericArray, value: Uint16Array): void {
  for (let i = 0; i < value.length; i++) sum[i]! += value[i]!;
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
