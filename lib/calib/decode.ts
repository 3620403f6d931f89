/** A document and its contents become a constant: dtype, shape and size are checked here, once for all receivers. */

import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.ts';
import { integerField, textField } from './document.ts';
import { type Constant, type DocRecord, type Dtype, ELEMENT_BYTES } from './types.ts';

/** As documents write them, and as files of numpy do. */
const DTYPES: Readonly<Record<string, Dtype>> = {
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

/** Whose constant it is, for messages. */
export interface ConstantPlace {
  readonly detector: string;
  readonly ctype: string;
  readonly source: string;
}

/**
 * @param bytes contents; kept, not copied
 * @param sha256 of the contents, hexadecimal
 * @throws DataError `calib-document` that names detector, ctype and document, and what is wrong
 */
export function decodeConstant(doc: DocRecord, bytes: Buffer, sha256: string, place: ConstantPlace): Constant {
  const wrong = (what: string) => constantError(doc, place, what);
  switch (doc.data_type) {
    case 'ndarray':
      return { kind: 'ndarray', bytes, doc, sha256, ...arrayOf(doc, bytes, wrong) };
    case 'str': {
      if (!isUtf8(bytes)) throw wrong('its text is not UTF-8');
      // Characters or bytes, depending on who wrote it: never more than there are bytes.
      const size = integerField(doc, 'data_size');
      if (size !== undefined && bytes.length < size) {
        throw wrong(`its text of ${size} characters has come with ${bytes.length} bytes`);
      }
      return { kind: 'str', bytes, doc, sha256 };
    }
    case 'any':
      return { kind: 'any', bytes, doc, sha256 };
    default:
      throw wrong(`its data_type ${shown(doc.data_type)} is none of ndarray, str, any`);
  }
}

/** A complaint about one constant. */
export function constantError(doc: DocRecord, { detector, ctype, source }: ConstantPlace, what: string): DataError {
  const id = textField(doc, '_id') ?? 'without _id';
  return new DataError('calib-document', `${detector} ${ctype}: document ${id}: ${what}`, { place: { file: source } });
}

function arrayOf(doc: DocRecord, bytes: Buffer, wrong: (what: string) => DataError): { dtype: Dtype; shape: number[] } {
  const name = textField(doc, 'data_dtype');
  const dtype = name === undefined ? undefined : dtypeOf(name);
  if (dtype === undefined) {
    throw wrong(`its data_dtype ${shown(doc.data_dtype)} is none of ${Object.keys(DTYPES).join(', ')}`);
  }
  const text = textField(doc, 'data_shape');
  const shape = text === undefined ? undefined : parseShape(text);
  if (shape === undefined) throw wrong(`its data_shape ${shown(doc.data_shape)} is no shape such as (3, 6)`);
  const size = shape.reduce((product, length) => product * length, ELEMENT_BYTES[dtype]);
  if (size !== bytes.length) {
    throw wrong(`${name} of shape ${shapeText(shape)} are ${size} bytes, but ${bytes.length} have come`);
  }
  return { dtype, shape };
}

function shown(value: unknown): string {
  if (value === undefined) return 'is missing and';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : 'is no text and';
}
