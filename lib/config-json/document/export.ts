/** One block of values as a configuration document, with a list of what the schema cannot say. */

import { isUtf8 } from 'node:buffer';
import { CODE, fieldTypeName, MAX_RANK } from '../../xtc/layout.ts';
import { describeNames, type Field } from '../../xtc/names.ts';
import type { ShapesData } from '../../xtc/shapes-data.ts';
import { findNul } from '../../xtc/text.ts';
import { isText } from '../../xtc/value.ts';
import { type Labels, readLabels, splitEnumValue } from './labels.ts';
import { elementText, INFINITE } from './number-text.ts';
import { type Placed, type Placement, placeFields } from './place.ts';

export interface ExportOptions {
  /** Turn `x_0, x_1, ...` into lists. Default true. */
  lists?: boolean;
  /** Write the detector name with `_` and the segment number. Default false. */
  joinSegment?: boolean;
}

/** A document, ready to be written. */
export interface ExportedDocument {
  /** `hsd_0 config`. */
  title: string;
  detType: string;
  detName: string;
  detId: string;
  alg: string;
  version: readonly [number, number, number];
  enums: Labels['enums'];
  placement: Placement;
  /** JSON text of a field's value, by field number of `placement`. */
  values: string[];
  /** What converting the document back will not bring back. */
  losses: string[];
}

const FIELD_NAME = /^[0-9A-Za-z_.:]*$/;
const DET_NAME = /^[0-9A-Za-z_]*$/;

/** The document of a block; everything is copied, so the block may move on. */
export function exportBlock(block: ShapesData, options: ExportOptions = {}): ExportedDocument {
  const { names } = block;
  const losses: string[] = [];
  const labels = readLabels(block);
  const placed: (Placed & { field: Field })[] = [];
  const values: string[] = [];
  for (const field of names.fields.slice(0, block.count)) {
    if (field.type === CODE.ENUMDICT) continue;
    const why = inexpressible(field);
    if (why !== undefined) {
      losses.push(`${field.name}: left out: ${why}`);
      continue;
    }
    placed.push({ ...declare(block, field, labels), field });
    values.push(valueText(block, field, losses));
    if (!FIELD_NAME.test(field.name))
      losses.push(`${field.name}: the name has characters other than 0-9 A-Z a-z _ . :`);
    if (field.alg !== '' || field.version !== 0)
      losses.push(`${field.name}: its own algorithm ${field.alg} is left out`);
  }
  const placement = placeFields(placed, { lists: options.lists ?? true });
  for (const [field, why] of labels.lost) losses.push(`${field.name}: left out: ${why}`);
  for (const index of placement.left)
    losses.push(`${placed[index]!.field.name}: left out: a second field of that name`);
  if (labels.reordered) losses.push('labels of enums: they come back sorted and in front of the data');
  if (placement.reordered) losses.push('fields: they come back sorted');
  losses.push(...blockLosses(block, options));
  const join = options.joinSegment === true;
  return {
    title: describeNames(names),
    detType: names.detType,
    detName: join ? `${names.detName}_${names.segment}` : names.detName,
    detId: names.detId,
    alg: names.alg,
    version: [(names.version >>> 16) & 0xff, (names.version >>> 8) & 0xff, names.version & 0xff],
    enums: labels.enums,
    placement,
    values,
    losses,
  };
}

function inexpressible(field: Field): string | undefined {
  if (field.rank > MAX_RANK) return `rank ${field.rank} is beyond ${MAX_RANK}`;
  if (field.type === CODE.CHARSTR && field.rank !== 1) return `a text of rank ${field.rank}`;
  return undefined;
}

function declare(block: ShapesData, field: Field, labels: Labels): Placed {
  let { name } = field;
  let type = fieldTypeName(field.type);
  if (field.type === CODE.ENUMVAL) ({ name, type } = splitEnumValue(name, labels.enums));
  if (field.rank === 0 || isText(field)) return { name, type: JSON.stringify(type), list: false };
  return { name, type: `[${[JSON.stringify(type), ...block.shape(field.index)].join(', ')}]`, list: true };
}

function valueText(block: ShapesData, field: Field, losses: string[]): string {
  if (isText(field)) return textValue(block, field, losses);
  const { view } = block;
  const at = block.at(field.index);
  const elements = field.rank === 0 ? 1 : block.byteLength(field.index) / field.elementSize;
  const texts: string[] = [];
  for (let i = 0; i < elements; i++) texts.push(elementText(view, field.type, at + i * field.elementSize));
  if (texts.includes('null')) losses.push(`${field.name}: JSON has no NaN: null is written, which converts to nothing`);
  if (texts.some((text) => text.endsWith(INFINITE))) {
    losses.push(`${field.name}: JSON has no infinity: ${INFINITE} is written, which needs json2xtc --compat`);
  }
  return field.rank === 0 ? texts[0]! : `[${texts.join(', ')}]`;
}

function textValue(block: ShapesData, field: Field, losses: string[]): string {
  const stored = block.fieldBytes(field.index);
  const length = findNul(stored, 0, stored.length);
  if (length === stored.length) losses.push(`${field.name}: the text has no NUL; it comes back with one`);
  else if (stored.length !== Math.ceil((length + 1) / 4) * 4) {
    losses.push(
      `${field.name}: ${stored.length} bytes are stored for ${length}; it comes back padded to a multiple of 4`,
    );
  }
  if (!isUtf8(stored.subarray(0, length))) losses.push(`${field.name}: the text is Latin-1; it comes back as UTF-8`);
  return JSON.stringify(block.string(field.index));
}

function blockLosses(block: ShapesData, options: ExportOptions): string[] {
  const { names, layout } = block;
  const losses: string[] = [];
  const texts = [names.detType, names.detName, names.detId, names.alg];
  if (!DET_NAME.test(names.detName)) {
    losses.push(`detector name "${names.detName}": it has characters other than 0-9 A-Z a-z _`);
  }
  if (texts.some((text) => Buffer.byteLength(text) > 255))
    losses.push('texts of the description: longer than 255 bytes as UTF-8');
  if (names.segment !== 0 && options.joinSegment !== true) losses.push(`segment ${names.segment}: it comes back as 0`);
  if (names.version > 0xffffff)
    losses.push(`algorithm version 0x${names.version.toString(16)}: it has three parts only`);
  if (names.numArrays !== names.arrays) losses.push(`numArrays ${names.numArrays}: it comes back as ${names.arrays}`);
  if (!layout.shapes || layout.dataFirst) losses.push('order inside the block: it comes back with Shapes before Data');
  if (layout.surplus > 0) losses.push(`${layout.surplus} surplus bytes of Shapes`);
  if (block.damage !== 0 || block.childDamage().length > 0) losses.push('damage of the block');
  if (block.count < names.fields.length) losses.push(`${names.fields.length - block.count} fields that cannot be read`);
  return losses;
}
