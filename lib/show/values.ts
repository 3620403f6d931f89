/** Field values for people. */

import { CODE, FIELD_TYPES, fieldTypeName } from '../xtc/layout.ts';
import type { Field, NamesTable } from '../xtc/names.ts';
import type { ShapesData } from '../xtc/shapes-data.ts';
import { isText, readElement } from '../xtc/value.ts';

/** `UINT16[512,1024]`, `FLOAT`. */
export function typeText(block: ShapesData, field: Field): string {
  const name = fieldTypeName(field.type);
  return field.rank > 0 ? `${name}[${block.shape(field.index).join(',')}]` : name;
}

/** The value in one line: the first `head` elements of arrays, then an ellipsis. */
export function valueText(block: ShapesData, field: Field, table: NamesTable, head: number): string {
  if (isText(field)) return JSON.stringify(block.string(field.index));
  const at = block.at(field.index);
  if (field.rank === 0) {
    if (field.type !== CODE.ENUMVAL) return numberText(readElement(block.view, field.type, at), field.type);
    const value = block.number(field.index);
    const label = table.label(block.names, field.enumName ?? '', value);
    return label === null ? String(value) : `${value} ${label}`;
  }
  const elements = block.byteLength(field.index) / field.elementSize;
  const shown: string[] = [];
  for (let i = 0; i < Math.min(head, elements); i++) {
    shown.push(numberText(readElement(block.view, field.type, at + i * field.elementSize), field.type));
  }
  return `${shown.join(' ')}${elements > head ? ' ...' : ''}`;
}

/** Floats as short as their stored width allows: 0.1 stored as FLOAT is 0.1, not 0.10000000149011612. */
function numberText(value: number | bigint, type: number): string {
  if (type !== CODE.FLOAT || typeof value === 'bigint' || !Number.isFinite(value)) return String(value);
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

/** Width that holds every type name. */
export const TYPE_WIDTH = Math.max(...FIELD_TYPES.map((name) => name.length));
