/** Integer types: what they hold, and what the reference takes and cuts (spec json2xtc.md, section 5). */

import type { FieldTypeName } from '../../xtc/layout.ts';

export type IntegerType = Exclude<FieldTypeName, 'FLOAT' | 'DOUBLE' | 'CHARSTR' | 'ENUMDICT'>;
type Range = readonly [low: number | bigint, high: number | bigint];

const UINT32: Range = [0, 0xffffffff];
const INT32: Range = [-0x80000000, 0x7fffffff];
const UINT64: Range = [0, 0xffffffffffffffffn];
const INT64: Range = [-0x8000000000000000n, 0x7fffffffffffffffn];

/** `taken`: what the reference accepts; `stored`: what the type can hold. */
export const INTEGERS: Readonly<Record<IntegerType, { taken: Range; stored: Range }>> = {
  UINT8: { taken: UINT32, stored: [0, 0xff] },
  UINT16: { taken: UINT32, stored: [0, 0xffff] },
  UINT32: { taken: UINT32, stored: UINT32 },
  UINT64: { taken: UINT64, stored: UINT64 },
  INT8: { taken: INT32, stored: [-0x80, 0x7f] },
  INT16: { taken: INT32, stored: [-0x8000, 0x7fff] },
  INT32: { taken: INT32, stored: INT32 },
  INT64: { taken: INT64, stored: INT64 },
  ENUMVAL: { taken: INT32, stored: INT32 },
};

export function isIntegerType(type: FieldTypeName): type is IntegerType {
  return Object.hasOwn(INTEGERS, type);
}

/** What remains of a value in 8 or 16 bits; other types are taken exactly. */
export function wrap(type: IntegerType, value: number | bigint): number | bigint {
  switch (type) {
    case 'UINT8':
      return Number(value) & 0xff;
    case 'UINT16':
      return Number(value) & 0xffff;
    case 'INT8':
      return (Number(value) << 24) >> 24;
    case 'INT16':
      return (Number(value) << 16) >> 16;
    default:
      return value;
  }
}

/** A function that stores values of one type; what does not fit is wrapped. */
export function putInteger(type: IntegerType, view: DataView): (offset: number, value: number | bigint) => void {
  switch (type) {
    case 'UINT8':
      return (offset, value) => view.setUint8(offset, Number(value));
    case 'UINT16':
      return (offset, value) => view.setUint16(offset, Number(value), true);
    case 'UINT32':
      return (offset, value) => view.setUint32(offset, Number(value), true);
    case 'INT8':
      return (offset, value) => view.setInt8(offset, Number(value));
    case 'INT16':
      return (offset, value) => view.setInt16(offset, Number(value), true);
    case 'UINT64':
      return (offset, value) => view.setBigUint64(offset, BigInt(value), true);
    case 'INT64':
      return (offset, value) => view.setBigInt64(offset, BigInt(value), true);
    default:
      return (offset, value) => view.setInt32(offset, Number(value), true);
  }
}
