/** What user code may give back, as values of the graph, and what it may keep as state. */

import { describeValue, isDtype, type Key, type NdArray, type NumericArray, type Value } from '../value.ts';

const DTYPE_OF: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [Float64Array, 'float64'],
  [Float32Array, 'float32'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Int16Array, 'int16'],
  [Uint16Array, 'uint16'],
  [Int32Array, 'int32'],
  [Uint32Array, 'uint32'],
]);
const MAX_DEPTH = 64;

/**
 * Numbers, strings, truth values, lists, typed arrays (of rank 1), `{dtype, shape, data}`, Maps and objects; null and undefined are nothing.
 * @throws Error for anything else
 */
export function graphValue(given: unknown, depth = 0): Value | undefined {
  if (given === null || given === undefined) return undefined;
  if (typeof given === 'number' || typeof given === 'string' || typeof given === 'boolean') return given;
  if (depth > MAX_DEPTH) throw new Error(`a value nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(given)) return given.map((item) => graphValue(item, depth + 1));
  if (given instanceof Map) return mapFrom(given, depth);
  if (typeof given !== 'object') throw new Error(`a ${typeof given} is no value of a graph`);
  const dtype = DTYPE_OF.get(given.constructor);
  if (dtype !== undefined) {
    const data = given as NumericArray;
    return { dtype, shape: [data.length], data };
  }
  if ('shape' in given && 'data' in given) return checkedArray(given as NdArray);
  if (!isPlainObject(given)) throw new Error(`a ${given.constructor?.name} is no value of a graph`);
  return mapFrom(Object.entries(given), depth);
}

function mapFrom(entries: Iterable<readonly [unknown, unknown]>, depth: number): ReadonlyMap<Key, Value> {
  const map = new Map<Key, Value>();
  for (const [key, item] of entries) {
    if (typeof key !== 'number' && typeof key !== 'string') throw new Error('keys of a map are numbers or strings');
    const value = graphValue(item, depth + 1);
    if (value !== undefined) map.set(key, value);
  }
  return map;
}

function checkedArray(array: NdArray): NdArray {
  const { dtype, shape, data } = array;
  const length = Array.isArray(shape) ? shape.reduce((product: number, size) => product * size, 1) : -1;
  if (!isDtype(dtype) || !DTYPE_OF.has(data.constructor) || data.length !== length)
    throw new Error(
      'an array is {dtype, shape, data}: a number type, a list of sizes, and a typed array that fills it',
    );
  return array;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A state travels between processes: numbers, strings, truth values, lists, Maps, plain objects and typed arrays.
 * @throws Error with the place of what is something else
 */
export function checkState(state: unknown, place = 'the state', depth = 0): void {
  if (depth > MAX_DEPTH) throw new Error(`${place} is nested deeper than ${MAX_DEPTH}`);
  if (state === null || typeof state !== 'object') {
    if (typeof state === 'function' || typeof state === 'bigint' || typeof state === 'symbol')
      throw new Error(`${place} is a ${typeof state}, which cannot travel`);
    return;
  }
  if (DTYPE_OF.has(state.constructor)) return;
  if (!(Array.isArray(state) || state instanceof Map || isPlainObject(state)))
    throw new Error(`${place} is a ${state.constructor?.name}, which cannot travel`);
  const entries = state instanceof Map ? state : Object.entries(state);
  for (const [key, item] of entries as Iterable<[unknown, unknown]>)
    checkState(item, `${place}.${String(key)}`, depth + 1);
}

/** What `output` gave, in the order of the ports: an object or Map by port, or a list. @throws Error */
export function portsOf(given: unknown, ports: readonly string[]): readonly (Value | undefined)[] {
  if (given === null || given === undefined) return [];
  if (Array.isArray(given)) {
    if (given.length !== ports.length)
      throw new Error(`output gave ${given.length} values for ${ports.length} ports: ${ports.join(', ')}`);
    return given.map((item) => graphValue(item));
  }
  const value = graphValue(given);
  if (!(value instanceof Map))
    throw new Error(`output gave ${describeValue(value)}; give {${ports.map((port) => `${port}: ...`).join(', ')}}`);
  const unknown = [...value.keys()].filter((key) => !ports.includes(String(key)));
  if (unknown.length > 0) throw new Error(`output gave ${unknown.join(', ')}; the ports are ${ports.join(', ')}`);
  return ports.map((port) => value.get(port) as Value | undefined);
}

/** Names of ports as user code says them. @throws Error */
export function checkPorts(given: unknown): readonly string[] {
  const ports = Array.isArray(given) ? (given as unknown[]) : [];
  const good = (port: unknown) => typeof port === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(port);
  if (ports.length === 0 || !ports.every(good) || new Set(ports).size !== ports.length)
    throw new Error(`ports is a list of different names, not ${JSON.stringify(given)}`);
  return ports as string[];
}
