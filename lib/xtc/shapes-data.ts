/**
 * One ShapesData block: where each field lies, and its value (spec xtc2.md, sections 8 and 9). One object is opened on block
 * after block; positions are worked out when the first field is asked for, and without allocation.
 */

import type { Report } from './finding.ts';
import { CODE, SHAPE_SIZE, TYPE, XTC, xtcTypeName } from './layout.ts';
import type { NamesBlock } from './names.ts';
import { decodeText, findNul } from './text.ts';

/** Arrangements of a ShapesData block that occur in real files (section 8). */
export interface BlockLayout {
  /** Data before Shapes. */
  dataFirst: boolean;
  /** Whether there is a Shapes child. */
  shapes: boolean;
  /** Bytes of Shapes behind the last entry: 4 in files written from Python. */
  surplus: number;
}

export class ShapesData {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Set by `open`. */
  names!: NamesBlock;
  /** Position of the block's Xtc header in `bytes`. */
  start = 0;
  /** Difference of input position and position in `bytes`. */
  base = 0;
  /** Damage on the headers. */
  damage = 0;
  shapesDamage = 0;
  dataDamage = 0;
  /** Number of fields that can be delivered; fields behind are bad or missing. Valid after `open`. */
  count = 0;

  private shapesAt = -1;
  private shapesEnd = -1;
  private dataAt = -1;
  private dataEnd = -1;

  /**
   * Opens the block at `start..end` of `bytes` described by `names`.
   * @param base input position of bytes[0], for reports
   * @returns false if the block cannot be decoded at all (a bad child, or no Data); the reason was reported
   */
  open(bytes: Buffer, view: DataView, start: number, end: number, base: number, names: NamesBlock, report: Report) {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.base = base;
    this.names = names;
    this.damage = view.getUint16(start + XTC.damage, true);
    this.shapesDamage = 0;
    this.dataDamage = 0;
    this.count = 0;
    this.shapesAt = this.shapesEnd = this.dataAt = this.dataEnd = -1;
    if (!this.findChildren(start + XTC.size, end, report)) return false;
    if (this.dataAt < 0) {
      report('data-missing', base + start, 'ShapesData without a Data child');
      return false;
    }
    this.place(report);
    return true;
  }

  /** Walks the children; either order, Shapes may be absent. */
  private findChildren(from: number, end: number, report: Report): boolean {
    const { view, base } = this;
    let at = from;
    while (at < end) {
      if (end - at < XTC.size) return badChild(report, 'child-tail', base + at, `${end - at} bytes left in ShapesData`);
      const extent = view.getUint32(at + XTC.extent, true);
      if (extent < XTC.size) return badChild(report, 'child-extent', base + at, `extent ${extent} is below 12`);
      if (extent > end - at) {
        return badChild(
          report,
          'child-overrun',
          base + at,
          `extent ${extent}, but ShapesData has ${end - at} bytes left`,
        );
      }
      const typeId = view.getUint16(at + XTC.typeId, true);
      const type = typeId & 0xfff;
      if (type === TYPE.Data && this.dataAt < 0) {
        this.dataAt = at + XTC.size;
        this.dataEnd = at + extent;
        this.dataDamage = view.getUint16(at + XTC.damage, true);
      } else if (type === TYPE.Shapes && this.shapesAt < 0) {
        this.shapesAt = at + XTC.size;
        this.shapesEnd = at + extent;
        this.shapesDamage = view.getUint16(at + XTC.damage, true);
      } else {
        report('unknown-type', base + at, `surplus or foreign child (${xtcTypeName(type)}) in ShapesData`);
      }
      at += extent;
    }
    return true;
  }

  /** Works out where the fields lie; fields before a bad one stay available. */
  private place(report: Report): void {
    const { names, shapesAt } = this;
    const { fields, placement } = names;
    const have = this.dataEnd - this.dataAt;
    const shapesFit = names.arrays === 0 || (shapesAt >= 0 && this.shapesEnd - shapesAt >= names.arrays * SHAPE_SIZE);
    if (shapesFit && placement.fits(this.view, shapesAt) && placement.total <= have) {
      this.count = fields.length;
      if (placement.total < have) this.reportExtra(have - placement.total, report);
      return;
    }
    placement.known = false;
    let at = 0;
    for (let i = 0; i < names.usable; i++) {
      const field = fields[i]!;
      let size: number = field.elementSize;
      if (field.rank > 0) {
        const elements = this.elements(field.shapeIndex, field.rank, have, report);
        if (elements < 0) return;
        size *= elements;
      }
      if (size > have - at) {
        report(
          'data-overrun',
          this.base + this.dataAt - XTC.size,
          `field ${field.name} needs more bytes than Data has`,
        );
        return;
      }
      placement.offsets[i] = at;
      placement.lengths[i] = size;
      this.count = i + 1;
      at += size;
    }
    if (this.count < fields.length) return;
    placement.keep(this.view, shapesAt, at);
    if (at < have) this.reportExtra(have - at, report);
  }

  private reportExtra(bytes: number, report: Report): void {
    report('data-extra', this.base + this.dataAt - XTC.size, `${bytes} bytes left over in Data`);
  }

