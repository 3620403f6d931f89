/**
 * Writing dgrams (spec xtc2.md, section 20). One writer, one growing buffer, used again for every dgram:
 *
 *     writer.begin({ sec, nsec, env, src });
 *     writer.names(names);                       // in Configure
 *     writer.data(names, { x: 3, image: { shape: [2, 2], data: new Uint16Array(4) } });
 *     const bytes = writer.finish();             // valid until the next begin()
 *
 * Every undefined byte is zero. A dgram that would exceed `limit` is refused before a byte of the offending part is written.
 */

import { DataError } from '../errors.ts';
import { checkNamesFit, encodeNames, namesPayloadSize } from './describe.ts';
import { viewOf } from './dgram.ts';
import { checkHeaderNumbers } from './header-numbers.ts';
import { CODE, DGRAM, fieldTypeName, MAX_EXTENT, MAX_SHAPE_SLOTS, SHAPE_SIZE, TYPE, XTC } from './layout.ts';
import type { Field, NamesBlock } from './names.ts';
import type { BlockLayout } from './shapes-data.ts';

export interface DgramHeader {
  sec: number;
  nsec: number;
  env: number;
  /** Whole src word, level in bits 31:28. Default 0. */
  src?: number;
  /** Default 0. */
  damage?: number;
}

export interface ArrayValue {
  shape: readonly number[];
  /** Elements in row-major order, in the stored type, or the stored bytes themselves (Uint8Array for any type). */
  data: ArrayBufferView | readonly (number | bigint)[];
}

/** number or bigint for scalars, string for CHARSTR, ArrayValue (or a typed array, as rank 1) for arrays. */
export type FieldValue = number | bigint | string | ArrayValue | ArrayBufferView;
/** By field name, or one per field in Names order (the only way if two fields have one name). */
export type FieldValues =
  | Readonly<Record<string, FieldValue>>
  | ReadonlyMap<string, FieldValue>
  | readonly FieldValue[];

/** Shapes before Data, and a Shapes child even without arrays: what every reader copes with. */
const USUAL_LAYOUT: BlockLayout = { dataFirst: false, shapes: true, surplus: 0 };

export interface DgramWriterOptions {
  /** Largest total size of a dgram in bytes. Default: what an extent can say. */
  limit?: number;
}

export class DgramWriter {
  private bytes = Buffer.alloc(4096);
  private view = viewOf(this.bytes);
  private used = 0;
  private readonly parents: number[] = [];
  private readonly limit: number;

  constructor(options: DgramWriterOptions = {}) {
    this.limit = Math.min(options.limit ?? Infinity, MAX_EXTENT + 12);
  }

  /** Bytes of the dgram so far. */
  get size(): number {
    return this.used;
  }

  /** @throws DataError `bad-header` for numbers that do not fit, `dgram-overflow` */
  begin(header: DgramHeader): void {
    checkHeaderNumbers(header);
    this.used = 0;
    this.parents.length = 0;
    this.reserve(DGRAM.size, 'a dgram header');
    this.view.setUint32(DGRAM.nsec, header.nsec, true);
    this.view.setUint32(DGRAM.sec, header.sec, true);
    this.view.setUint32(DGRAM.env, header.env, true);
    this.xtcHeader(DGRAM.xtc, header.src ?? 0, header.damage ?? 0, TYPE.Parent);
    this.used = DGRAM.size;
  }

  /** Opens a nested Parent (a contributor); close it with `endParent`. */
  beginParent(src: number, damage = 0): void {
    checkHeaderNumbers({ src, damage });
    this.reserve(XTC.size, 'a Parent');
    this.parents.push(this.used);
    this.xtcHeader(this.used, src, damage, TYPE.Parent);
    this.used += XTC.size;
  }

  /** @throws DataError `writer-order` if no Parent is open */
  endParent(): void {
    const start = this.parents.pop();
    if (start === undefined) throw new DataError('writer-order', 'endParent without beginParent');
    this.view.setUint32(start + XTC.extent, this.used - start, true);
  }

  /** Appends a Names block. @throws DataError `bad-names` for texts that would be cut and types or ranks that do not exist, `dgram-overflow` */
  names(names: NamesBlock): void {
    checkNamesFit(names);
    const extent = XTC.size + namesPayloadSize(names.fields.length);
    this.reserve(extent, `the description of ${names.detName} ${names.alg}`);
    const at = this.used;
    this.xtcHeader(at, names.id, 0, TYPE.Names, extent);
    encodeNames(names, this.bytes, at + XTC.size);
    this.used += extent;
  }

