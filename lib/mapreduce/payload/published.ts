/**
 * `publish` of a JavaScript reducer as groups and datasets (spec mapreduce.md 11). What Python publishes is described by
 * python/daqpipe/mapreduce/tree.py in the same words.
 *
 * Objects and Maps are groups; whole numbers are 64-bit integers, other numbers doubles; typed arrays and NdArray keep their type; nested lists
 * of numbers become arrays. A number that is whole by chance is an integer: publish a Float64Array where that matters.
 */

import {
  BadSelection,
  type Selection,
  type TreeAttribute,
  type TreeNode,
  type TreeShape,
  type TreeValue,
} from './types.ts';
import { NdArray, type TypedArray } from './values.ts';

const ATTRIBUTES = '_attrs';
const TEXT = {
  class: 'H5T_STRING',
  length: 'H5T_VARIABLE',
  charSet: 'H5T_CSET_UTF8',
  strPad: 'H5T_STR_NULLTERM',
} as const;
const DOUBLE = { class: 'H5T_FLOAT', base: 'H5T_IEEE_F64LE' } as const;
const integer = (base: string) => ({ class: 'H5T_INTEGER', base: `H5T_STD_${base}` }) as const;
const SCALAR: TreeShape = { class: 'H5S_SCALAR' };

/** A value in the form it is served in. */
interface Dataset {
  readonly shape: TreeShape;
  readonly type: unknown;
  /** Elements in C order; undefined for scalars and texts, which are JSON. */
  readonly flat?: TypedArray;
  readonly json?: unknown;
}

/** A key as it stands in paths: its slashes are no separators. */
function escapedKey(key: string): string {
  return key.replace(/%(?=2F|25)/g, '%25').replaceAll('/', '%2F');
}

type Group = ReadonlyMap<string, unknown>;

function groupOf(value: unknown): Group | undefined {
  if (value instanceof Map) return new Map([...value].filter(([key]) => typeof key === 'string'));
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof NdArray) return undefined;
  return new Map(Object.entries(value));
}

const isLink = (key: string) => key !== '' && !key.endsWith(ATTRIBUTES);

interface Found {
  readonly here: unknown;
  readonly attributes: Group;
}

function find(publish: unknown, path: readonly string[]): Found | undefined {
  let here: unknown = publish ?? {};
  let attributes = attributesIn(here);
  for (const step of path) {
    const group = groupOf(here);
    const key = group && [...group.keys()].find((one) => isLink(one) && escapedKey(one) === step);
    if (group === undefined || key === undefined) return undefined;
    here = group.get(key);
    attributes = new Map([...attributesIn(here), ...(groupOf(group.get(key + ATTRIBUTES)) ?? [])]);
  }
  return { here, attributes };
}

function attributesIn(value: unknown): Group {
  return groupOf(groupOf(value)?.get(ATTRIBUTES)) ?? new Map();
}

/** What a node is; undefined if there is none. */
export function publishedNode(publish: unknown, path: readonly string[]): TreeNode | undefined {
  const found = find(publish, path);
  if (!found) return undefined;
  const attributes = [...found.attributes].flatMap(([name, value]): TreeAttribute[] => {
    const made = datasetOf(value);
    if (!made || name === '') return [];
    const { shape, type, flat, json } = made;
    const plain = flat ? nested([...flat], (shape as { dims: readonly number[] }).dims) : json;
    return [{ name: escapedKey(name), shape, type, value: typeof plain === 'boolean' ? Number(plain) : plain }];
  });
  const group = groupOf(found.here);
  if (!group) {
    const made = datasetOf(found.here);
    return made && { kind: 'dataset', shape: made.shape, type: made.type, attributes };
  }
  const links = [...group].flatMap(([key, value]): [string, 'groups' | 'datasets'][] => {
    if (!isLink(key)) return [];
    if (groupOf(value)) return [[escapedKey(key), 'groups']];
    return datasetOf(value) ? [[escapedKey(key), 'datasets']] : [];
  });
  return { kind: 'group', links, attributes };
}

/** A dataset or a part of it; undefined if there is none. @throws BadSelection */
export function publishedValue(
  publish: unknown,
  path: readonly string[],
  select: Selection | undefined,
): TreeValue | undefined {
  const made = datasetOf(find(publish, path)?.here);
  if (!made) return undefined;
  const { shape, flat, json } = made;
  const dims = shape.class === 'H5S_SCALAR' ? [] : shape.dims;
  if (select && select.length !== dims.length)
    throw new BadSelection(`${select.length} dimensions are selected of ${dims.length}`);
  if (typeof json === 'boolean') return { bytes: Buffer.of(Number(json)) };
  if (!flat) return { json: select && Array.isArray(json) ? cutList(json, select) : json };
  const bytes = Buffer.from(flat.buffer, flat.byteOffset, flat.byteLength);
  return { bytes: select ? cutBytes(bytes, flat.BYTES_PER_ELEMENT, dims, select) : bytes };
}

