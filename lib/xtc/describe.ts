/**
 * Descriptions for writers: what a Names block shall say, checked before a byte is written (spec xtc2.md, sections 7 and 20).
 */

import { DataError } from '../errors.ts';
import {
  CODE,
  ELEMENT_SIZE,
  type FieldTypeName,
  MAX_NAMES_ID,
  MAX_NODE_ID,
  MAX_RANK,
  NAME,
  NAME_INFO,
  TEXT_SIZE,
} from './layout.ts';
import { type NamesBlock, packVersion, specialFields } from './names.ts';
import { Placement } from './placement.ts';

export interface FieldSpec {
  name: string;
  type: FieldTypeName;
  /** 0..4; CHARSTR always 1. Default 0, or 1 for CHARSTR. */
  rank?: number;
  alg?: string;
  version?: readonly [number, number, number];
}

export interface NamesSpec {
  nodeId: number;
  namesId: number;
  detType: string;
  detName: string;
  /** Default empty. */
  detId?: string;
  segment: number;
  alg: string;
  version: readonly [number, number, number];
  fields: readonly FieldSpec[];
}

const FIELD_NAME = /^[0-9A-Za-z_.:]+$/;
const DET_NAME = /^[0-9A-Za-z_]*$/;

/** NamesId of node and names numbers. @throws DataError `names-id` if either is out of range */
export function makeNamesId(nodeId: number, namesId: number): number {
  if (!Number.isInteger(nodeId) || nodeId < 0 || nodeId > MAX_NODE_ID) {
    throw new DataError('names-id', `node id ${nodeId} is outside 0..${MAX_NODE_ID}`);
  }
  if (!Number.isInteger(namesId) || namesId < 0 || namesId > MAX_NAMES_ID) {
    throw new DataError('names-id', `names id ${namesId} is outside 0..${MAX_NAMES_ID}`);
  }
  return (nodeId << 8) | namesId;
}

/** Rank a field is written with. */
export function rankOf(field: FieldSpec): number {
  return field.rank ?? (field.type === 'CHARSTR' ? 1 : 0);
}

/**
 * Checks everything the reference would cut silently or abort at.
 * @throws DataError `bad-names` with the offending text and the rule
 */
export function checkNamesSpec(spec: NamesSpec): void {
  makeNamesId(spec.nodeId, spec.namesId);
  for (const part of ['detType', 'detName', 'detId', 'alg'] as const) checkText(spec[part] ?? '', part);
  if (!DET_NAME.test(spec.detName)) {
    throw badNames(`detector name "${spec.detName}" has characters other than 0-9 A-Z a-z _`, spec.detName);
  }
  if (!Number.isInteger(spec.segment) || spec.segment < 0 || spec.segment > 0xffffffff) {
    throw badNames(`segment ${spec.segment} of ${spec.detName} is not an unsigned 32-bit number`, spec.detName);
  }
  for (const part of spec.version) checkVersionPart(part, spec.alg);
  for (const field of spec.fields) checkField(field);
}

function checkField(field: FieldSpec): void {
  checkText(field.name, 'field name');
  checkText(field.alg ?? '', `algorithm of field ${field.name}`);
  for (const part of field.version ?? []) checkVersionPart(part, field.name);
  if (!FIELD_NAME.test(field.name)) {
    throw badNames(`field name "${field.name}" is empty or has characters other than 0-9 A-Z a-z _ . :`, field.name);
  }
  if (!Object.hasOwn(CODE, field.type))
    throw badNames(`field ${field.name} has the unknown type ${String(field.type)}`, field.name);
  const rank = rankOf(field);
  if (!Number.isInteger(rank) || rank < 0 || rank > MAX_RANK) {
    throw badNames(`field ${field.name} has rank ${rank}; legal are 0..${MAX_RANK}`, field.name);
  }
  if (field.type === 'CHARSTR' && rank !== 1) throw badNames(`text field ${field.name} must have rank 1`, field.name);
}

