/** Snapshots as HDF5, by h5wasm: the library of HDF5 itself, compiled to WebAssembly. Loaded only for `.h5`. */

import type * as H5wasm from 'h5wasm';
import { importModule } from '../../cli/import-module.ts';
import { ofTrueWidth, type Part } from './parts.ts';
import { attributesOf, outputParts, type Snapshot } from './snapshot.ts';

/** h5wasm's words, those of Python's struct. */
const WORDS: Readonly<Record<string, string>> = {
  float64: '<d',
  float32: '<f',
  int8: '<b',
  uint8: '<B',
  int16: '<h',
  uint16: '<H',
  int32: '<i',
  uint32: '<I',
  int64: '<q',
  uint64: '<Q',
  bool: '<B',
};

/** In memory; every snapshot is made anew, so a name is enough. */
const FILE = '/snapshot.h5';

/**
 * What makes the bytes of a file: one dataset per output, a group with `keys` and `values` per map, attributes of the heartbeat at the
 * root.
 */
export async function openHdf5(): Promise<(snapshot: Snapshot) => Buffer[]> {
  const { default: h5wasm } = (await importModule('h5wasm')) as { default: typeof H5wasm };
  const { FS } = await h5wasm.ready;
  return (snapshot) => {
    const file = new h5wasm.File(FILE, 'w');
    try {
      for (const part of outputParts(snapshot)) addPart(file, part);
      for (const [name, value] of Object.entries(attributesOf(snapshot))) addAttribute(file, name, value);
    } finally {
      file.close();
    }
    const bytes = FS.readFile(FILE);
    FS.unlink(FILE);
    return [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)];
  };
}

function addPart(file: H5wasm.File, { name, shape, ...content }: Part): void {
  const [group, item] = name.split('/');
  if (item !== undefined && file.get(group!) === null) file.create_group(group!);
  if (content.kind === 'texts') {
    file.create_dataset({ name, data: [...content.texts], shape: [...shape], dtype: 'S' });
    return;
  }
  const { dtype, array } = ofTrueWidth(content.array);
  file.create_dataset({ name, data: array, shape: [...shape], dtype: WORDS[dtype]! });
}

function addAttribute(file: H5wasm.File, name: string, value: number | string | number[]): void {
  if (typeof value === 'string') file.create_attribute(name, value);
  else
    file.create_attribute(
      name,
      BigInt64Array.from([value].flat(), BigInt),
      Array.isArray(value) ? undefined : [],
      '<q',
    );
}
