/** The bytes of a document: where something stands, what it says. */

import type { JsonNode, JsonString } from './node.ts';

const SHOWN = 40;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

const ESCAPES: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};

/** Value of an escape letter other than `u`; undefined if there is no such escape. */
export function escapeValue(letter: number): number | undefined {
  return ESCAPES[String.fromCharCode(letter)];
}

export class JsonText {
  /** Up to the first zero byte, where the input ends for the reference. */
  readonly bytes: Buffer;
  /** Bytes from the first zero byte on; 0 if there is none. */
  readonly ignored: number;
  private readonly starts: number[] = [];

  constructor(bytes: Buffer) {
    const zero = bytes.indexOf(0);
    this.bytes = zero < 0 ? bytes : bytes.subarray(0, zero);
    this.ignored = zero < 0 ? 0 : bytes.length - zero;
  }

  /** 1-based line, and column in characters. */
  position(at: number): { line: number; column: number } {
    const line = this.line(at);
    return { line, column: [...this.bytes.toString('utf8', this.lineStarts()[line - 1], at)].length + 1 };
  }

  /** 1-based line of a position. */
  line(at: number): number {
    const starts = this.lineStarts();
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  private lineStarts(): readonly number[] {
    if (this.starts.length > 0) return this.starts;
    this.starts.push(0);
    for (let next = this.bytes.indexOf(NEWLINE); next >= 0; next = this.bytes.indexOf(NEWLINE, next + 1)) {
      this.starts.push(next + 1);
    }
    return this.starts;
  }

  /** A short piece of the text, for messages. */
  excerpt(at: number, end: number): string {
    const piece = this.bytes.toString('utf8', at, Math.min(end, at + SHOWN));
    return end - at > SHOWN ? `${piece}...` : piece;
  }

  /** A value in a few words: literals as written, lists and objects by their kind. */
  show(node: JsonNode): string {
    switch (node.kind) {
      case 'number':
        return this.excerpt(node.at, node.end);
      case 'string':
        return this.excerpt(node.at, node.end + 1);
      case 'word':
        return node.word;
      case 'numbers':
        return node.count === 0 ? 'an empty list' : `a list of ${node.count} numbers`;
      case 'list':
        return `a list of ${node.items.length}`;
      default:
        return 'an object';
    }
  }

  /** Bytes of a string that `JsonReader` has accepted, escapes decoded. */
  stringBytes(node: JsonString): Buffer {
    return this.decode(node.at + 1, node.end, node.escaped);
  }

  /** The same as one character per byte. */
  stringKey(node: JsonString): string {
    return this.key(node.at + 1, node.end, node.escaped);
  }

  /** Raw content between quotes as one character per byte. */
  key(from: number, end: number, escaped: boolean): string {
    return escaped ? this.decode(from, end, true).toString('latin1') : this.bytes.toString('latin1', from, end);
  }

  private decode(from: number, end: number, escaped: boolean): Buffer {
    const { bytes } = this;
    if (!escaped) return bytes.subarray(from, end);
    const out = Buffer.allocUnsafe(end - from);
    let used = 0;
    for (let at = from; at < end; ) {
      const byte = bytes[at]!;
      if (byte !== BACKSLASH) {
        out[used++] = byte;
        at++;
      } else if (bytes[at + 1] !== LETTER_U) {
        out[used++] = escapeValue(bytes[at + 1]!)!;
        at += 2;
      } else {
        let unit = hex4(bytes, at + 2);
        at += 6;
        if (unit >= 0xd800 && unit <= 0xdbff) {
          unit = (unit - 0xd800) * 0x400 + (hex4(bytes, at + 2) - 0xdc00) + 0x10000;
          at += 6;
        }
        used += out.write(String.fromCodePoint(unit), used);
      }
    }
    return out.subarray(0, used);
  }
}

/** Value of four hexadecimal digits, or NaN. */
export function hex4(bytes: Buffer, at: number): number {
  const digits = bytes.toString('latin1', at, at + 4);
  return /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
}

/** A text ends at its first NUL, as it does for the reference. */
export function upToNul(bytes: Buffer): Buffer {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}
