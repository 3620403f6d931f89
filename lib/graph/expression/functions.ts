/** The functions of graph expressions (spec graph.md 3.1). Arrays go element by element. */

import { describeValue, isArray, isList, type NdArray, type Value } from '../value.ts';

export type Operand = Value | undefined;

export function wantNumber(value: Operand): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new Error(`a number is wanted, not ${describeValue(value)}`);
}

const ELEMENTWISE: Readonly<Record<string, (x: number) => number>> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  floor: Math.floor,
  ceil: Math.ceil,
  round: halfToEven,
};

/** As Python does: 0.5 and 1.5 become 0 and 2. */
function halfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

type Summary = (numbers: ArrayLike<number>) => number;

const SUMMARIES: Readonly<Record<string, Summary>> = {
  sum,
  mean: (numbers) => sum(numbers) / numbers.length,
  std: (numbers) => {
    const mean = sum(numbers) / numbers.length;
    let squares = 0;
    for (let i = 0; i < numbers.length; i++) squares += (numbers[i]! - mean) ** 2;
    return Math.sqrt(squares / numbers.length);
  },
  min: (numbers) => extreme(numbers, Math.min),
  max: (numbers) => extreme(numbers, Math.max),
};

function sum(numbers: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i]!;
  return total;
}

function extreme(numbers: ArrayLike<number>, better: (a: number, b: number) => number): number {
  if (numbers.length === 0) throw new Error('there is nothing to compare');
  let best = numbers[0]!;
  for (let i = 1; i < numbers.length; i++) best = better(best, numbers[i]!);
  return best;
}

/** How many values each function takes. */
export const FUNCTIONS: ReadonlyMap<string, { least: number; most: number }> = new Map([
  ...[...Object.keys(ELEMENTWISE), 'isnan', 'len', 'sum', 'mean', 'std'].map(
    (name) => [name, { least: 1, most: 1 }] as const,
  ),
  ...['min', 'max'].map((name) => [name, { least: 1, most: Number.POSITIVE_INFINITY }] as const),
]);

/** @returns what a call of `name` does. @throws Error (when called) for values of a wrong kind */
export function functionNamed(name: string): (args: readonly Operand[]) => Operand {
  const each = ELEMENTWISE[name];
  if (each) return ([value]) => (isArray(value) ? mapped(value, each) : each(wantNumber(value)));
  if (name === 'isnan') return ([value]) => Number.isNaN(wantNumber(value));
  if (name === 'len') return ([value]) => lengthOf(value);
  const summary = SUMMARIES[name] as Summary;
  return (args) => summary(args.length === 1 ? numbersOf(args[0]) : args.map(wantNumber));
}

function lengthOf(value: Operand): number {
  if (isArray(value)) return value.shape[0] ?? 0;
  if (isList(value) || typeof value === 'string') return value.length;
  if (value instanceof Map) return value.size;
  throw new Error(`${describeValue(value)} has no length`);
}

function numbersOf(value: Operand): ArrayLike<number> {
  if (isArray(value)) return value.data;
  if (isList(value)) return value.map(wantNumber);
  throw new Error(`an array or a list is wanted, not ${describeValue(value)}`);
}

function mapped(array: NdArray, each: (x: number) => number): NdArray {
  const data = new Float64Array(array.data.length);
  for (let i = 0; i < data.length; i++) data[i] = each(array.data[i]!);
  return { dtype: 'float64', shape: array.shape, data };
}
