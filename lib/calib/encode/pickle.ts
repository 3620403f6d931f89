/**
 * The format that existing workers read: a pickle of {detector: {ctype: (data, doc)}} (spec calib-pub.md, section 3). It is written here and
 * never read. Only opcodes of protocol 3 are used, without memo; arrays are `numpy.reshape(numpy.frombuffer(b, dtype), shape)`, which does
 * not depend on numpy's version. Contents are not copied: the result is a list of pieces that go out one behind the other.
 */

import { DataError } from '../../errors.ts';
import { type Constant, type ConstantSet, type DocValue, isDocNumber } from '../types.ts';

/** Opcodes by the names of Python's pickletools. */
const OP = {
  PROTO: 0x80,
  STOP: 0x2e,
  EMPTY_DICT: 0x7d,
  EMPTY_LIST: 0x5d,
  MARK: 0x28,
  SETITEMS: 0x75,
  APPENDS: 0x65,
  TUPLE: 0x74,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  REDUCE: 0x52,
  GLOBAL: 0x63,
  BINUNICODE: 0x58,
  BINBYTES: 0x42,
  BINBYTES8: 0x8e,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  LONG1: 0x8a,
  NONE: 0x4e,
  TRUE: 0x88,
  FALSE: 0x89,
} as const;

const PROTOCOL = 3;
/** BINBYTES8 came with it. */
const PROTOCOL_OF_LARGE_BYTES = 4;
const MAX_UINT32 = 0xffffffff;
const MAX_INT32 = 0x7fffffffn;
const LONG1_BYTES = 255;
/** Far above every real document; Python's own loader has no limit, but our call stack has. */
const MAX_DEPTH = 200;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SMALL_BLOCK = 4096;

/**
 * The pickle of a set, as pieces. Constants of kind `any` become `pickle.loads(bytes)`, executed by the receiver: leave them out of
 * the set unless that is wanted.
 * @throws DataError `calib-encode` for text with lone surrogates, integers above 255 bytes, documents nested deeper than 200
 */
export function pickleSet(set: ConstantSet): Buffer[] {
  const writer = new PickleWriter();
  writer.dict([...set.detectors], ({ constants }) => {
    writer.dict([...constants], (constant) => {
      writer.data(constant);
      writer.value(constant.doc);
      writer.op(OP.TUPLE2);
    });
  });
  return writer.finish();
}

/** Collects opcodes in small blocks and keeps views of large contents between them. */
export class PickleWriter {
  private readonly pieces: Buffer[] = [];
  private block = Buffer.allocUnsafe(SMALL_BLOCK);
  private used = 0;
  private protocol = PROTOCOL;

  /** The whole pickle. Nothing may be written afterwards. */
  finish(): Buffer[] {
    this.op(OP.STOP);
    this.flush();
    return [Buffer.from([OP.PROTO, this.protocol]), ...this.pieces];
  }

  op(code: number): void {
    this.room(1)[0] = code;
    this.used++;
  }

  dict<T>(entries: readonly (readonly [string, T])[], write: (value: T) => void): void {
    this.op(OP.EMPTY_DICT);
    if (entries.length === 0) return;
    this.op(OP.MARK);
    for (const [key, value] of entries) {
      this.text(key);
      write(value);
    }
    this.op(OP.SETITEMS);
  }

  /** A value of a document; integers and floats stay apart. */
  value(value: DocValue, depth = 0): void {
    if (depth > MAX_DEPTH) throw encodeError(`a document is nested deeper than ${MAX_DEPTH}`);
    if (value === null) this.op(OP.NONE);
    else if (typeof value === 'boolean') this.op(value ? OP.TRUE : OP.FALSE);
    else if (typeof value === 'string') this.text(value);
    else if (isDocNumber(value)) value.kind === 'int' ? this.int(value.value) : this.float(value.value);
    else if (isList(value)) this.list(value, depth);
    else this.dict(Object.entries(value), (entry) => this.value(entry, depth + 1));
  }

