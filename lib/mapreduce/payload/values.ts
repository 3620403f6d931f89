/** Results and published values as CBOR (spec mapreduce.md 6.2): typed arrays by RFC 8746, arrays with a shape by tag 40. */

import { addExtension, Encoder } from 'cbor-x';

export type TypedArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** An array with a shape; elements in C order. */
export class NdArray {
  readonly shape: readonly number[];
  readonly data: TypedArray;

  /** @throws RangeError if the shape holds another number of elements */
  constructor(shape: readonly number[], data: TypedArray) {
    if (shape.reduce((product, length) => product * length, 1) !== data.length)
      throw new RangeError(`shape ${shape.join(' x ')} does not hold ${data.length} elements`);
    this.shape = shape;
    this.data = data;
  }
}

const SHAPED = 40;

addExtension({
  Class: NdArray,
  tag: SHAPED,
  encode: ({ shape, data }: NdArray, encode) => encode([shape, data]),
  decode: ([shape, data]: [readonly (number | bigint)[] | TypedArray, TypedArray]) => {
    // An object that only says how long it is would be made as long.
    if (!Array.isArray(shape) && !ArrayBuffer.isView(shape)) throw new TypeError('a shape that is no list of numbers');
    return new NdArray(Array.from(shape as readonly (number | bigint)[], Number), data);
  },
});

/** Large whole numbers. The library takes a time that grows with the square of their length: a megabyte would hold up everybody. */
const LONGEST_NUMBER = 1024;

function bigNumber(bytes: unknown): bigint {
  if (!(bytes instanceof Uint8Array) || bytes.length > LONGEST_NUMBER)
    throw new RangeError(`a whole number that is none, or has more than ${LONGEST_NUMBER} bytes`);
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}

/** The library writes them well enough: only reading is ours. */
const addReader = addExtension as (reader: { readonly tag: number; decode(item: unknown): unknown }) => void;
addReader({ tag: 2, decode: bigNumber });
addReader({ tag: 3, decode: (bytes) => -1n - bigNumber(bytes) });

const codec = new Encoder({ useRecords: false, tagUint8Array: false, structuredClone: false });

/** @throws Error for a value that has no form */
export function encodeValue(value: unknown): Buffer {
  // What the encoder returns lies in memory that it uses again.
  return Buffer.from(codec.encode(value));
}

/** @throws Error for what is no CBOR */
export function decodeValue(bytes: Uint8Array): unknown {
  return codec.decode(bytes);
}
