/** What a reducer has published as one JSON value: groups as objects, arrays as nested lists, attributes of `x` as `x_attrs`. */

import type { PublishedTree, TreeNode } from '../payload/types.ts';

/** Integers that JSON readers cannot hold exactly become texts; what is no number becomes null. */
export async function treeAsJson(tree: PublishedTree, path: readonly string[] = []): Promise<unknown> {
  const node = await tree.node(path);
  if (node === undefined) return null;
  if (node.kind === 'dataset') return datasetAsJson(tree, path, node);
  const members: (readonly [string, unknown])[] = attributesAs('_attrs', node);
  for (const [name, collection] of node.links) {
    const below = [...path, name];
    members.push([name, await treeAsJson(tree, below)]);
    const dataset = collection === 'datasets' ? await tree.node(below) : undefined;
    if (dataset) members.push(...attributesAs(`${name}_attrs`, dataset));
  }
  return Object.fromEntries(members);
}

function attributesAs(key: string, { attributes }: TreeNode): (readonly [string, unknown])[] {
  return attributes.length === 0 ? [] : [[key, Object.fromEntries(attributes.map(({ name, value }) => [name, value]))]];
}

async function datasetAsJson(
  tree: PublishedTree,
  path: readonly string[],
  { shape, type }: Extract<TreeNode, { kind: 'dataset' }>,
): Promise<unknown> {
  const value = await tree.value(path, undefined);
  if (value === undefined) return null;
  if ('json' in value) return value.json;
  const flat = numbersIn(value.bytes, (type as { base?: string }).base ?? '');
  if (flat === undefined) return `${value.bytes.length} bytes of a type that JSON does not have`;
  return nested(flat, shape.class === 'H5S_SCALAR' ? [] : shape.dims);
}

type Read = (view: DataView, at: number, little: boolean) => unknown;

const READ: Readonly<Record<string, Read>> = {
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  I16: (view, at, little) => view.getInt16(at, little),
  U16: (view, at, little) => view.getUint16(at, little),
  I32: (view, at, little) => view.getInt32(at, little),
  U32: (view, at, little) => view.getUint32(at, little),
  I64: (view, at, little) => exact(view.getBigInt64(at, little)),
  U64: (view, at, little) => exact(view.getBigUint64(at, little)),
  F32: (view, at, little) => view.getFloat32(at, little),
  F64: (view, at, little) => view.getFloat64(at, little),
};

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** @param base as `H5T_STD_I64LE`. @returns undefined for another type */
function numbersIn(bytes: Buffer, base: string): unknown[] | undefined {
  const [, name, bits, order] = /^H5T_(?:STD|IEEE)_([IUF])(\d+)(LE|BE)$/.exec(base) ?? [];
  const read = READ[`${name}${bits}`];
  if (!read) return undefined;
  const size = Number(bits) / 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => read(view, i * size, order === 'LE'));
}

/** A flat list, C order, as lists of lists. */
function nested(flat: readonly unknown[], dims: readonly number[]): unknown {
  const [length = 0, ...inner] = dims;
  if (inner.length === 0) return flat;
  const size = inner.reduce((product, one) => product * one, 1);
  return Array.from({ length }, (_, i) => nested(flat.slice(i * size, (i + 1) * size), inner));
}
