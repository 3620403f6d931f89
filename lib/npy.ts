/** Files of numpy.save, and its words for elements and shapes. Only little-endian arrays in C order, so that contents need no change. */

import { DataError } from './errors.ts';

/** Words of numpy's array interface, little endian; everything else is refused. */
export type Dtype = '<f4' | '<f8' | '|i1' | '<i2' | '<i4' | '<i8' | '|u1' | '<u2' | '<u4' | '<u8' | '|b1';

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<Dtype, number>> = {
  '<f4': 4,
  '<f8': 8,
  '|i1': 1,
  '<i2': 2,
  '<i4': 4,
  '<i8': 8,
  '|u1': 1,
  '<u2': 2,
  '<u4': 4,
  '<u8': 8,
  '|b1': 1,
};

/** Names as people and documents write them. */
export const DTYPES: Readonly<Record<string, Dtype>> = {
  float32: '<f4',
  float64: '<f8',
  int8: '|i1',
  int16: '<i2',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
  bool: '|b1',
};

/** numpy takes no more. */
const MOST_DIMENSIONS = 32;

/** The word of numpy's array interface for a name (`float32`) or a word (`<f4`); undefined for everything we refuse. */
export function dtypeOf(text: string): Dtype | undefined {
  if (Object.hasOwn(DTYPES, text)) return DTYPES[text];
  return Object.hasOwn(ELEMENT_BYTES, text) ? (text as Dtype) : undefined;
}

/** `float32` for `<f4`. */
export function dtypeName(dtype: Dtype): string {
  return Object.keys(DTYPES).find((name) => DTYPES[name] === dtype)!;
}

/**
 * `(3, 6)`, `(5,)`, `()`: digits, commas and blanks in one pair of parentheses. Never evaluated.
 * @returns undefined for anything else
 */
export function parseShape(text: string): number[] | undefined {
  const inside = /^ *\(([\d, ]*)\) *$/.exec(text)?.[1]?.trim();
  if (inside === undefined) return undefined;
  if (inside === '') return [];
  const words = inside.replace(/,$/, '').split(',');
  if (words.length > MOST_DIMENSIONS || !words.every((word) => /^ *\d{1,15} *$/.test(word))) return undefined;
  return words.map(Number);
}

/** `(3, 6)`, `(5,)`, as Python writes tuples. */
export function shapeText(shape: readonly number[]): string {
  return `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** numpy puts contents at a multiple of this. */
const ALIGNMENT = 64;
const VERSION_1_PREFIX = 10;
const VERSION_2_PREFIX = 12;

export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Where the contents begin. */
  readonly start: number;
}

/** @throws DataError `npy-file` that says what is wrong with the file */
export function readNpyHeader(bytes: Buffer, file: string): NpyHeader {
  const wrong = (what: string) => new DataError('npy-file', what, { place: { file } });
  if (bytes.length < VERSION_2_PREFIX || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw wrong('this is no file of numpy.save');
  }
  const first = bytes[MAGIC.length] === 1;
  const prefix = first ? VERSION_1_PREFIX : VERSION_2_PREFIX;
  const start = prefix + (first ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (start > bytes.length) throw wrong('the header is cut short');
  const header = bytes.toString('latin1', prefix, start);
  const descr = /'descr': *'([^']*)'/.exec(header)?.[1];
  const dtype = descr === undefined ? undefined : dtypeOf(descr);
  if (dtype === undefined)
    throw wrong(`elements ${descr ?? 'of a structure'} cannot be used: save numbers, little endian`);
  const shape = parseShape(/'shape': *(\([^)]*\))/.exec(header)?.[1] ?? '');
  if (shape === undefined) throw wrong('the header has no shape');
  if (shape.length > 1 && !/'fortran_order': *False/.test(header)) {
    throw wrong('the array is in Fortran order: save numpy.ascontiguousarray(a)');
  }
  return { dtype, shape, start };
}

/** The header of such a file, version 1.0. `<U5`: texts of at most five characters, four bytes each. */
export function npyHeader(dtype: Dtype | `<U${number}`, shape: readonly number[]): Buffer {
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${shapeText(shape)}, }`;
  const length = Math.ceil((VERSION_1_PREFIX + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(length, ' ', 'latin1');
  MAGIC.copy(header);
  header.writeUInt16LE(length - VERSION_1_PREFIX, 8);
  header[MAGIC.length] = 1;
  header[MAGIC.length + 1] = 0;
  header.write(text, VERSION_1_PREFIX, 'latin1');
  header[length - 1] = 0x0a;
  return header;
}