  /** The contents of a constant. */
  data(constant: Constant): void {
    if (constant.kind === 'str') return this.utf8(constant.bytes);
    if (constant.kind === 'any') {
      this.global('pickle', 'loads');
      this.bytes(constant.bytes);
      this.op(OP.TUPLE1);
      return this.op(OP.REDUCE);
    }
    this.global('numpy', 'reshape');
    this.global('numpy', 'frombuffer');
    this.bytes(constant.bytes);
    this.text(constant.dtype);
    this.op(OP.TUPLE2);
    this.op(OP.REDUCE);
    this.op(OP.MARK);
    for (const size of constant.shape) this.int(BigInt(size));
    this.op(OP.TUPLE);
    this.op(OP.TUPLE2);
    this.op(OP.REDUCE);
  }

  private list(values: readonly DocValue[], depth: number): void {
    this.op(OP.EMPTY_LIST);
    if (values.length === 0) return;
    this.op(OP.MARK);
    for (const value of values) this.value(value, depth + 1);
    this.op(OP.APPENDS);
  }

  private text(text: string): void {
    if (LONE_SURROGATE.test(text))
      throw encodeError(`"${text.slice(0, 40)}" is no Unicode text: half a surrogate pair`);
    this.utf8(Buffer.from(text));
  }

  private utf8(bytes: Buffer): void {
    if (bytes.length > MAX_UINT32) throw encodeError('a text has more than 4 GiB');
    this.op(OP.BINUNICODE);
    this.uint32(bytes.length);
    this.contents(bytes);
  }

  private bytes(bytes: Buffer): void {
    this.bytesHead(bytes.length);
    this.contents(bytes);
  }

  /** What precedes `length` bytes. */
  bytesHead(length: number): void {
    if (length <= MAX_UINT32) {
      this.op(OP.BINBYTES);
      this.uint32(length);
      return;
    }
    this.protocol = PROTOCOL_OF_LARGE_BYTES;
    this.op(OP.BINBYTES8);
    this.room(8).writeBigUInt64LE(BigInt(length));
    this.used += 8;
  }

  private int(value: bigint): void {
    if (value >= -MAX_INT32 - 1n && value <= MAX_INT32) {
      this.op(OP.BININT);
      this.room(4).writeInt32LE(Number(value));
      this.used += 4;
      return;
    }
    const bytes = twosComplement(value);
    if (bytes.length > LONG1_BYTES) throw encodeError('an integer of a document has more than 255 bytes');
    this.op(OP.LONG1);
    this.op(bytes.length);
    this.contents(bytes);
  }

  private float(value: number): void {
    this.op(OP.BINFLOAT);
    this.room(8).writeDoubleBE(value);
    this.used += 8;
  }

  private global(module: string, name: string): void {
    this.op(OP.GLOBAL);
    this.contents(Buffer.from(`${module}\n${name}\n`));
  }

  private uint32(value: number): void {
    this.room(4).writeUInt32LE(value);
    this.used += 4;
  }

  /** Small contents join the block, large ones are passed on as they are. */
  private contents(bytes: Buffer): void {
    if (bytes.length <= SMALL_BLOCK / 4) {
      bytes.copy(this.room(bytes.length));
      this.used += bytes.length;
      return;
    }
    this.flush();
    this.pieces.push(bytes);
  }

  private room(bytes: number): Buffer {
    if (this.used + bytes > this.block.length) {
      this.flush();
      this.block = Buffer.allocUnsafe(SMALL_BLOCK);
      this.used = 0;
    }
    return this.block.subarray(this.used);
  }

  /** What is in the block becomes a piece; the rest of the block is used further. */
  private flush(): void {
    if (this.used === 0) return;
    this.pieces.push(this.block.subarray(0, this.used));
    this.block = this.block.subarray(this.used);
    this.used = 0;
  }
}

/** Fewest bytes, little endian, sign in the highest bit. */
function twosComplement(value: bigint): Buffer {
  let bits = 8;
  while (bits <= 8 * LONG1_BYTES && BigInt.asIntN(bits, value) !== value) bits += 8;
  const bytes = Buffer.alloc(bits / 8);
  let rest = BigInt.asUintN(bits, value);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function isList(value: DocValue): value is readonly DocValue[] {
  return Array.isArray(value);
}

function encodeError(message: string): DataError {
  return new DataError('calib-encode', message);
}
