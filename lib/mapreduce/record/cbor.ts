/**
 * The part of CBOR (RFC 8949) that recordings use, over bytes of unknown origin: nothing is copied, no length is believed before its
 * bytes are there, nesting is bounded.
 */

export const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** More bytes are needed; `position` says up to where at least. */
export class CutShort extends Error {
  readonly position: number;

  constructor(position: number) {
    super('the item goes on behind the bytes');
    this.position = position;
  }
}

/** Not CBOR, or not what was expected. */
export class BadItem extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Of one string; larger ones are mistakes. */
const LONGEST = 2 ** 31;
const MOST_ITEMS = 2 ** 24;
const DEEPEST = 64;
const INDEFINITE = 31;
const BREAK = 0xff;

/** Length of an array or map whose end is marked. */
const OPEN = -1;

export class CborCursor {
  readonly bytes: Buffer;
  at: number;
  /** Of the last head. */
  major = 0;
  /** Its value, length or tag; OPEN for an indefinite length. */
  value = 0;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Reads the head of the next item. @throws CutShort, BadItem */
  head(): void {
    const { bytes, at } = this;
    this.#need(at + 1);
    const first = bytes[at]!;
    const info = first & 31;
    this.major = first >>> 5;
    this.at = at + 1;
    if (info < 24) this.value = info;
    else if (info < 28) this.#argument(1 << (info - 24));
    else if (info === INDEFINITE && this.major >= MAJOR.bytes && this.major <= MAJOR.map) this.value = OPEN;
    else throw new BadItem(at, `the byte 0x${first.toString(16)} begins no item`);
  }

  #argument(size: number): void {
    const { bytes, at } = this;
    this.#need(at + size);
    this.value =
      size === 8 ? bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4) : bytes.readUIntBE(at, size);
    this.at = at + size;
  }

  /** The number of items of an array or pairs of a map, or OPEN. @throws CutShort, BadItem */
  list(major: typeof MAJOR.array | typeof MAJOR.map, what: string): number {
    const { at } = this;
    this.head();
    if (this.major !== major) throw new BadItem(at, `${what} is expected`);
    if (this.value > MOST_ITEMS) throw new BadItem(at, `${what} with ${this.value} items`);
    return this.value;
  }

  /** True, once, at the end of a list of `length` of which `done` items were read. */
  ended(length: number, done: number): boolean {
    if (length !== OPEN) return done === length;
    this.#need(this.at + 1);
    if (this.bytes[this.at] !== BREAK) return false;
    this.at++;
    return true;
  }

  /** A whole number that is not negative. @throws CutShort, BadItem */
  unsigned(what: string): number {
    const { at } = this;
    this.head();
    if (this.major !== MAJOR.unsigned || !Number.isSafeInteger(this.value))
      throw new BadItem(at, `${what} is no number from 0 on`);
    return this.value;
  }

  /** The number of a tag if one is next, else undefined. @throws CutShort, BadItem */
  tag(): number | undefined {
    const { at } = this;
    this.head();
    if (this.major === MAJOR.tag) return this.value;
    this.at = at;
    return undefined;
  }

  /** A byte string: a view, unless it comes in pieces. @throws CutShort, BadItem */
  byteString(what: string): Buffer {
    return this.#string(MAJOR.bytes, what);
  }

  /** @throws CutShort, BadItem */
  text(what: string): string {
    return this.#string(MAJOR.text, what).toString();
  }

  #string(major: number, what: string): Buffer {
    const { at } = this;
    this.head();
    if (this.major !== major) throw new BadItem(at, `${what} is no ${major === MAJOR.text ? 'text' : 'byte string'}`);
    if (this.value !== OPEN) return this.#take(this.value);
    const pieces: Buffer[] = [];
    while (!this.ended(OPEN, pieces.length)) {
      const piece = this.at;
      this.head();
      if (this.major !== major || this.value === OPEN) throw new BadItem(piece, `${what} has a piece of another type`);
      pieces.push(this.#take(this.value));
    }
    return Buffer.concat(pieces);
  }

  #take(length: number): Buffer {
    if (length > LONGEST) throw new BadItem(this.at, `a string of ${length} bytes`);
    const end = this.at + length;
    this.#need(end);
    const piece = this.bytes.subarray(this.at, end);
    this.at = end;
    return piece;
  }

  /** Passes over an item of any type. @throws CutShort, BadItem */
  skip(depth = 0): void {
    const { at } = this;
    if (depth > DEEPEST) throw new BadItem(at, `items are nested more than ${DEEPEST} deep`);
    this.head();
    const { major, value } = this;
    if (major === MAJOR.tag) return this.skip(depth + 1);
    if (major === MAJOR.bytes || major === MAJOR.text) {
      this.at = at;
      this.#string(major, 'a string');
    } else if (major === MAJOR.array || major === MAJOR.map) {
      if (value > MOST_ITEMS) throw new BadItem(at, `a list of ${value} items`);
      for (let done = 0; !this.ended(value, done); done++) {
        this.skip(depth + 1);
        if (major === MAJOR.map) this.skip(depth + 1);
      }
    }
  }

  #need(end: number): void {
    if (end > this.bytes.length) throw new CutShort(end);
  }
}

/** The head of an item. */
export function cborHead(major: number, value: number): Buffer {
  const first = major << 5;
  if (value < 24) return Buffer.of(first | value);
  if (value < 2 ** 8) return Buffer.of(first | 24, value);
  if (value < 2 ** 16) return Buffer.of(first | 25, value >>> 8, value & 255);
  const wide = value >= 2 ** 32;
  const head = Buffer.alloc(wide ? 9 : 5);
  head[0] = first | (wide ? 27 : 26);
  if (wide) head.writeBigUInt64BE(BigInt(value), 1);
  else head.writeUInt32BE(value, 1);
  return head;
}

/** A text with its head. */
export function cborText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([cborHead(MAJOR.text, bytes.length), bytes]);
}
