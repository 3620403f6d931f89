/**
 * States and values as JSON with raw buffers beside it (spec graph.md 5, on the wire). Typed arrays become `{"$b": number, "t": type}`,
 * Maps `{"$m": [[key, value], ...]}`, objects with keys that begin with $ `{"$o": [[key, value], ...]}`, and what JSON cannot say `{"$n": name}`. No code, no pickle.
 */

import { DataError } from '../../errors.ts';

const TYPES = {
  f64: Float64Array,
  f32: Float32Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
} as const;
type TypeName = keyof typeof TYPES;
type AnyArray = InstanceType<(typeof TYPES)[TypeName]>;

const NAMES = Object.entries(TYPES) as [TypeName, (typeof TYPES)[TypeName]][];
const ODD: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** Lays typed arrays aside into `buffers`; what is left is JSON. */
export function toPlain(value: unknown, buffers: AnyArray[]): unknown {
  if (typeof value === 'number') return oddName(value) ?? value;
  if (value === undefined) return { $n: 'nothing' };
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => toPlain(item, buffers));
  if (value instanceof Map) return { $m: [...value].map(([key, item]) => [key, toPlain(item, buffers)]) };
  const type = NAMES.find(([, kind]) => value instanceof kind)?.[0];
  if (type !== undefined) {
    buffers.push(value as AnyArray);
    return { $b: buffers.length - 1, t: type };
  }
  const entries = Object.entries(value).map(([key, item]) => [key, toPlain(item, buffers)] as const);
  // Keys of users' own states may begin with $ too.
  return entries.some(([key]) => key.startsWith('$')) ? { $o: entries } : Object.fromEntries(entries);
}

function oddName(value: number): { $n: string } | undefined {
  if (Number.isFinite(value)) return Object.is(value, -0) ? { $n: '-0' } : undefined;
  return { $n: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf' };
}

/**
 * The value again; arrays are views of `buffers` where they are aligned.
 * @throws DataError `graph-frame`
 */
export function fromPlain(plain: unknown, buffers: readonly Buffer[]): unknown {
  if (plain === null || typeof plain !== 'object') return plain;
  if (Array.isArray(plain)) return plain.map((item) => fromPlain(item, buffers));
  const object = plain as Readonly<Record<string, unknown>>;
  if ('$n' in object) return object.$n === 'nothing' ? undefined : ODD[String(object.$n)];
  if ('$b' in object) return arrayFrom(object, buffers);
  if ('$m' in object) return new Map(pairsOf<unknown>(object.$m, buffers));
  if ('$o' in object) return Object.fromEntries(pairsOf<string>(object.$o, buffers));
  return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, fromPlain(item, buffers)]));
}

function pairsOf<K>(pairs: unknown, buffers: readonly Buffer[]): [K, unknown][] {
  if (!Array.isArray(pairs)) throw new DataError('graph-frame', 'a map that is no list of pairs');
  return pairs.map((pair) => {
    const [key, item] = pair as [K, unknown];
    return [key, fromPlain(item, buffers)];
  });
}

function arrayFrom({ $b: index, t: type }: Readonly<Record<string, unknown>>, buffers: readonly Buffer[]): AnyArray {
  const bytes = buffers[Number(index)];
  const Kind = Object.hasOwn(TYPES, String(type)) ? TYPES[type as TypeName] : undefined;
  if (!bytes || !Kind || bytes.length % Kind.BYTES_PER_ELEMENT !== 0)
    throw new DataError('graph-frame', `array ${String(index)} of type ${String(type)} does not fit its buffer`);
  const length = bytes.length / Kind.BYTES_PER_ELEMENT;
  const { buffer } = bytes;
  if (bytes.byteOffset % Kind.BYTES_PER_ELEMENT === 0 && buffer instanceof ArrayBuffer)
    return new Kind(buffer, bytes.byteOffset, length);
  return new Kind(new Uint8Array(bytes).buffer, 0, length);
}
