/** Documents of constants: exact JSON in, exact JSON out, and the fields we look at (spec calib-pub.md, sections 3 and 7). */

import { DataError } from '../errors.ts';
import type { JsonNode } from '../json/node.ts';
import { JsonReader } from '../json/reader.ts';
import { JsonText } from '../json/text.ts';
import { type DocNumber, type DocRecord, type DocValue, isDocNumber } from './types.ts';

/** Documents are flat; this only keeps a hostile one from exhausting the stack. */
const DEEPEST = 64;

/**
 * Reads one JSON value. Integers stay exact, `1.0` stays a float, a key that stands twice has its last value.
 * @throws DataError `json-syntax` with line and column, for anything that is not strict JSON in UTF-8
 */
export function parseExact(bytes: Buffer): DocValue {
  const text = new JsonText(bytes);
  if (text.ignored > 0) throw new DataError('json-syntax', 'the text contains a zero byte');
  const root = new JsonReader(text, (code, path, _at, what) => {
    if (code === 'not-utf8') throw new DataError('json-syntax', what, path === '' ? {} : { place: { key: path } });
  }).document();
  return exactValue(root, text, 0);
}

function exactValue(node: JsonNode, text: JsonText, depth: number): DocValue {
  if (depth > DEEPEST) throw new DataError('json-syntax', `lists and objects are nested more than ${DEEPEST} deep`);
  switch (node.kind) {
    case 'object': {
      const record: Record<string, DocValue> = Object.create(null);
      for (const { key, value } of node.members) {
        record[Buffer.from(key, 'latin1').toString()] = exactValue(value, text, depth + 1);
      }
      return record;
    }
    case 'list':
      return node.items.map((item) => exactValue(item, text, depth + 1));
    case 'numbers': {
      const inside = text.bytes.toString('latin1', node.at + 1, node.end);
      return node.count === 0 ? [] : inside.split(',').map((literal) => numberOf(literal.trim()));
    }
    case 'string':
      return text.stringBytes(node).toString();
    case 'number':
      return numberOf(text.bytes.toString('latin1', node.at, node.end));
    default:
      return node.word === 'null' ? null : node.word === 'true';
  }
}

function numberOf(literal: string): DocNumber {
  return /[.eE]/.test(literal) ? { kind: 'float', value: Number(literal) } : { kind: 'int', value: BigInt(literal) };
}

/** JSON text that reads back to the same value: integers without a fraction, floats always with one or with an exponent. */
export function exactText(value: DocValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isDocNumber(value)) return value.kind === 'int' ? String(value.value) : floatText(value.value);
  if (Array.isArray(value)) return `[${value.map(exactText).join(', ')}]`;
  const members = Object.entries(value as DocRecord).map(([key, item]) => `${JSON.stringify(key)}: ${exactText(item)}`);
  return `{${members.join(', ')}}`;
}

/** JSON has no infinity, which becomes a literal that overflows, and no NaN, which becomes `null`. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'null';
  if (!Number.isFinite(value)) return value < 0 ? '-1e999' : '1e999';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

export function isRecord(value: DocValue): value is DocRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDocNumber(value);
}

/** A field that is a text, else undefined. */
export function textField(doc: DocRecord, key: string): string | undefined {
  const value = doc[key];
  return typeof value === 'string' ? value : undefined;
}

/** A field that is an integer, or a text of digits, as services of different ages wrote them; else undefined. */
export function integerField(doc: DocRecord, key: string): number | undefined {
  const value = doc[key];
  if (typeof value === 'string') return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (value === undefined || !isDocNumber(value) || value.kind !== 'int') return undefined;
  const number = Number(value.value);
  return Number.isSafeInteger(number) ? number : undefined;
}

export function integer(value: number): DocNumber {
  return { kind: 'int', value: BigInt(value) };
}
