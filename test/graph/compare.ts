import { isArray, isList, type Key, type Value, valueFromJson } from '../../lib/graph/value.ts';

/**
 * Compares a value with what a case file expects: integers are equal, floats within `rtol` or 1e-12.
 * @returns where they differ, or undefined
 */
export function difference(got: Value | undefined, wanted: unknown, rtol: number): string | undefined {
  if (typeof wanted === 'object' && wanted !== null && '$any' in wanted) return undefined;
  return between(got, valueFromJson(wanted), rtol);
}

function between(got: Value | undefined, wanted: Value | undefined, rtol: number): string | undefined {
  if (typeof wanted === 'number' && typeof got === 'number')
    return close(got, wanted, rtol) ? undefined : `: ${got}, not ${wanted}`;
  const list = elements(wanted);
  if (list) {
    const own = elements(got);
    if (!own || own.length !== list.length) return `: ${own?.length ?? typeof got} elements, not ${list.length}`;
    for (const [i, item] of list.entries()) {
      const where = between(own[i], item, rtol);
      if (where) return `[${i}]${where}`;
    }
    return undefined;
  }
  if (wanted instanceof Map) {
    const own = got instanceof Map ? (got as ReadonlyMap<Key, Value>) : new Map<Key, Value>();
    if (own.size !== wanted.size) return `: ${own.size} keys, not ${wanted.size}`;
    for (const [key, item] of wanted) {
      const where = between(own.get(key), item, rtol);
      if (where) return `{${key}}${where}`;
    }
    return undefined;
  }
  return got === wanted ? undefined : `: ${String(got)}, not ${String(wanted)}`;
}

/** Elements of a list, or rows of an array: both notations are the same. */
function elements(value: Value | undefined): readonly (Value | undefined)[] | undefined {
  if (isList(value)) return value;
  if (!isArray(value)) return undefined;
  const [length = 0, ...rest] = value.shape;
  const size = rest.reduce((product, one) => product * one, 1);
  return Array.from({ length }, (_, i) =>
    rest.length === 0
      ? value.data[i]
      : { dtype: value.dtype, shape: rest, data: value.data.subarray(i * size, (i + 1) * size) },
  );
}

function close(got: number, wanted: number, rtol: number): boolean {
  if (Object.is(got, wanted) || got === wanted) return true;
  return Math.abs(got - wanted) <= Math.max(1e-12, rtol * Math.abs(wanted));
}
