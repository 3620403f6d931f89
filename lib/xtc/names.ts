/** Names blocks: what describes the data (spec xtc2.md, sections 3, 7 and 9). */

import { CODE, ELEMENT_SIZE, MAX_SHAPE_SLOTS, NAME, NAME_INFO, TEXT_SIZE } from './layout.ts';
import { Placement } from './placement.ts';
import { decodeText, findNul } from './text.ts';

export interface Field {
  readonly index: number;
  /** The full name from the file, dots and enum part included. */
  readonly name: string;
  /** Type code; above 12 the field cannot be decoded. */
  readonly type: number;
  readonly rank: number;
  /** The field's own algorithm, usually empty. */
  readonly alg: string;
  readonly version: number;
  /** Bytes of one element; 0 if the type does not exist. */
  readonly elementSize: number;
  /** Number of the Shapes entry, or -1 for rank 0. */
  readonly shapeIndex: number;
  /** Name without the enum part for ENUMVAL, else the name. */
  readonly shortName: string;
  /** What stands behind the first colon of ENUMVAL and ENUMDICT fields. */
  readonly enumName: string | undefined;
}

export interface NamesBlock {
  /** 28-bit NamesId: node << 8 | names. */
  readonly id: number;
  readonly detType: string;
  readonly detName: string;
  readonly detId: string;
  readonly alg: string;
  /** major << 16 | minor << 8 | micro. */
  readonly version: number;
  readonly segment: number;
  /** As stored; should be the number of fields of rank > 0. */
  readonly numArrays: number;
  readonly fields: readonly Field[];
  /** Fields of rank > 0. */
  readonly arrays: number;
  /** Field number of the first that cannot be decoded (bad type or rank), or fields.length. */
  readonly usable: number;
  /** The ENUMDICT fields of rank 0: labels of enums. */
  readonly labelFields: readonly Field[];
  /** The fields that are texts: CHARSTR of rank 1. */
  readonly textFields: readonly Field[];
  /** Where the fields lie in the block last seen. */
  readonly placement: Placement;
}

/** 28-bit NamesId of a src word. */
export function namesIdOf(src: number): number {
  return src & 0x0fffffff;
}

/** `0x10b`, as people know NamesIds. */
export function formatNamesId(id: number): string {
  return `0x${id.toString(16)}`;
}

/** `2.3.42` of a packed version. */
export function formatVersion(version: number): string {
  return `${version >>> 16}.${(version >>> 8) & 0xff}.${version & 0xff}`;
}

export function packVersion(major: number, minor: number, micro: number): number {
  return (((major & 0xff) << 16) | ((minor & 0xff) << 8) | (micro & 0xff)) >>> 0;
}

/** `hsd_0 raw`: how a description is called in messages. */
export function describeNames(names: NamesBlock): string {
  return `${names.detName}_${names.segment} ${names.alg}`;
}

export function isNamesPayloadSize(size: number): boolean {
  return size >= NAME_INFO.size && (size - NAME_INFO.size) % NAME.size === 0;
}

/**
 * Reads a Names payload whose size has been checked with `isNamesPayloadSize`.
 * @param start position of the payload (behind the Xtc header) in `bytes`
 */
export function parseNames(bytes: Buffer, id: number, start: number, end: number): NamesBlock {
  const fields: Field[] = [];
  let arrays = 0;
  let usable = -1;
  for (let at = start + NAME_INFO.size; at + NAME.size <= end; at += NAME.size) {
    const field = parseField(bytes, at, fields.length, arrays);
    if (field.rank > 0) arrays++;
    if (usable < 0 && (field.elementSize === 0 || field.rank > MAX_SHAPE_SLOTS)) usable = field.index;
    fields.push(field);
  }
  if (usable < 0) usable = fields.length;
  return {
    id,
    detType: textAt(bytes, start + NAME_INFO.detType),
    detName: textAt(bytes, start + NAME_INFO.detName),
    detId: textAt(bytes, start + NAME_INFO.detId),
    alg: textAt(bytes, start + NAME_INFO.alg),
    version: bytes.readUInt32LE(start + NAME_INFO.version),
    segment: bytes.readUInt32LE(start + NAME_INFO.segment),
    numArrays: bytes.readUInt32LE(start + NAME_INFO.numArrays),
    fields,
    arrays,
    usable,
    ...specialFields(fields),
    placement: new Placement(fields),
  };
}

/** The fields that walks look at whether anybody asks for values or not. */
export function specialFields(fields: readonly Field[]): Pick<NamesBlock, 'labelFields' | 'textFields'> {
  return {
    labelFields: fields.filter((field) => field.type === CODE.ENUMDICT && field.rank === 0),
    textFields: fields.filter((field) => field.type === CODE.CHARSTR && field.rank === 1),
  };
}

function parseField(bytes: Buffer, at: number, index: number, shapeIndex: number): Field {
  const name = textAt(bytes, at + NAME.name);
  const type = bytes.readUInt32LE(at + NAME.type);
  const rank = bytes.readUInt32LE(at + NAME.rank);
  const colon = type === CODE.ENUMVAL || type === CODE.ENUMDICT ? name.indexOf(':') : -1;
  return {
    index,
    name,
    type,
    rank,
    alg: textAt(bytes, at + NAME.alg),
    version: bytes.readUInt32LE(at + NAME.version),
    elementSize: ELEMENT_SIZE[type] ?? 0,
    shapeIndex: rank > 0 ? shapeIndex : -1,
    shortName: colon >= 0 ? name.slice(0, colon) : name,
    enumName: colon >= 0 ? name.slice(colon + 1) : undefined,
  };
}

