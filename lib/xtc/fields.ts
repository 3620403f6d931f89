/** Chosen fields of dgrams as values: `detector:interface:field` (spec graph.md 3). */

import { InputError } from '../errors.ts';
import type { NdArray, NumericArray } from '../json/value.ts';
import { CODE, DTYPES } from './layout.ts';
import type { Field, NamesBlock } from './names.ts';
import type { ShapesData } from './shapes-data.ts';
import { isText } from './value.ts';
import type { Visitor } from './walk.ts';

/** What a field holds; an array is a view of the dgram where it can be. */
export type FieldValue = number | string | NdArray;

/** A field by name; the detector with or without its segment. */
export interface FieldName {
  readonly detector: string;
  readonly alg: string;
  readonly field: string;
}

/** @returns undefined if it is not written detector:interface:field, as gmd:raw:energy */
export function parseFieldName(text: string): FieldName | undefined {
  const [detector, alg, ...field] = text.split(':');
  return detector && alg && field.length > 0 ? { detector, alg, field: field.join(':') } : undefined;
}

/** A field of one description, and where its value goes. */
interface Binding {
  readonly slot: number;
  readonly field: Field;
}

const VIEWS: Readonly<
  Record<
    number,
    { new (buffer: ArrayBufferLike, offset: number, length: number): NumericArray; readonly BYTES_PER_ELEMENT: number }
  >
> = {
  [CODE.UINT8]: Uint8Array,
  [CODE.CHARSTR]: Uint8Array,
  [CODE.UINT16]: Uint16Array,
  [CODE.UINT32]: Uint32Array,
  [CODE.INT8]: Int8Array,
  [CODE.INT16]: Int16Array,
  [CODE.INT32]: Int32Array,
  [CODE.ENUMVAL]: Int32Array,
  [CODE.FLOAT]: Float32Array,
  [CODE.DOUBLE]: Float64Array,
};

/** Collects the values of one dgram while a walker visits it. */
export class Fields implements Visitor {
  /** By number of the source; undefined where the dgram does not have it. */
  readonly values: (FieldValue | undefined)[];
  /** Set to true to pass over a source: its values are not decoded. */
  readonly paused: boolean[];
  /** What transitions said. */
  readonly #held: (FieldValue | undefined)[];
  readonly #wanted: readonly FieldName[];
  readonly #bindings = new Map<NamesBlock, readonly Binding[]>();
  readonly #seen: boolean[];

  /** @throws InputError if a source is not written detector:interface:field */
  constructor(sources: readonly { readonly name: string; readonly from: string }[]) {
    this.#wanted = sources.map(({ name, from }) => {
      const field = parseFieldName(from);
      if (field === undefined)
        throw new InputError(`source ${name}: "${from}" is not written detector:interface:field, as gmd:raw:energy`);
      return field;
    });
    this.paused = new Array(sources.length).fill(false);
    this.values = new Array(sources.length).fill(undefined);
    this.#held = new Array(sources.length).fill(undefined);
    this.#seen = new Array(sources.length).fill(false);
  }

  /** Numbers of the sources that no description has named so far: probably misspelt. */
  get neverDescribed(): readonly number[] {
    return this.#seen.flatMap((seen, i) => (seen ? [] : [i]));
  }

  /** Before an event: what transitions said still holds. */
  clear(): void {
    for (let i = 0; i < this.values.length; i++) this.values[i] = this.#held[i];
  }

  /**
   * A transition. What it says (the position of a step, variables of a SlowUpdate) holds for the events behind it, until it is said again.
   * @param visit walks the dgram
   */
  transition(visit: () => void): void {
    this.values.fill(undefined);
    visit();
    for (const [i, value] of this.values.entries())
      if (value !== undefined)
        this.#held[i] = typeof value === 'object' ? { ...value, data: value.data.slice() } : value;
  }

  names(block: NamesBlock): void {
    this.#bind(block);
  }

  data(block: ShapesData): void {
    const bindings = this.#bindings.get(block.names) ?? this.#bind(block.names);
    for (const { slot, field } of bindings) {
      if (field.index < block.count && !this.paused[slot]) this.values[slot] = fieldValue(block, field);
    }
  }

  #bind(names: NamesBlock): readonly Binding[] {
    const bindings: Binding[] = [];
    this.#wanted.forEach(({ detector, alg, field: name }, slot) => {
      if (names.alg !== alg || (names.detName !== detector && `${names.detName}_${names.segment}` !== detector)) return;
      const field = names.fields.find((one) => one.name === name || one.shortName === name);
      if (!field) return;
      this.#seen[slot] = true;
      bindings.push({ slot, field });
    });
    this.#bindings.set(names, bindings);
    return bindings;
  }

  /** At a Configure: descriptions begin anew. */
  forget(): void {
    this.#held.fill(undefined);
    this.#bindings.clear();
  }
}

function fieldValue(block: ShapesData, field: Field): FieldValue {
  if (isText(field)) return block.string(field.index);
  return field.rank === 0 ? block.number(field.index) : arrayOf(block, field);
}

function arrayOf(block: ShapesData, field: Field): NdArray {
  const dtype = DTYPES[field.type] as string;
  const shape = block.shape(field.index);
  const bytes = block.fieldBytes(field.index);
  if (field.type === CODE.UINT64 || field.type === CODE.INT64)
    return { dtype, shape, data: doubles(bytes, field.type) };
  const View = VIEWS[field.type] ?? Uint8Array;
  const size = View.BYTES_PER_ELEMENT;
  const length = bytes.length / size;
  // Fields lie anywhere; typed arrays do not.
  if (bytes.byteOffset % size === 0) return { dtype, shape, data: new View(bytes.buffer, bytes.byteOffset, length) };
  const copy = new Uint8Array(bytes);
  return { dtype, shape, data: new View(copy.buffer, 0, length) };
}

/** 64-bit integers as doubles: exact up to 2^53 (spec 2.5). */
function doubles(bytes: Buffer, type: number): Float64Array {
  const data = new Float64Array(bytes.length / 8);
  for (let i = 0; i < data.length; i++)
    data[i] = Number(type === CODE.UINT64 ? bytes.readBigUInt64LE(i * 8) : bytes.readBigInt64LE(i * 8));
  return data;
}
