/**
 * Bytes of a dgram that no reader looks at, and that real files fill with garbage (spec xtc2.md, section 21). Two dgrams are equal
 * if they are equal after these bytes are zeroed.
 */

import { Dgram } from './dgram.ts';
import { NAME, NAME_INFO, SHAPE_SIZE, TEXT_SIZE, XTC } from './layout.ts';
import type { NamesBlock } from './names.ts';
import { findNul } from './text.ts';
import { isText } from './value.ts';
import type { Walker } from './walk.ts';

/** A copy of the dgram's bytes with every undefined byte zero. `walker` holds the descriptions and moves on with the stream. */
export function withoutUndefinedBytes(dgram: Dgram, walker: Walker): Buffer {
  const copy = Buffer.from(dgram.slice());
  const own = new Dgram(copy);
  own.offset = dgram.offset;
  own.index = dgram.index;
  walker.walk(own, {
    names: (names, start) => zeroNames(copy, start + XTC.size, names),
    data: (block) => {
      const { names } = block;
      for (const field of names.fields) {
        if (field.index >= block.count) break;
        if (isText(field)) zeroAfterNul(copy, block.at(field.index), block.byteLength(field.index));
      }
      zeroShapes(copy, block.shapesRange, names);
    },
  });
  return copy;
}

function zeroNames(bytes: Buffer, payload: number, names: NamesBlock): void {
  for (const part of ['detType', 'detName', 'detId', 'alg'] as const) {
    zeroAfterNul(bytes, payload + NAME_INFO[part], TEXT_SIZE);
  }
  for (const field of names.fields) {
    const record = payload + NAME_INFO.size + field.index * NAME.size;
    zeroAfterNul(bytes, record + NAME.alg, TEXT_SIZE);
    zeroAfterNul(bytes, record + NAME.name, TEXT_SIZE);
  }
}

function zeroAfterNul(bytes: Buffer, start: number, size: number): void {
  bytes.fill(0, findNul(bytes, start, start + size), start + size);
}

function zeroShapes(bytes: Buffer, range: readonly [number, number], names: NamesBlock): void {
  const [start, end] = range;
  for (const field of names.fields) {
    if (field.shapeIndex < 0) continue;
    const entry = start + field.shapeIndex * SHAPE_SIZE;
    const from = Math.min(entry + 4 * Math.min(field.rank, 5), end);
    bytes.fill(0, from, Math.min(entry + SHAPE_SIZE, end));
  }
  bytes.fill(0, Math.min(start + names.arrays * SHAPE_SIZE, end), end);
}
