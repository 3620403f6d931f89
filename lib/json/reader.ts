/**
 * Strict JSON as the reference reads it (spec json2xtc.md, section 6): no comments, no trailing commas, no byte order mark. Works on bytes
 * and without recursion, so nesting is limited by memory only.
 */

import { isUtf8 } from 'node:buffer';
import { DataError } from '../errors.ts';
import { findMember, type JsonList, type JsonNode, type JsonObject, keyText } from './node.ts';
import { referenceDouble } from './reference.ts';
import { escapeValue, hex4, type JsonText } from './text.ts';

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LOWER_CASE = 0x20;
const LETTER_E = 0x65;

/** A literal shorter than this and without an exponent cannot leave the range of a double. */
const SAFE_LENGTH = 300;

/** What strict JSON forbids or frowns at, and the reference does not mind. */
export type FlawCode = 'duplicate-key' | 'nul-in-text' | 'not-utf8';

/** Called for every flaw; `path` is the place in the document. */
export type FlawReport = (code: FlawCode, path: string, at: number, what: string) => void;

interface Frame {
  readonly node: JsonObject | JsonList;
  /** Of the member under way. */
  key: string;
  keyAt: number;
}

export class JsonReader {
  private readonly text: JsonText;
  private readonly bytes: Buffer;
  private readonly flaw: FlawReport;
  private readonly open: Frame[] = [];
  private at = 0;
  private escaped = false;

  constructor(text: JsonText, flaw: FlawReport) {
    this.text = text;
    this.bytes = text.bytes;
    this.flaw = flaw;
  }

  /** The one document. @throws DataError `json-syntax` with line and column */
  document(): JsonNode {
    this.start();
    const root = this.value();
    this.space();
    if (this.at < this.bytes.length) throw this.syntax('the document has ended, but something follows it');
    return root;
  }

  /** All documents of a text that holds several, with white space between them. */
  documents(): JsonNode[] {
    this.start();
    const roots: JsonNode[] = [];
    do {
      roots.push(this.value());
      this.space();
    } while (this.at < this.bytes.length);
    return roots;
  }