function checkText(text: string, what: string): void {
  const length = Buffer.byteLength(text);
  if (length >= TEXT_SIZE) {
    throw badNames(`${what} "${text.slice(0, 40)}..." has ${length} bytes; at most ${TEXT_SIZE - 1} fit`, what);
  }
  if (text.includes('\0')) throw badNames(`${what} contains a NUL character`, what);
}

function checkVersionPart(part: number, of: string): void {
  if (!Number.isInteger(part) || part < 0 || part > 255)
    throw badNames(`version part ${part} of ${of} is outside 0..255`, of);
}

function badNames(message: string, key: string): DataError {
  return new DataError('bad-names', message, { place: { key } });
}

/** The description as readers see it. */
export function namesBlockOf(spec: NamesSpec): NamesBlock {
  let arrays = 0;
  const fields = spec.fields.map((field, index) => {
    const type = CODE[field.type];
    const rank = rankOf(field);
    const colon = type === CODE.ENUMVAL || type === CODE.ENUMDICT ? field.name.indexOf(':') : -1;
    return {
      index,
      name: field.name,
      type,
      rank,
      alg: field.alg ?? '',
      version: packVersion(...(field.version ?? [0, 0, 0])),
      elementSize: ELEMENT_SIZE[type],
      shapeIndex: rank > 0 ? arrays++ : -1,
      shortName: colon >= 0 ? field.name.slice(0, colon) : field.name,
      enumName: colon >= 0 ? field.name.slice(colon + 1) : undefined,
    };
  });
  return {
    id: makeNamesId(spec.nodeId, spec.namesId),
    detType: spec.detType,
    detName: spec.detName,
    detId: spec.detId ?? '',
    alg: spec.alg,
    version: packVersion(...spec.version),
    segment: spec.segment,
    numArrays: arrays,
    fields,
    arrays,
    usable: fields.length,
    ...specialFields(fields),
    placement: new Placement(fields),
  };
}

/**
 * Checks that a description, wherever it comes from, can be written without loss. Characters are not checked: what a file has
 * may be copied.
 * @throws DataError `bad-names`
 */
export function checkNamesFit(names: NamesBlock): void {
  for (const part of ['detType', 'detName', 'detId', 'alg'] as const) checkText(names[part], part);
  for (const { name, alg, rank, elementSize, type } of names.fields) {
    checkText(name, 'field name');
    checkText(alg, `algorithm of field ${name}`);
    if (elementSize === 0) throw badNames(`field ${name} has the unknown type ${type}`, name);
    if (rank > MAX_RANK) throw badNames(`field ${name} has rank ${rank}; legal are 0..${MAX_RANK}`, name);
  }
}

/** Bytes of the payload of a Names block with `fields` fields. */
export function namesPayloadSize(fields: number): number {
  return NAME_INFO.size + NAME.size * fields;
}

/** Writes the payload of a Names block at `at`; the target bytes must be zero. */
export function encodeNames(names: NamesBlock, bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(names.arrays, at + NAME_INFO.numArrays);
  bytes.write(names.detType, at + NAME_INFO.detType, TEXT_SIZE - 1);
  bytes.write(names.detName, at + NAME_INFO.detName, TEXT_SIZE - 1);
  bytes.write(names.detId, at + NAME_INFO.detId, TEXT_SIZE - 1);
  bytes.write(names.alg, at + NAME_INFO.alg, TEXT_SIZE - 1);
  bytes.writeUInt32LE(names.version, at + NAME_INFO.version);
  bytes.writeUInt32LE(names.segment, at + NAME_INFO.segment);
  let record = at + NAME_INFO.size;
  for (const field of names.fields) {
    bytes.write(field.alg, record + NAME.alg, TEXT_SIZE - 1);
    bytes.writeUInt32LE(field.version, record + NAME.version);
    bytes.write(field.name, record + NAME.name, TEXT_SIZE - 1);
    bytes.writeUInt32LE(field.type, record + NAME.type);
    bytes.writeUInt32LE(field.rank, record + NAME.rank);
    record += NAME.size;
  }
}
