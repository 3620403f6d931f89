/**
 * A JSON document as positions in its text. Nothing is converted here: number literals and strings are read from the text when
 * somebody needs them, in the way that is needed then.
 */

export interface JsonObject {
  readonly kind: 'object';
  readonly at: number;
  readonly members: JsonMember[];
  /** First member of each key, made when a large object is looked up for the first time. */
  index?: Map<string, JsonMember>;
}

export interface JsonMember {
  /** Bytes of the key, one character (0..255) each, escapes decoded. */
  readonly key: string;
  /** Position of the key. */
  readonly at: number;
  readonly value: JsonNode;
}

/** A list that holds anything but plain numbers. */
export interface JsonList {
  readonly kind: 'list';
  readonly at: number;
  readonly items: JsonNode[];
  /** An object or a list is among the items: the list is walked by index. */
  nested: boolean;
}

/** A list of plain numbers, possibly empty; the literals are in the text between `at` and `end`. */
export interface JsonNumbers {
  readonly kind: 'numbers';
  /** Position of `[`. */
  readonly at: number;
  /** Position of `]`. */
  readonly end: number;
  readonly count: number;
}

export interface JsonString {
  readonly kind: 'string';
  /** Position of the opening quote. */
  readonly at: number;
  /** Position of the closing quote. */
  readonly end: number;
  readonly escaped: boolean;
}

export interface JsonNumber {
  readonly kind: 'number';
  readonly at: number;
  readonly end: number;
}

export interface JsonWord {
  readonly kind: 'word';
  readonly at: number;
  readonly word: 'true' | 'false' | 'null';
}

export type JsonNode = JsonObject | JsonList | JsonNumbers | JsonString | JsonNumber | JsonWord;

const INDEX_FROM = 8;

/** First member with a key, or undefined. */
export function findMember(object: JsonObject, key: string): JsonMember | undefined {
  const { members } = object;
  if (members.length < INDEX_FROM) return members.find((member) => member.key === key);
  if (object.index === undefined) {
    object.index = new Map();
    for (const member of members) if (!object.index.has(member.key)) object.index.set(member.key, member);
  }
  return object.index.get(key);
}

/** Order of keys by unsigned bytes (spec json2xtc.md, section 4). */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How people see a key. */
export function keyText(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8');
}

/** The key of a text. */
export function keyOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What a node is, with its article, for messages. */
export function describeNode(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return 'an object';
    case 'list':
    case 'numbers':
      return 'a list';
    case 'string':
      return 'a text';
    case 'number':
      return 'a number';
    default:
      return node.word;
  }
}
