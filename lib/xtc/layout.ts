/**
 * Sizes and offsets of XTC2 in one place. Everything is little-endian, packed, unaligned (spec xtc2.md, sections 2-8).
 */

/** Offsets inside a dgram header (section 5). */
export const DGRAM = {
  nsec: 0,
  sec: 4,
  env: 8,
  xtc: 12,
  src: 12,
  damage: 16,
  typeId: 18,
  extent: 20,
  size: 24,
} as const;

/** Offsets inside an Xtc header (section 2). */
export const XTC = { src: 0, damage: 4, typeId: 6, extent: 8, size: 12 } as const;

/** Xtc types (section 2). */
export const TYPE = { Parent: 0, ShapesData: 1, Shapes: 2, Data: 3, Names: 4 } as const;
export const XTC_TYPE_NAMES = ['Parent', 'ShapesData', 'Shapes', 'Data', 'Names'] as const;

/** NameInfo, from the start of a Names payload (section 7). */
export const NAME_INFO = {
  numArrays: 0,
  detType: 4,
  detName: 260,
  detId: 516,
  alg: 772,
  version: 1028,
  segment: 1032,
  size: 1036,
} as const;

/** One Name record (section 7). */
export const NAME = { alg: 0, version: 256, name: 260, type: 516, rank: 520, size: 524 } as const;

/** Length of every text slot, terminating NUL included. */
export const TEXT_SIZE = 256;

/** One entry of Shapes: five dimensions (section 8). */
export const SHAPE_SIZE = 20;
export const MAX_SHAPE_SLOTS = 5;
export const MAX_RANK = 4;

/** Largest extent that the reference can use; larger ones mean lost framing (sections 2 and 17). */
export const MAX_EXTENT = 0x7fffffff;

/** The reference reader stops at dgrams above this size (section 15). */
export const REFERENCE_DGRAM_LIMIT = 0x4000000;

export const MAX_NODE_ID = 0xfff;
export const MAX_NAMES_ID = 0xff;

/** Fields that are numbers, in the order of their codes. */
export const NUMBER_TYPES = [
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FLOAT',
  'DOUBLE',
] as const;
export type NumberType = (typeof NUMBER_TYPES)[number];

/** Field type codes (section 7). */
export const FIELD_TYPES = [...NUMBER_TYPES, 'CHARSTR', 'ENUMVAL', 'ENUMDICT'] as const;
export type FieldTypeName = (typeof FIELD_TYPES)[number];

export const CODE = {
  UINT8: 0,
  UINT16: 1,
  UINT32: 2,
  UINT64: 3,
  INT8: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  FLOAT: 8,
  DOUBLE: 9,
  CHARSTR: 10,
  ENUMVAL: 11,
  ENUMDICT: 12,
} as const satisfies Record<FieldTypeName, number>;

/** Bytes of one element by type code. */
export const ELEMENT_SIZE = [1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 1, 4, 4] as const;

/** Numpy-like names of element types by type code, as the JSON view prints them (spec dgram-json.md). */
export const DTYPES = [
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'uint8',
  'int32',
  'int32',
] as const;

/** Name of a type code; `TYPE13` and so on for codes that do not exist. */
export function fieldTypeName(code: number): string {
  return FIELD_TYPES[code] ?? `TYPE${code}`;
}

/** Name of an Xtc type without its version bits. */
export function xtcTypeName(type: number): string {
  return XTC_TYPE_NAMES[type] ?? `type ${type}`;
}
