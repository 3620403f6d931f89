/** Operators of graph expressions: Python's meaning, but 1/0 is infinite and 0/0 is NaN (spec graph.md 3.1). */

import { sameShape } from '../ops/sum.ts';
import { describeValue, isArray, isList, type NdArray } from '../value.ts';
import { type Operand, wantNumber } from './functions.ts';

type Arithmetic = (a: number, b: number) => number;

export const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  // The sign is that of the divisor.
  '%': (a, b) => a - b * Math.floor(a / b),
  '**': (a, b) => a ** b,
};

export function applied(compute: Arithmetic, a: Operand, b: Operand): Operand {
  if (typeof a === 'number' && typeof b === 'number') return compute(a, b);
  if (isArray(a)) return isArray(b) ? pairwise(compute, a, b) : each(a, withRight(compute, wantNumber(b)));
  if (isArray(b)) return each(b, withLeft(compute, wantNumber(a)));
  return compute(wantNumber(a), wantNumber(b));
}

const withRight = (compute: Arithmetic, b: number) => (x: number) => compute(x, b);
const withLeft = (compute: Arithmetic, a: number) => (x: number) => compute(a, x);

function each(array: NdArray, compute: (x: number) => number): NdArray {
  const data = new Float64Array(array.data.length);
  for (let i = 0; i < data.length; i++) data[i] = compute(array.data[i]!);
  return { dtype: 'float64', shape: array.shape, data };
}

function pairwise(compute: Arithmetic, a: NdArray, b: NdArray): NdArray {
  if (!sameShape(a.shape, b.shape)) throw new Error(`${describeValue(a)} and ${describeValue(b)} differ in shape`);
  const data = new Float64Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = compute(a.data[i]!, b.data[i]!);
  return { dtype: 'float64', shape: a.shape, data };
}

export function compared(op: string, a: Operand, b: Operand): boolean {
  if (op === '==' || op === '!=') return equal(a, b) === (op === '==');
  const texts = typeof a === 'string' && typeof b === 'string';
  const x = texts ? a : wantNumber(a);
  const y = texts ? b : wantNumber(b);
  switch (op) {
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    default:
      return x >= y;
  }
}

function equal(a: Operand, b: Operand): boolean {
  if (typeof a === 'string' || typeof b === 'string' || a === undefined || b === undefined) return a === b;
  return wantNumber(a) === wantNumber(b);
}

/** Truth as in Python, for what has one. @throws Error for arrays */
export function isTrue(value: Operand): boolean {
  if (isArray(value)) throw new Error('an array is neither true nor false');
  if (isList(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Boolean(value);
}

/** `w[5]`; -1 is the last. @throws Error when there is no such element */
export function elementAt(value: Operand, index: Operand): Operand {
  const at = wholeNumber(index);
  if (isArray(value)) {
    const rows = value.shape[0] ?? 0;
    const row = inside(at, rows, value);
    if (value.shape.length === 1) return value.data[row];
    return rowsOf(value, row, row + 1, value.shape.slice(1));
  }
  if (isList(value)) return value[inside(at, value.length, value)];
  throw new Error(`${describeValue(value)} has no elements`);
}

function inside(at: number, length: number, value: Operand): number {
  const index = at < 0 ? at + length : at;
  if (index < 0 || index >= length) throw new Error(`there is no element ${at} in ${describeValue(value)}`);
  return index;
}

/** `w[10:200]`, along the first dimension; ends beyond the array are cut as in Python. */
export function sliceOf(value: Operand, from: Operand, to: Operand): Operand {
  const length = isArray(value) ? (value.shape[0] ?? 0) : isList(value) ? value.length : undefined;
  if (length === undefined) throw new Error(`${describeValue(value)} has no elements`);
  const begin = bound(from, 0, length);
  const end = Math.max(begin, bound(to, length, length));
  if (isList(value)) return value.slice(begin, end);
  const array = value as NdArray;
  return rowsOf(array, begin, end, [end - begin, ...array.shape.slice(1)]);
}

function bound(value: Operand, missing: number, length: number): number {
  if (value === undefined) return missing;
  const at = wholeNumber(value);
  return Math.min(length, Math.max(0, at < 0 ? at + length : at));
}

function wholeNumber(value: Operand): number {
  const number = wantNumber(value);
  if (!Number.isInteger(number)) throw new Error(`an index is a whole number, not ${number}`);
  return number;
}

function rowsOf({ dtype, shape, data }: NdArray, from: number, to: number, newShape: readonly number[]): NdArray {
  const size = shape.slice(1).reduce((product, length) => product * length, 1);
  return { dtype, shape: newShape, data: data.subarray(from * size, to * size) };
}