  /** Product of the dimensions, cut off above `limit` so that it never loses digits; -1 if there is no entry. */
  private elements(shapeIndex: number, rank: number, limit: number, report: Report): number {
    if (this.shapesAt < 0) {
      report('shapes-missing', this.base + this.start, 'array field, but ShapesData has no Shapes');
      return -1;
    }
    const at = this.shapesAt + shapeIndex * SHAPE_SIZE;
    if (at + SHAPE_SIZE > this.shapesEnd) {
      report('shapes-short', this.base + this.shapesAt - XTC.size, 'fewer Shapes entries than array fields');
      return -1;
    }
    let product = 1;
    let beyond = false;
    for (let d = 0; d < rank; d++) {
      const dim = this.view.getUint32(at + 4 * d, true);
      if (dim === 0) return 0;
      if (!beyond) product *= dim;
      beyond ||= product > limit;
    }
    return product;
  }

  /** Position of field `i` in `bytes`. */
  at(i: number): number {
    return this.dataAt + this.names.placement.offsets[i]!;
  }

  /** Bytes of field `i`. */
  byteLength(i: number): number {
    return this.names.placement.lengths[i]!;
  }

  /** The stored bytes of field `i`, not copied. */
  fieldBytes(i: number): Buffer {
    const at = this.at(i);
    return this.bytes.subarray(at, at + this.byteLength(i));
  }

  /** Dimensions of array field `i`. */
  shape(i: number): number[] {
    const { rank, shapeIndex } = this.names.fields[i]!;
    const at = this.shapesAt + shapeIndex * SHAPE_SIZE;
    const shape: number[] = [];
    for (let d = 0; d < rank; d++) shape.push(this.view.getUint32(at + 4 * d, true));
    return shape;
  }

  /**
   * Scalar field `i` as a number. 64-bit integers come through a double and can lose digits: use `bigint` for them.
   */
  number(i: number): number {
    const { placement } = this.names;
    return readNumber(this.view, placement.types[i]!, this.dataAt + placement.offsets[i]!);
  }

  /** 64-bit integer field `i`, exact. */
  bigint(i: number): bigint {
    const at = this.at(i);
    return this.names.fields[i]!.type === CODE.UINT64
      ? this.view.getBigUint64(at, true)
      : this.view.getBigInt64(at, true);
  }

  /** CHARSTR field `i` of rank 1: what precedes the first NUL. */
  string(i: number): string {
    const at = this.at(i);
    return decodeText(this.bytes, at, findNul(this.bytes, at, at + this.byteLength(i)));
  }

  /** True if a CHARSTR field has no NUL among its stored bytes. */
  unterminated(i: number): boolean {
    const at = this.at(i);
    const end = at + this.byteLength(i);
    return findNul(this.bytes, at, end) === end;
  }

  /** Position of the Data child's Xtc header in `bytes`. */
  get dataHeader(): number {
    return this.dataAt - XTC.size;
  }

  /** Positions of the Shapes payload in `bytes`; empty if there are no Shapes. */
  get shapesRange(): readonly [start: number, end: number] {
    return this.shapesAt < 0 ? [0, 0] : [this.shapesAt, this.shapesEnd];
  }

  /** How the writer of this block arranged it, for a writer that shall do the same. */
  get layout(): BlockLayout {
    const shapes = this.shapesAt >= 0;
    return {
      dataFirst: shapes && this.shapesAt > this.dataAt,
      shapes,
      surplus: shapes ? this.shapesEnd - this.shapesAt - this.names.arrays * SHAPE_SIZE : 0,
    };
  }

  /** Damage of the children, type and bits, in file order; empty if there is none. */
  childDamage(): [type: number, damage: number][] {
    if ((this.shapesDamage | this.dataDamage) === 0) return [];
    const found: [number, number][] = [
      [TYPE.Shapes, this.shapesDamage],
      [TYPE.Data, this.dataDamage],
    ];
    if (this.shapesAt > this.dataAt) found.reverse();
    return found.filter(([, damage]) => damage !== 0);
  }
}

/** One number of the given type code at a position; 64-bit integers lose digits beyond 2^53. */
export function readNumber(view: DataView, type: number, at: number): number {
  switch (type) {
    case CODE.UINT8:
    case CODE.CHARSTR:
      return view.getUint8(at);
    case CODE.UINT16:
      return view.getUint16(at, true);
    case CODE.UINT32:
      return view.getUint32(at, true);
    case CODE.UINT64:
      return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000;
    case CODE.INT8:
      return view.getInt8(at);
    case CODE.INT16:
      return view.getInt16(at, true);
    case CODE.INT32:
    case CODE.ENUMVAL:
    case CODE.ENUMDICT:
      return view.getInt32(at, true);
    case CODE.INT64:
      return view.getUint32(at, true) + view.getInt32(at + 4, true) * 0x100000000;
    case CODE.FLOAT:
      return view.getFloat32(at, true);
    default:
      return view.getFloat64(at, true);
  }
}

function badChild(
  report: Report,
  code: 'child-tail' | 'child-extent' | 'child-overrun',
  offset: number,
  detail: string,
): false {
  report(code, offset, detail);
  return false;
}