function textAt(bytes: Buffer, start: number): string {
  return decodeText(bytes, start, findNul(bytes, start, start + TEXT_SIZE));
}

/** Labels of one enum: value -> label; of two labels with one value the later in Names order counts. */
type Labels = Map<number, string>;

/** What one Names block's ShapesData last said about its enums. */
interface Dictionary {
  /** Values of the ENUMDICT fields, in field order; NaN where the block was too short. */
  readonly values: Float64Array;
  /** By enum name. */
  readonly labels: Map<string, Labels>;
}

/** The dictionaries most recently seen for one detector and segment, by enum name. */
interface Scope {
  readonly labels: Map<string, Labels>;
  /** The dictionary that was entered last. */
  last: Dictionary | undefined;
}

interface Entry {
  readonly names: NamesBlock;
  /** The payload it was read from, to recognise repetitions. */
  readonly raw: Buffer;
  readonly scope: Scope;
  dictionary: Dictionary | undefined;
}

/** The part of a ShapesData block that dictionaries are learnt from. */
type LabelBlock = { names: NamesBlock; count: number; number(i: number): number };

/**
 * The descriptions that hold at a point of a stream, and the enum dictionaries seen so far. Cleared at every Configure
 * (section 17, rule 2); a later description of a NamesId replaces the earlier one, but what its data said about enums stays.
 */
export class NamesTable {
  private entries = new Map<number, Entry>();
  private scopes = new Map<string, Scope>();
  /** During a trial: what `endTrial` goes back to, as soon as something has changed. */
  private kept: { entries: Map<number, Entry>; scopes: Map<string, Scope> } | undefined;
  private trial = false;

  get(id: number): NamesBlock | undefined {
    return this.entries.get(id)?.names;
  }

  /** In the order of definition. */
  *[Symbol.iterator](): IterableIterator<NamesBlock> {
    for (const entry of this.entries.values()) yield entry.names;
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * Adds what `bytes[start..end)` describes. The same bytes again (descriptions repeated in every SlowUpdate) are recognised
   * and not parsed twice.
   */
  define(bytes: Buffer, id: number, start: number, end: number): NamesBlock {
    const known = this.entries.get(id);
    if (known && known.raw.length === end - start && bytes.compare(known.raw, 0, end - start, start, end) === 0) {
      return known.names;
    }
    this.keep();
    const names = parseNames(bytes, id, start, end);
    this.entries.delete(id);
    const raw = Buffer.from(bytes.subarray(start, end));
    this.entries.set(id, { names, raw, scope: this.scopeOf(names), dictionary: undefined });
    return names;
  }

  /**
   * Takes the dictionaries that a ShapesData block carries. Called for every block that has some, so an unchanged dictionary
   * (test writers repeat them in every L1Accept) costs one comparison per label.
   */
  learn(block: LabelBlock): void {
    const entry = this.entries.get(block.names.id);
    if (entry === undefined) return;
    const { scope } = entry;
    if (entry.dictionary === undefined || !isSame(entry.dictionary, block)) entry.dictionary = readDictionary(block);
    if (scope.last === entry.dictionary) return;
    scope.last = entry.dictionary;
    for (const [enumName, labels] of entry.dictionary.labels) scope.labels.set(enumName, labels);
  }

  /**
   * Label of an enum value (section 9): from the dictionary of that enum name most recently seen for the same detector and segment,
   * which is the one in the same ShapesData if that carries one.
   */
  label(names: NamesBlock, enumName: string, value: number): string | null {
    return this.scopeOf(names).labels.get(enumName)?.get(value) ?? null;
  }

  clear(): void {
    if (this.trial) this.kept ??= { entries: this.entries, scopes: this.scopes };
    this.entries = new Map();
    this.scopes = new Map();
  }

  /** From now on until `endTrial` definitions are provisional; trials do not nest. */
  beginTrial(): void {
    this.trial = true;
  }

  endTrial(): void {
    if (this.kept) {
      this.entries = this.kept.entries;
      this.scopes = this.kept.scopes;
    }
    this.kept = undefined;
    this.trial = false;
  }

  private keep(): void {
    if (!this.trial || this.kept) return;
    this.kept = { entries: this.entries, scopes: this.scopes };
    this.entries = new Map(this.entries);
  }

  private scopeOf(names: NamesBlock): Scope {
    const entry = this.entries.get(names.id);
    if (entry?.names === names) return entry.scope;
    const key = `${names.segment}\0${names.detName}`;
    let scope = this.scopes.get(key);
    if (scope === undefined) this.scopes.set(key, (scope = { labels: new Map(), last: undefined }));
    return scope;
  }
}

function isSame(known: Dictionary, block: LabelBlock): boolean {
  const { labelFields } = block.names;
  for (let k = 0; k < labelFields.length; k++) {
    const { index } = labelFields[k]!;
    if (index >= block.count || known.values[k] !== block.number(index)) return false;
  }
  return true;
}

function readDictionary(block: LabelBlock): Dictionary {
  const { labelFields } = block.names;
  const dictionary: Dictionary = { values: new Float64Array(labelFields.length).fill(Number.NaN), labels: new Map() };
  labelFields.forEach((field, k) => {
    if (field.index >= block.count) return;
    const value = block.number(field.index);
    dictionary.values[k] = value;
    const enumName = field.enumName ?? '';
    const labels = dictionary.labels.get(enumName) ?? new Map<number, string>();
    dictionary.labels.set(enumName, labels.set(value, field.shortName));
  });
  return dictionary;
}
