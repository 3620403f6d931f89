/** The literals of lists of numbers, which have no nodes of their own. */

import type { JsonList, JsonNumbers } from '../../json/node.ts';
import { NumberLiteral } from './literal.ts';

/** Positions of the number literals of a short list; undefined for items that are no numbers. */
export function numberItems(node: JsonList | JsonNumbers, bytes: Buffer): (number | undefined)[] {
  if (node.kind === 'list') return node.items.map((item) => (item.kind === 'number' ? item.at : undefined));
  const starts: number[] = [];
  const literal = new NumberLiteral();
  let at = node.at + 1;
  for (let i = 0; i < node.count; i++) {
    at = nextLiteral(bytes, at);
    starts.push(at);
    literal.read(bytes, at);
    at = literal.end;
  }
  return starts;
}

/** Position of the next literal of a list of plain numbers: what stands between is white space and commas. */
export function nextLiteral(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at]! <= COMMA) at++;
  return at;
}

const COMMA = 0x2c;
