/** One block of values as a configuration document, with a list of what the schema cannot say. */

import { isUtf8 } from 'node:buffer';
import { CODE, fieldTypeName, MAX_RANK } from '../../xtc/layout.ts';
import { describeNames, type Field } from '../../xtc/names.ts';
import type { ShapesData } from '../../xtc/shapes-data.ts';
import { findNul } from '../../xtc/text.ts';
import { isText } from '../../xtc/value.ts';
import { type Labels, readLabels, splitEnumValue } from './labels.ts';
import { elementText, INFINITE, integersText } from './number-text.ts';
import { type Placed, type Placement, placeFields } from './place.ts';

export interface ExportOptions {
  /** Turn `x_0, x_1, ...` into lists. Default true. */
  lists?: boolean;
  /** Write the detector name with `_` and the segment number. Default false. */
  joinSegment?: boolean;
}

/** Something that a document cannot say, or not completely. */
export interface Loss {
  /** A field's name, or a part of the block. */
  what: string;
  why: string;
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
  losses: Loss[];
}

const FIELD_NAME = /^[0-9A-Za-z_.:]*$/;
const DET_NAME = /^[0-9A-Za-z_]*$/;

/** The document of a block; everything is copied, so the block may move on. */
export function exportBlock(block: ShapesData, options: ExportOptions = {}): ExportedDocument {
  const { names } = block;
  const losses: Loss[] = [];
  const labels = readLabels(block);
  const placed: (Placed & { field: Field })[] = [];
  const values: string[] = [];
  for (const field of names.fields.slice(0, block.count)) {
    if (field.type === CODE.ENUMDICT) continue;
    const why = inexpressible(field);
    if (why !== undefined) {
      losses.push({ what: field.name, why: `left out: ${why}` });
      continue;
    }
    placed.push({ ...declare(block, field, labels), field });
    values.push(valueText(block, field, losses));
    if (!FIELD_NAME.test(field.name))
      losses.push({ what: field.name, why: 'the name has characters other than 0-9 A-Z a-z _ . :' });
    if (field.alg !== '' || field.version !== 0)
      losses.push({ what: field.name, why: `its own algorithm ${field.alg} is left out` });
  }
  const placement = placeFields(placed, { lists: options.lists ?? true });
  for (const [field, why] of labels.lost) losses.push({ what: field.name, why: `left out: ${why}` });
  for (const index of placement.left)
    losses.push({ what: placed[index]!.field.name, why: 'left out: a second field of that name' });
  if (labels.reordered) losses.push({ what: 'labels of enums', why: 'they come back sorted and in front of the data' });
  if (placement.reordered) losses.push({ what: 'order of the fields', why: 'they come back sorted' });
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

function valueText(block: ShapesData, field: Field, losses: Loss[]): string {
  if (isText(field)) return textValue(block, field, losses);
  const floating = field.type === CODE.FLOAT || field.type === CODE.DOUBLE;
  if (field.rank > 0 && !floating) return `[${integersText(block.fieldBytes(field.index), field.type)}]`;
  const at = block.at(field.index);
  const elements = field.rank === 0 ? 1 : block.byteLength(field.index) / field.elementSize;
  const texts: string[] = [];
  for (let i = 0; i < elements; i++) texts.push(elementText(block.view, field.type, at + i * field.elementSize));
  if (floating && texts.includes('null')) {
    losses.push({ what: field.name, why: 'JSON has no NaN: null is written, which converts to nothing' });
  }
  if (floating && texts.some((text) => text.endsWith(INFINITE))) {
    const why = `JSON has no infinity: ${INFINITE} is written, which needs json2xtc --compat`;
    losses.push({ what: field.name, why });
  }
  return field.rank === 0 ? texts[0]! : `[${texts.join(', ')}]`;
}

function textValue(block: ShapesData, field: Field, losses: Loss[]): string {
  const stored = block.fieldBytes(field.index);
  const length = findNul(stored, 0, stored.length);
  if (length === stored.length) losses.push({ what: field.name, why: 'the text has no NUL; it comes back with one' });
  else if (stored.length !== Math.ceil((length + 1) / 4) * 4) {
    losses.push({
      what: field.name,
      why: 'the stored length is not that of the text padded to a multiple of 4, which comes back',
    });
  }
  if (!isUtf8(stored.subarray(0, length)))
    losses.push({ what: field.name, why: 'the text is Latin-1; it comes back as UTF-8' });
  return JSON.stringify(block.string(field.index));
}

function blockLosses(block: ShapesData, options: ExportOptions): Loss[] {
  const { names, layout } = block;
  const losses: Loss[] = [];
  const lose = (what: string, why: string) => losses.push({ what, why });
  const texts = [names.detType, names.detName, names.detId, names.alg];
  if (!DET_NAME.test(names.detName)) lose('detector name', 'it has characters other than 0-9 A-Z a-z _');
  if (texts.some((text) => Buffer.byteLength(text) > 255))
    lose('description', 'a text is longer than 255 bytes as UTF-8');
  if (names.segment !== 0 && options.joinSegment !== true) lose(`segment ${names.segment}`, 'it comes back as 0');
  if (names.version > 0xffffff) lose('algorithm version', 'only three of its four bytes come back');
  if (names.numArrays !== names.arrays) lose(`numArrays ${names.numArrays}`, `it comes back as ${names.arrays}`);
  if (!layout.shapes || layout.dataFirst) lose('order inside the block', 'it comes back with Shapes before Data');
  if (layout.surplus > 0) lose(`${layout.surplus} surplus bytes of Shapes`, 'they do not come back');
  if (block.damage !== 0 || block.childDamage().length > 0) lose('damage of the block', 'it does not come back');
  for (const field of names.fields.slice(block.count)) lose(field.name, 'left out: the value cannot be read');
  return losses;
}

const SHOWN = 5;

/** Lines for a person, one per reason; what a reason concerns is named up to the fifth, or completely. */
export function lossLines(document: ExportedDocument, all: boolean): string[] {
  const byReason = new Map<string, string[]>();
  for (const { what, why } of document.losses) {
    const same = byReason.get(why);
    if (same) same.push(what);
    else byReason.set(why, [what]);
  }
  return [...byReason].map(([why, what]) => {
    const shown = all ? what : what.slice(0, SHOWN);
    const more = what.length > shown.length ? ` and ${what.length - shown.length} more` : '';
    return `${document.title}: ${shown.join(', ')}${more}: ${why}`;
  });
}
