/** A document and its contents become a constant: dtype, shape and size are checked here, once for all receivers. */

import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.ts';
import { DTYPES, type Dtype, dtypeOf, ELEMENT_BYTES, parseShape, shapeText } from '../npy.ts';
import { integerField, textField } from './document.ts';
import type { Constant, DocRecord } from './types.ts';

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