  /**
   * Appends a ShapesData block with the values of all fields.
   * @throws DataError `bad-value` (missing field, wrong kind, wrong shape, out of range), `dgram-overflow`
   */
  data(names: NamesBlock, values: FieldValues, damage = 0, layout: BlockLayout = USUAL_LAYOUT): void {
    const parts = names.fields.map((field) => prepare(field, lookUp(values, field)));
    checkHeaderNumbers({ damage });
    const shapesExtent = layout.shapes ? XTC.size + SHAPE_SIZE * names.arrays + layout.surplus : 0;
    let dataExtent: number = XTC.size;
    for (const part of parts) dataExtent += part.size;
    const extent = XTC.size + shapesExtent + dataExtent;
    this.reserve(extent, `data of ${names.detName} ${names.alg}`);
    const start = this.used;
    this.xtcHeader(start, names.id, damage, TYPE.ShapesData, extent);
    const first = start + XTC.size;
    const shapes = layout.dataFirst ? first + dataExtent : first;
    const data = layout.dataFirst ? first : first + shapesExtent;
    if (layout.shapes) this.putShapes(shapes, shapesExtent, parts);
    this.xtcHeader(data, 0, 0, TYPE.Data, dataExtent);
    let at = data + XTC.size;
    for (const part of parts) {
      part.put(this.bytes, this.view, at);
      at += part.size;
    }
    this.used += extent;
  }

  private putShapes(start: number, extent: number, parts: readonly Part[]): void {
    this.xtcHeader(start, 0, 0, TYPE.Shapes, extent);
    let at = start + XTC.size;
    for (const { shape } of parts) {
      if (!shape || shape.length === 0) continue;
      for (let d = 0; d < shape.length; d++) this.view.setUint32(at + 4 * d, shape[d]!, true);
      at += SHAPE_SIZE;
    }
  }

  /** Appends finished children (Names, ShapesData, Parents) as they are. */
  raw(children: Uint8Array): void {
    this.reserve(children.length, 'copied children');
    this.bytes.set(children, this.used);
    this.used += children.length;
  }

  /** Closes the dgram. The bytes are valid until the next `begin`. @throws DataError `writer-order` if a Parent is open */
  finish(): Buffer {
    if (this.used < DGRAM.size) throw new DataError('writer-order', 'finish without begin');
    if (this.parents.length > 0) throw new DataError('writer-order', 'a Parent is still open');
    this.view.setUint32(DGRAM.extent, this.used - 12, true);
    return this.bytes.subarray(0, this.used);
  }

  private xtcHeader(at: number, src: number, damage: number, type: number, extent: number = XTC.size): void {
    this.view.setUint32(at + XTC.src, src, true);
    this.view.setUint16(at + XTC.damage, damage, true);
    this.view.setUint16(at + XTC.typeId, type, true);
    this.view.setUint32(at + XTC.extent, extent, true);
  }

  /** Makes room for `more` zeroed bytes. */
  private reserve(more: number, what: string): void {
    const needed = this.used + more;
    if (needed > this.limit) {
      throw new DataError('dgram-overflow', `${what} needs ${needed} bytes in all; the limit is ${this.limit}`);
    }
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.bytes.length * 2, MAX_EXTENT)));
      this.bytes.copy(grown, 0, 0, this.used);
      this.bytes = grown;
      this.view = viewOf(grown);
    }
    this.bytes.fill(0, this.used, needed);
  }
}

interface Part {
  size: number;
  shape?: readonly number[];
  put(bytes: Buffer, view: DataView, at: number): void;
}

function lookUp(values: FieldValues, field: Field): FieldValue | undefined {
  if (Array.isArray(values)) return (values as readonly FieldValue[])[field.index];
  if (values instanceof Map) return values.get(field.name);
  return Object.hasOwn(values, field.name) ? (values as Readonly<Record<string, FieldValue>>)[field.name] : undefined;
}

function prepare(field: Field, value: FieldValue | undefined): Part {
  if (value === undefined) throw badValue(field, 'has no value');
  if (field.elementSize === 0 || field.rank > MAX_SHAPE_SLOTS)
    throw badValue(field, `of rank ${field.rank} cannot be written`);
  if (field.type === CODE.CHARSTR && field.rank === 1 && typeof value === 'string') return textPart(field, value);
  if (typeof value === 'string') throw badValue(field, 'is not a text field');
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (field.rank !== 0) throw badValue(field, `has rank ${field.rank}, but the value is a scalar`);
    checkRange(field, value);
    return { size: field.elementSize, put: (_bytes, view, at) => putNumber(view, field.type, at, value) };
  }
  return arrayPart(field, ArrayBuffer.isView(value) ? { shape: [lengthOf(value)], data: value } : value);
}

