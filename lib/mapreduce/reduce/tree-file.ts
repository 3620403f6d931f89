/** What a reducer has published, as an HDF5 file: the tree of spec mapreduce.md 11 with its groups, datasets and attributes. */

import { closeSync, openSync, renameSync } from 'node:fs';
import type * as H5wasm from 'h5wasm';
import { importModule } from '../../cli/import-module.ts';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { PublishedTree, TreeAttribute, TreeNode, TreeShape, TreeValue } from '../payload/types.ts';

/** Bytes and word of an element; h5wasm's words are those of Python's struct. */
interface Element {
  readonly word: string;
  readonly size: number;
  readonly isBig: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  ...{ I8: 'b', I16: 'h', I32: 'i', I64: 'q', U8: 'B', U16: 'H', U32: 'I', U64: 'Q' },
  ...{ F32: 'f', F64: 'd' },
};

function elementOf(type: unknown): Element | 'text' | undefined {
  const { class: kind, base } = type as { class?: string; base?: string };
  if (kind === 'H5T_STRING') return 'text';
  const [, name, bits, order] = /^H5T_(?:STD|IEEE)_([IUF])(\d+)(LE|BE)$/.exec(base ?? '') ?? [];
  const word = WORDS[`${name}${bits}`];
  return word === undefined ? undefined : { word: `<${word}`, size: Number(bits) / 8, isBig: order === 'BE' };
}

/**
 * Writes the file anew; it is there under its name when it is whole.
 * @returns paths of what has no form in a file: compound types
 * @throws DaqError `output-failed`
 */
export async function saveTree(tree: PublishedTree, file: string): Promise<readonly string[]> {
  const part = `${file}.part`;
  try {
    closeSync(openSync(part, 'w', 0o640));
  } catch (error) {
    throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file }, cause: error });
  }
  const { default: h5wasm } = (await importModule('h5wasm/node')) as { default: typeof H5wasm };
  await h5wasm.ready;
  const open = new h5wasm.File(part, 'w');
  const left: string[] = [];
  try {
    await addNode({ tree, left }, open, []);
  } finally {
    open.close();
  }
  renameSync(part, file);
  return left;
}

interface Writing {
  readonly tree: PublishedTree;
  readonly left: string[];
}

async function addNode(writing: Writing, group: H5wasm.Group, path: readonly string[]): Promise<void> {
  const node = await writing.tree.node(path);
  if (node?.kind !== 'group') return;
  addAttributes(writing, group, path, node.attributes);
  for (const [name, collection] of node.links) {
    const below = [...path, name];
    if (collection === 'groups') await addNode(writing, group.create_group(name) as H5wasm.Group, below);
    else await addDataset(writing, group, below);
  }
}

async function addDataset(writing: Writing, group: H5wasm.Group, path: readonly string[]): Promise<void> {
  const node = await writing.tree.node(path);
  const value = await writing.tree.value(path, undefined);
  const content = node?.kind === 'dataset' && value ? contentOf(node, value) : undefined;
  if (!content) return void writing.left.push(`/${path.join('/')}`);
  const made = group.create_dataset({ name: path.at(-1)!, ...content } as Parameters<
    H5wasm.Group['create_dataset']
  >[0]);
  addAttributes(writing, made, path, node!.attributes);
}

interface Content {
  readonly data: unknown;
  readonly shape: number[];
  readonly dtype: string;
}

function contentOf({ shape, type }: Extract<TreeNode, { kind: 'dataset' }>, value: TreeValue): Content | undefined {
  if ('json' in value) return contentOfJson(shape, type, value.json);
  const element = elementOf(type);
  if (element === undefined || element === 'text') return undefined;
  const { word, size, isBig } = element;
  // A copy that begins where every type may begin.
  const bytes = new Uint8Array(value.bytes).buffer;
  if (isBig) swap(Buffer.from(bytes), size);
  return { data: arrayOver(word, bytes), shape: dimsOf(shape), dtype: word };
}

/** Scalars, texts, and values of attributes. */
function contentOfJson(shape: TreeShape, type: unknown, json: unknown): Content | undefined {
  const element = elementOf(type);
  if (element === undefined) return undefined;
  const flat = [json].flat(Number.POSITIVE_INFINITY);
  if (element === 'text') return { data: shape.class === 'H5S_SCALAR' ? json : flat, shape: dimsOf(shape), dtype: 'S' };
  const { word } = element;
  const wide = word === '<q' || word === '<Q';
  const numbers = wide ? BigInt64Array.from(flat as number[], BigInt) : Float64Array.from(flat as number[], numberOf);
  return { data: wide ? numbers : converted(word, numbers as Float64Array), shape: dimsOf(shape), dtype: word };
}

/** JSON has no word for what is no number. */
const numberOf = (value: number | null) => value ?? Number.NaN;

const ARRAYS = {
  ...{ '<b': Int8Array, '<h': Int16Array, '<i': Int32Array, '<q': BigInt64Array },
  ...{ '<B': Uint8Array, '<H': Uint16Array, '<I': Uint32Array, '<Q': BigUint64Array },
  ...{ '<f': Float32Array, '<d': Float64Array },
} as const;

const arrayOver = (word: string, bytes: ArrayBuffer) => new ARRAYS[word as keyof typeof ARRAYS](bytes);

function converted(word: string, numbers: Float64Array): ArrayBufferView {
  const kind = ARRAYS[word as keyof typeof ARRAYS] as unknown as { from(numbers: Iterable<number>): ArrayBufferView };
  return kind.from(numbers);
}

function swap(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else if (size === 8) bytes.swap64();
}

function addAttributes(
  { left }: Writing,
  to: H5wasm.Group | H5wasm.Dataset,
  path: readonly string[],
  attributes: readonly TreeAttribute[],
): void {
  for (const { name, shape, type, value } of attributes) {
    const content = contentOfJson(shape as TreeShape, type, value);
    if (!content) left.push(`/${path.join('/')}@${name}`);
    else to.create_attribute(name, content.data as string, content.shape, content.dtype);
  }
}

function dimsOf(shape: TreeShape): number[] {
  return shape.class === 'H5S_SCALAR' ? [] : [...shape.dims];
}
