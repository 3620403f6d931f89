/** Files of numpy.save: header in, header out. Only little-endian arrays in C order, so that contents need no change. */

import { DataError } from '../../errors.ts';
import { dtypeOf, parseShape, shapeText } from '../decode.ts';
import type { Dtype } from '../types.ts';

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

/** @throws DataError `calib-source` that says what is wrong with the file */
export function readNpyHeader(bytes: Buffer, file: string): NpyHeader {
  const wrong = (what: string) => new DataError('calib-source', what, { place: { file } });
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

/** The header of such a file, version 1.0. */
export function npyHeader(dtype: Dtype, shape: readonly number[]): Buffer {
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
