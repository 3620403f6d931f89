/** `--names`: the detectors of a stream, as psana's detnames shows them. */

import { tableLines } from '../cli/table.ts';
import { CODE, fieldTypeName } from '../xtc/layout.ts';
import { formatNamesId, formatVersion, type NamesBlock } from '../xtc/names.ts';

/** One line per detector, segment and algorithm. */
export function namesLines(blocks: readonly NamesBlock[]): string[] {
  const rows = blocks.map((names) => [
    names.detName,
    names.segment,
    names.alg,
    formatVersion(names.version),
    names.detType || '-',
    names.detId || '-',
    formatNamesId(names.id),
    names.fields.length,
    fieldSummary(names),
  ]);
  return tableLines(
    [
      { title: 'detector' },
      { title: 'segment', align: 'right' },
      { title: 'alg' },
      { title: 'version' },
      { title: 'type' },
      { title: 'id' },
      { title: 'names id' },
      { title: 'fields', align: 'right' },
      { title: 'first fields' },
    ],
    rows,
  );
}

const SUMMARY_FIELDS = 4;

function fieldSummary(names: NamesBlock): string {
  const fields = names.fields.filter((field) => field.type !== CODE.ENUMDICT);
  const shown = fields
    .slice(0, SUMMARY_FIELDS)
    .map((field) => `${field.name}:${fieldTypeName(field.type)}${field.rank > 0 ? `[${field.rank}]` : ''}`);
  return shown.join(' ') + (fields.length > SUMMARY_FIELDS ? ' ...' : '');
}

/** The same as values for `--json`. */
export function namesDocument(blocks: readonly NamesBlock[]) {
  return blocks.map((names) => ({
    id: formatNamesId(names.id),
    det: names.detName,
    segment: names.segment,
    type: names.detType,
    detId: names.detId,
    alg: names.alg,
    version: formatVersion(names.version),
    fields: names.fields.map((field) => ({ name: field.name, type: fieldTypeName(field.type), rank: field.rank })),
  }));
}
