import { isArray, isList, type Key, type List, type Value } from '../value.ts';

/** Relative to the largest number of an array or list: what rounding may do over some thousand additions. */
const ROUNDING = 1e-9;

/**
 * Compares two values up to rounding: numbers of an array against its largest one.
 * @returns where they differ, as `[3]: 5, not 6`; undefined if they do not
 */
export function differenceOf(a: Value | undefined, b: Value | undefined): string | undefined {
  return between(a, b, Math.max(largest(a), largest(b)) * ROUNDING);
}

function between(a: Value | undefined, b: Value | undefined, allowed: number): string | undefined {
  if (typeof a === 'number' && typeof b === 'number')
    return Object.is(a, b) || a === b || Math.abs(a - b) <= allowed ? undefined : `: ${a}, not ${b}`;
  const [list, other] = [elements(a), elements(b)];
  if (list && other) {
    if (list.length !== other.length) return `: ${list.length} elements, not ${other.length}`;
    return first(
      list.keys(),
      (i) => between(list[i], other[i], allowed),
      (i) => `[${i}]`,
    );
  }
  if (a instanceof Map && b instanceof Map) {
    const [x, y] = [a, b] as [ReadonlyMap<Key, Value>, ReadonlyMap<Key, Value>];
    return first(
      new Set([...x.keys(), ...y.keys()]),
      (key) => between(x.get(key), y.get(key), allowed),
      (key) => `{${key}}`,
    );
  }
  return a === b ? undefined : `: ${said(a)}, not ${said(b)}`;
}

function first<K>(
  keys: Iterable<K>,
  compare: (key: K) => string | undefined,
  name: (key: K) => string,
): string | undefined {
  for (const key of keys) {
    const where = compare(key);
    if (where) return name(key) + where;
  }
  return undefined;
}

function elements(value: Value | undefined): List | undefined {
  if (isArray(value)) return [...value.data];
  return isList(value) ? value : undefined;
}

function largest(value: Value | undefined): number {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.abs(value) : 0;
  const parts = value instanceof Map ? [...(value as ReadonlyMap<Key, Value>).values()] : elements(value);
  return parts?.reduce<number>((most, part) => Math.max(most, largest(part)), 0) ?? 0;
}

function said(value: Value | undefined): string {
  return value === undefined ? 'nothing' : typeof value === 'object' ? 'another kind of value' : JSON.stringify(value);
}