/** length + 1 rounded up to a multiple of 4, padding zero. */
function textPart(field: Field, text: string): Part {
  if (text.includes('\0')) throw badValue(field, 'contains a NUL character');
  const size = (Buffer.byteLength(text) + 4) & ~3;
  return { size, shape: [size], put: (bytes, _view, at) => void bytes.write(text, at) };
}

const MAX_DIMENSION = 0xffffffff;

function arrayPart(field: Field, value: ArrayValue): Part {
  const { shape, data } = value;
  if (shape.length !== field.rank)
    throw badValue(field, `has rank ${field.rank}, but the shape is [${shape.join(', ')}]`);
  const wrong = shape.find((dim) => !Number.isInteger(dim) || dim < 0 || dim > MAX_DIMENSION);
  if (wrong !== undefined) throw badValue(field, `has the impossible dimension ${wrong}`);
  const elements = shape.reduce((product, dim) => product * dim, 1);
  const size = elements * field.elementSize;
  if (ArrayBuffer.isView(data)) {
    if (data.byteLength !== size) {
      throw badValue(field, `of shape [${shape.join(', ')}] needs ${size} bytes, the value has ${data.byteLength}`);
    }
    const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { size, shape, put: (bytes, _view, at) => bytes.set(source, at) };
  }
  if (data.length !== elements) {
    throw badValue(field, `of shape [${shape.join(', ')}] needs ${elements} elements, the value has ${data.length}`);
  }
  for (const element of data) checkRange(field, element);
  const put = (_bytes: Buffer, view: DataView, at: number) => {
    for (let i = 0; i < data.length; i++) putNumber(view, field.type, at + i * field.elementSize, data[i]!);
  };
  return { size, shape, put };
}

function lengthOf(value: ArrayBufferView): number {
  return 'length' in value ? Number(value.length) : value.byteLength;
}

const RANGE: Readonly<Record<number, readonly [bigint, bigint]>> = {
  [CODE.UINT8]: [0n, 0xffn],
  [CODE.UINT16]: [0n, 0xffffn],
  [CODE.UINT32]: [0n, 0xffffffffn],
  [CODE.UINT64]: [0n, 0xffffffffffffffffn],
  [CODE.INT8]: [-0x80n, 0x7fn],
  [CODE.INT16]: [-0x8000n, 0x7fffn],
  [CODE.INT32]: [-0x80000000n, 0x7fffffffn],
  [CODE.INT64]: [-0x8000000000000000n, 0x7fffffffffffffffn],
  [CODE.CHARSTR]: [0n, 0xffn],
  [CODE.ENUMVAL]: [-0x80000000n, 0x7fffffffn],
  [CODE.ENUMDICT]: [-0x80000000n, 0x7fffffffn],
};

function checkRange(field: Field, value: number | bigint): void {
  if (field.type === CODE.FLOAT && Number.isFinite(Number(value)) && !Number.isFinite(Math.fround(Number(value)))) {
    throw badValue(field, `cannot hold ${value}`);
  }
  const range = RANGE[field.type];
  if (!range) return;
  if (typeof value === 'number' && !Number.isInteger(value)) throw badValue(field, `cannot hold ${value}`);
  if (value < range[0] || value > range[1]) throw badValue(field, `cannot hold ${value}`);
}

function putNumber(view: DataView, type: number, at: number, value: number | bigint): void {
  switch (type) {
    case CODE.UINT8:
    case CODE.CHARSTR:
      return view.setUint8(at, Number(value));
    case CODE.UINT16:
      return view.setUint16(at, Number(value), true);
    case CODE.UINT32:
      return view.setUint32(at, Number(value), true);
    case CODE.UINT64:
      return view.setBigUint64(at, BigInt(value), true);
    case CODE.INT8:
      return view.setInt8(at, Number(value));
    case CODE.INT16:
      return view.setInt16(at, Number(value), true);
    case CODE.INT64:
      return view.setBigInt64(at, BigInt(value), true);
    case CODE.FLOAT:
      return view.setFloat32(at, Number(value), true);
    case CODE.DOUBLE:
      return view.setFloat64(at, Number(value), true);
    default:
      return view.setInt32(at, Number(value), true);
  }
}

function badValue(field: Field, why: string): DataError {
  return new DataError('bad-value', `field ${field.name} (${fieldTypeName(field.type)}) ${why}`, {
    place: { key: field.name },
  });
}
