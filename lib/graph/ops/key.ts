import { describeValue, type Key, type Value } from '../value.ts';

/** Numbers by value, with -0 as 0, or strings; undefined for NaN, which is left out (spec 2.5). @throws Error for other kinds */
export function keyOf(value: Value): Key | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value + 0;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new Error(`a key is a number or a string, not ${describeValue(value)}`);
}

/** Ascending; numbers before strings. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  return typeof b === 'number' ? 1 : a < b ? -1 : a > b ? 1 : 0;
}
