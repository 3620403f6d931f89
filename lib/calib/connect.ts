/** Segments from the collection's result (`--connect-json`): aliases and serial numbers of all DRPs of a partition. */

import { DataError } from '../errors.ts';
import { isRecord, parseExact, textField } from './document.ts';
import type { DocRecord, DocValue } from './types.ts';
import type { Segment } from './wanted.ts';

/**
 * Every DRP below `body.drp`: the alias in `proc_info.alias` gives name and segment (`epix_0`), `detType` and `detId` stand in
 * `det_info` or `connect_info`.
 * @param names only these detectors; all that have a serial number if it is empty
 * @throws DataError `calib-segments` that says what is missing where; `json-syntax`
 */
export function segmentsOfConnect(bytes: Buffer, names: readonly string[], file: string): Segment[] {
  const drps = [...drpsOf(parseExact(bytes))].map(([key, drp]) => ({ key, alias: aliasOf(drp), drp }));
  if (drps.length === 0) throw wrong(file, 'body.drp', 'there are no DRPs in it');
  const segments = drps.flatMap(({ key, alias, drp }): Segment[] => {
    const parts = /^(.+)_(\d+)$/.exec(alias ?? '');
    if (!parts || (names.length > 0 && !names.includes(parts[1]!))) return [];
    const serial = detectorField(drp, 'detId');
    if (serial === undefined && names.length === 0) return [];
    if (serial === undefined) throw wrong(file, `body.drp.${key}`, `${alias} has no detId, its serial number`);
    return [{ name: parts[1]!, segment: Number(parts[2]), type: detectorField(drp, 'detType') ?? parts[1]!, serial }];
  });
  const absent = names.find((name) => !segments.some((segment) => segment.name === name));
  if (absent !== undefined) throw wrong(file, 'body.drp', `there is no DRP of ${absent}`);
  if (segments.length === 0) throw wrong(file, 'body.drp', 'no DRP has a detId, its serial number');
  return segments;
}

function* drpsOf(value: DocValue): Iterable<[string, DocRecord]> {
  const drps = recordIn(recordIn(value, 'body'), 'drp');
  for (const [key, drp] of Object.entries(drps)) if (isRecord(drp)) yield [key, drp];
}

function aliasOf(drp: DocRecord): string | undefined {
  return textField(recordIn(drp, 'proc_info'), 'alias');
}

function detectorField(drp: DocRecord, key: string): string | undefined {
  return textField(recordIn(drp, 'det_info'), key) ?? textField(recordIn(drp, 'connect_info'), key);
}

function recordIn(value: DocValue, key: string): DocRecord {
  const inside = isRecord(value) ? value[key] : undefined;
  return inside !== undefined && isRecord(inside) ? inside : {};
}

function wrong(file: string, key: string, what: string): DataError {
  return new DataError('calib-segments', what, { place: { file, key } });
}
