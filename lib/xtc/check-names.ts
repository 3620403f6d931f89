/** Faults of Names blocks that can be read all the same (spec xtc2.md, sections 7 and 18). */

import type { Report } from './finding.ts';
import { FIELD_TYPES, fieldTypeName, MAX_RANK, NAME, NAME_INFO, TEXT_SIZE, XTC } from './layout.ts';
import { describeNames, type NamesBlock } from './names.ts';
import { findNul } from './text.ts';

const INFO_TEXTS = ['detType', 'detName', 'detId', 'alg'] as const;

/**
 * Reports every fault of one Names block.
 * @param start position of its Xtc header in `bytes`
 * @param base input position of bytes[0]
 */
export function checkNames(bytes: Buffer, start: number, base: number, names: NamesBlock, report: Report): void {
  const what = describeNames(names);
  const payload = start + XTC.size;
  if (names.numArrays !== names.arrays) {
    report(
      'num-arrays',
      base + start,
      `${what}: numArrays is ${names.numArrays}, but ${names.arrays} fields have a rank`,
    );
  }
  for (const part of INFO_TEXTS) {
    if (!terminated(bytes, payload + NAME_INFO[part])) {
      report('unterminated-string', base + start, `${what}: ${part} has no NUL within ${TEXT_SIZE} bytes`);
    }
  }
  for (const field of names.fields) {
    const record = payload + NAME_INFO.size + field.index * NAME.size;
    if (field.type >= FIELD_TYPES.length) {
      report('bad-field-type', base + record, `${what}: field ${field.name} has ${fieldTypeName(field.type)}`);
    }
    if (field.rank > MAX_RANK) report('bad-rank', base + record, `${what}: field ${field.name} has rank ${field.rank}`);
    if (!terminated(bytes, record + NAME.name) || !terminated(bytes, record + NAME.alg)) {
      report(
        'unterminated-string',
        base + record,
        `${what}: a text of field ${field.index} has no NUL within ${TEXT_SIZE} bytes`,
      );
    }
  }
}

function terminated(bytes: Buffer, at: number): boolean {
  return findNul(bytes, at, at + TEXT_SIZE) < at + TEXT_SIZE;
}
