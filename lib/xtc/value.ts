/** Field values as JavaScript values and as JSON text (spec dgram-json.md, "Values by type and rank"). */

import { hash } from 'node:crypto';
import { CODE, DTYPES, ELEMENT_SIZE } from './layout.ts';
import type { Field } from './names.ts';
import { readNumber, type ShapesData } from './shapes-data.ts';

export const ARRAY_MODES = ['none', 'head', 'md5', 'full'] as const;
export type ArrayMode = (typeof ARRAY_MODES)[number];

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** True for fields that are delivered as text. */
export function isText(field: Field): boolean {
  return field.type === CODE.CHARSTR && field.rank === 1;
}

/** One element: a number, or a bigint where a number would lose digits. */
export function readElement(view: DataView, type: number, at: number): number | bigint {
  if (type !== CODE.UINT64 && type !== CODE.INT64) return readNumber(view, type, at);
  const value = type === CODE.UINT64 ? view.getBigUint64(at, true) : view.getBigInt64(at, true);
  return value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : value;
}

/** JSON text of one element; NaN and infinities, and integers beyond 2^53 - 1, are strings. */
export function elementJson(view: DataView, type: number, at: number): string {
  const value = readElement(view, type, at);
  if (typeof value === 'bigint') return `"${value}"`;
  if (Number.isFinite(value)) return value === 0 ? '0' : String(value);
  return `"${value}"`;
}

/** Number of elements of an array field. */
export function elementCount(block: ShapesData, field: Field): number {
  return block.byteLength(field.index) / field.elementSize;
}

/** JSON text of a field that is neither text nor a scalar. */
export function arrayJson(block: ShapesData, field: Field, mode: ArrayMode, head: number): string {
  const shape = block.shape(field.index);
  const at = block.at(field.index);
  if (mode === 'full') return nested(block.view, field.type, at, shape);
  const elements = elementCount(block, field);
  let text = `{"dtype":"${DTYPES[field.type]}","shape":[${shape.join(',')}]`;
  if (mode !== 'none') text += `,"head":${list(block.view, field.type, at, Math.min(head, elements))}`;
  if (mode === 'md5') text += `,"md5":"${hash('md5', block.fieldBytes(field.index))}"`;
  return `${text}}`;
}

const PIECE = 4096;

function list(view: DataView, type: number, at: number, count: number): string {
  const size = ELEMENT_SIZE[type]!;
  // Piece by piece: one array of millions of small strings takes ten times the memory of their text.
  const pieces: string[] = [];
  for (let first = 0; first < count; first += PIECE) {
    const parts: string[] = [];
    for (let i = first; i < Math.min(first + PIECE, count); i++) parts.push(elementJson(view, type, at + i * size));
    pieces.push(parts.join(','));
  }
  return `[${pieces.join(',')}]`;
}

function nested(view: DataView, type: number, at: number, shape: readonly number[]): string {
  if (shape.length === 1) return list(view, type, at, shape[0]!);
  const [rows, ...inner] = shape;
  const stride = inner.reduce((product, dim) => product * dim, ELEMENT_SIZE[type]!);
  // Without elements the outer dimensions could still be astronomically large.
  if (stride === 0) return '[]';
  const parts: string[] = [];
  for (let row = 0; row < rows!; row++) parts.push(nested(view, type, at + row * stride, inner));
  return `[${parts.join(',')}]`;
}