  private start(): void {
    const { bytes } = this;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
      throw this.syntax('the text starts with a byte order mark; JSON has none');
    }
    this.space();
    if (this.at >= bytes.length) throw this.syntax('the text is empty');
  }

  private value(): JsonNode {
    const { open } = this;
    for (;;) {
      let node = this.begin();
      while (node !== undefined) {
        const frame = open.at(-1);
        if (frame === undefined) return node;
        this.attach(frame, node);
        node = this.afterItem(frame);
      }
    }
  }

  /** Starts a value: a finished node, or undefined after opening a container. */
  private begin(): JsonNode | undefined {
    this.space();
    const { at } = this;
    const byte = this.bytes[at]!;
    if (byte === QUOTE) {
      this.string();
      return { kind: 'string', at, end: this.at - 1, escaped: this.escaped };
    }
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      this.number();
      return { kind: 'number', at, end: this.at };
    }
    if (byte === OPEN_LIST) return this.beginList(at);
    if (byte === OPEN_OBJECT) return this.beginObject(at);
    return this.word(at);
  }

  private beginObject(at: number): JsonObject | undefined {
    const node: JsonObject = { kind: 'object', at, members: [] };
    this.at = at + 1;
    this.space();
    if (this.bytes[this.at] === CLOSE_OBJECT) {
      this.at++;
      return node;
    }
    const frame: Frame = { node, key: '', keyAt: 0 };
    this.open.push(frame);
    this.key(frame);
    return undefined;
  }

  private beginList(at: number): JsonNode | undefined {
    const count = this.plainNumbers(at);
    if (count >= 0) return { kind: 'numbers', at, end: this.at - 1, count };
    this.at = at + 1;
    this.open.push({ node: { kind: 'list', at, items: [], nested: false }, key: '', keyAt: 0 });
    return undefined;
  }

  /** Number of items if the list at `from` holds nothing but numbers, else -1. */
  private plainNumbers(from: number): number {
    const { bytes } = this;
    this.at = from + 1;
    this.space();
    if (bytes[this.at] === CLOSE_LIST) {
      this.at++;
      return 0;
    }
    for (let count = 1; ; count++) {
      const byte = bytes[this.at]!;
      if (byte !== MINUS && !(byte >= ZERO && byte <= NINE)) return -1;
      this.number();
      if (bytes[this.at]! <= 0x20) this.space();
      const separator = bytes[this.at++];
      if (separator === CLOSE_LIST) return count;
      if (separator !== COMMA) {
        this.at--;
        throw this.syntax('expected "," or "]" in a list');
      }
      if (bytes[this.at]! <= 0x20) this.space();
    }
  }

  private attach(frame: Frame, node: JsonNode): void {
    if (frame.node.kind === 'object') {
      frame.node.members.push({ key: frame.key, at: frame.keyAt, value: node });
      return;
    }
    frame.node.items.push(node);
    frame.node.nested ||= node.kind === 'object' || node.kind === 'list' || node.kind === 'numbers';
  }

  /** Behind an item: the finished container, or undefined if another item follows. */
  private afterItem(frame: Frame): JsonNode | undefined {
    this.space();
    const byte = this.bytes[this.at];
    const object = frame.node.kind === 'object';
    if (byte === COMMA) {
      this.at++;
      if (object) {
        this.space();
        this.key(frame);
      }
      return undefined;
    }
    if (byte !== (object ? CLOSE_OBJECT : CLOSE_LIST)) {
      throw this.syntax(object ? 'expected "," or "}" in an object' : 'expected "," or "]" in a list');
    }
    this.at++;
    this.open.pop();
    if (frame.node.kind === 'object') this.reportDuplicates(frame.node);
    return frame.node;
  }

  private key(frame: Frame): void {
    const { at } = this;
    if (this.bytes[at] !== QUOTE) throw this.syntax('expected a key in double quotes');
    frame.key = '';
    this.string();
    frame.key = this.text.key(at + 1, this.at - 1, this.escaped);
    frame.keyAt = at;
    this.space();
    if (this.bytes[this.at] !== COLON) throw this.syntax('expected ":" behind a key');
    this.at++;
  }

  private reportDuplicates(object: JsonObject): void {
    for (const member of object.members) {
      const first = findMember(object, member.key)!;
      if (first === member) continue;
      const line = this.text.line(first.at);
      this.flaw('duplicate-key', this.path(member.key), member.at, `the key is there already, in line ${line}`);
    }
  }

  /** Passes a string; `escaped` tells whether it holds escapes. */
  private string(): void {
    const { bytes } = this;
    const start = this.at;
    let at = start + 1;
    let high = 0;
    let zero = false;
    this.escaped = false;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) throw this.syntaxAt(start, 'this text has no closing quote');
      if (byte === QUOTE) break;
      if (byte < 0x20) throw this.syntaxAt(at, 'control characters in a text must be written as escapes');
      high |= byte;
      if (byte === BACKSLASH) {
        this.escaped = true;
        const next = this.escape(at);
        zero ||= next === at + 6 && hex4(bytes, at + 2) === 0;
        at = next;
      } else {
        at++;
      }
    }
    this.at = at + 1;
    if (zero) this.flaw('nul-in-text', this.path(), start, 'the text contains U+0000');
    if (high > 0x7f && !isUtf8(bytes.subarray(start, at))) {
      this.flaw('not-utf8', this.path(), start, 'the text is not valid UTF-8');
    }
  }

  /** Checks the escape at `at`; the position behind it, behind both halves of a pair. */
  private escape(at: number): number {
    const { bytes } = this;
    const letter = bytes[at + 1];
    if (letter !== LETTER_U) {
      if (letter === undefined || escapeValue(letter) === undefined) throw this.syntaxAt(at, 'there is no such escape');
      return at + 2;
    }
    const unit = hex4(bytes, at + 2);
    if (Number.isNaN(unit)) throw this.syntaxAt(at, '"\\u" needs four hexadecimal digits');
    if (unit < 0xd800 || unit > 0xdfff) return at + 6;
    const low = bytes[at + 6] === BACKSLASH && bytes[at + 7] === LETTER_U ? hex4(bytes, at + 8) : Number.NaN;
    if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) {
      throw this.syntaxAt(at, 'a surrogate escape stands alone; they come in pairs');
    }
    return at + 12;
  }

  /** Passes a number literal. */
  private number(): void {
    const { bytes } = this;
    const start = this.at;
    if (bytes[this.at] === MINUS) this.at++;
    if (bytes[this.at] === ZERO) this.at++;
    else this.digits('a number needs digits');
    if (bytes[this.at] === POINT) {
      this.at++;
      this.digits('the decimal point needs digits behind it');
    }
    let checked = this.at - start < SAFE_LENGTH;
    if ((bytes[this.at]! | LOWER_CASE) === LETTER_E) {
      this.at++;
      if (bytes[this.at] === PLUS || bytes[this.at] === MINUS) this.at++;
      this.digits('the exponent needs digits');
      checked = false;
    }
    if (!checked && Number.isNaN(referenceDouble(bytes, start, this.at))) {
      throw this.syntaxAt(start, `the number ${this.text.excerpt(start, this.at)} is too big`);
    }
  }

  private digits(complaint: string): void {
    const { bytes } = this;
    const from = this.at;
    let at = from;
    for (let byte = bytes[at]!; byte >= ZERO && byte <= NINE; byte = bytes[++at]!);
    this.at = at;
    if (at === from) throw this.syntax(complaint);
  }

  private word(at: number): JsonNode {
    for (const word of ['true', 'false', 'null'] as const) {
      if (this.bytes.toString('latin1', at, at + word.length) === word) {
        this.at = at + word.length;
        return { kind: 'word', at, word };
      }
    }
    throw this.syntax('expected a value');
  }

  private space(): void {
    const { bytes } = this;
    let { at } = this;
    for (let byte = bytes[at]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[++at]);
    this.at = at;
  }

  /** Where we are: keys joined with dots, list indices with `_`. */
  private path(last?: string): string {
    let path = '';
    for (const { node, key } of this.open) {
      if (node.kind === 'list') path += `_${node.items.length}`;
      else if (key !== '') path += path === '' ? keyText(key) : `.${keyText(key)}`;
    }
    if (last === undefined) return path;
    return path === '' ? keyText(last) : `${path}.${keyText(last)}`;
  }

  private syntax(message: string): DataError {
    return this.syntaxAt(this.at, message);
  }

  private syntaxAt(at: number, message: string): DataError {
    const path = this.path();
    const found =
      at < this.bytes.length
        ? `found ${JSON.stringify([...this.bytes.toString('utf8', at, at + 4)][0])}`
        : 'found the end';
    return new DataError('json-syntax', `${message} (${found})`, {
      place: { ...this.text.position(at), offset: at, ...(path === '' ? {} : { key: path }) },
    });
  }
}