function datasetOf(value: unknown): Dataset | undefined {
  switch (typeof value) {
    case 'boolean':
      return { shape: SCALAR, type: integer('I8LE'), json: value };
    case 'number':
      if (Number.isSafeInteger(value)) return { shape: SCALAR, type: integer('I64LE'), json: value };
      return { shape: SCALAR, type: DOUBLE, json: Number.isFinite(value) ? value : null };
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) return undefined;
      return { shape: SCALAR, type: integer('I64LE'), json: Number(value) };
    case 'string':
      return { shape: SCALAR, type: TEXT, json: value };
  }
  if (value instanceof NdArray) return ofElements(value.data, value.shape);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const elements = value as unknown as TypedArray;
    return ofElements(elements, [elements.length]);
  }
  return Array.isArray(value) ? ofList(value) : undefined;
}

function ofElements(flat: TypedArray, dims: readonly number[]): Dataset {
  const bits = 8 * flat.BYTES_PER_ELEMENT;
  const isFloat = flat instanceof Float32Array || flat instanceof Float64Array;
  const sign = /^(Big)?Int/.test(flat.constructor.name) ? 'I' : 'U';
  const type = isFloat ? { class: 'H5T_FLOAT', base: `H5T_IEEE_F${bits}LE` } : integer(`${sign}${bits}LE`);
  return { shape: { class: 'H5S_SIMPLE', dims }, type, flat };
}

function ofList(value: readonly unknown[]): Dataset | undefined {
  const flat: unknown[] = [];
  const dims = flatten(value, flat);
  if (!dims) return undefined;
  if (flat.length > 0 && flat.every((item) => typeof item === 'string'))
    return { shape: { class: 'H5S_SIMPLE', dims }, type: TEXT, json: value };
  if (!flat.every((item) => typeof item === 'number')) return undefined;
  if (flat.length > 0 && flat.every(Number.isSafeInteger))
    return ofElements(BigInt64Array.from(flat as number[], BigInt), dims);
  return ofElements(Float64Array.from(flat as number[]), dims);
}

/** Dimensions of nested lists; undefined if they are ragged. */
function flatten(value: unknown, into: unknown[]): readonly number[] | undefined {
  if (!Array.isArray(value)) {
    into.push(value);
    return [];
  }
  let inner: readonly number[] | undefined = [];
  for (const [i, item] of value.entries()) {
    const dims = flatten(item, into);
    if (!dims || (i > 0 && dims.join() !== inner.join())) return undefined;
    inner = dims;
  }
  return [value.length, ...inner];
}

function nested(flat: readonly (number | bigint)[], dims: readonly number[]): unknown {
  let list: readonly unknown[] = flat.map(Number);
  for (const length of dims.slice(1).reverse()) {
    const rows: unknown[] = [];
    for (let at = 0; at < list.length && length > 0; at += length) rows.push(list.slice(at, at + length));
    list = rows;
  }
  return list;
}

function cutList(list: readonly unknown[], [first, ...rest]: Selection): unknown[] {
  const [from, to, step] = first!;
  const taken = list.slice(from, to).filter((_, i) => i % step === 0);
  return rest.length === 0 ? taken : taken.map((item) => cutList(item as readonly unknown[], rest));
}

/** Rows along the last dimension are copied whole where they are contiguous. */
function cutBytes(bytes: Buffer, size: number, dims: readonly number[], select: Selection): Buffer {
  const pieces: Buffer[] = [];
  const visit = (axis: number, at: number) => {
    const [from, end, step] = select[axis]!;
    const length = dims[axis]!;
    const to = Math.min(end, length);
    if (axis === dims.length - 1 && step === 1)
      pieces.push(bytes.subarray((at * length + from) * size, (at * length + Math.max(from, to)) * size));
    else
      for (let i = from; i < to; i += step) {
        const place = at * length + i;
        if (axis === dims.length - 1) pieces.push(bytes.subarray(place * size, (place + 1) * size));
        else visit(axis + 1, place);
      }
  };
  if (dims.length === 0) return bytes;
  visit(0, 0);
  return Buffer.concat(pieces);
}
