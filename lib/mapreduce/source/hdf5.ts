/**
 * A dataset of an HDF5 file as a source: its first axis counts the frames. The messages are those of STINS, so that classes written for
 * a detector read the file unchanged.
 */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type * as H5wasm from 'h5wasm';
import { importModule } from '../../cli/import-module.ts';
import { DataError, InputError, UsageError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { MessageSource } from './messages.ts';

/** numpy's names by those of h5wasm, which gives every number in this machine's order. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ b: 'int8', B: 'uint8', h: 'int16', H: 'uint16', i: 'int32', I: 'uint32', q: 'int64', Q: 'uint64' },
  ...{ f: 'float32', d: 'float64' },
};
const ENUM = 8;
const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** Filters that come with the library: deflate, shuffle, Fletcher's sum, szip, n-bit, scale and offset, LZF. */
const KNOWN_FILTERS = new Set([1, 2, 3, 4, 5, 6, 32000]);

/** `FILE.h5:/PATH`, or `FILE.h5` if it holds one dataset of numbers. */
function placeOf(upstream: string): { file: string; path: string | undefined } {
  const at = upstream.lastIndexOf(':/');
  return at < 1 ? { file: upstream, path: undefined } : { file: upstream.slice(0, at), path: upstream.slice(at + 1) };
}

/**
 * Opens the dataset: header, one image per entry of the first axis, series_end.
 * @param upstream `FILE[:/PATH]`
 * @throws InputError for what is no HDF5 file, UsageError for a path that names no frames, DataError `hdf5-filter`
 */
export async function hdf5Messages(upstream: string): Promise<MessageSource> {
  const { file, path } = placeOf(upstream);
  checkSignature(file);
  const { default: h5wasm } = (await importModule('h5wasm/node')) as { default: typeof H5wasm };
  await h5wasm.ready;
  const open = new h5wasm.File(file, 'r');
  let isOpen = true;
  const close = () => {
    if (isOpen) open.close();
    isOpen = false;
  };
  try {
    const dataset = framesIn(open, path, file);
    return {
      async *[Symbol.asyncIterator]() {
        for (const message of stinsMessages(dataset, file)) {
          if (!isOpen) return;
          yield message();
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The library writes its complaints to stderr; so what is no such file does not come to it. */
function checkSignature(file: string): void {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const found = Buffer.alloc(SIGNATURE.length);
      const { size } = statSync(file);
      // Behind a user block of 0, 512, 1024, ... bytes.
      for (let at = 0; at < size; at = at === 0 ? 512 : 2 * at) {
        readSync(descriptor, found, 0, found.length, at);
        if (found.equals(SIGNATURE)) return;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new InputError(explain(error), { place: { file }, cause: error });
  }
  throw new InputError('this is no HDF5 file', { place: { file } });
}

function framesIn(open: H5wasm.File, path: string | undefined, file: string): H5wasm.Dataset {
  const candidates = path === undefined ? open.paths() : [path];
  const found = candidates.flatMap((one) => {
    const item = open.get(one);
    return isFrames(item) ? [{ one, item }] : [];
  });
  if (found.length !== 1) {
    const which = path === undefined ? found.map(({ one }) => `/${one}`).join(', ') || 'none' : path;
    throw new UsageError(
      path === undefined
        ? `${file}: which dataset? ${file}:/PATH (datasets of numbers: ${which})`
        : `${file}: ${which} is no dataset of numbers with at least one axis`,
    );
  }
  const { item } = found[0]!;
  const unknown = item.filters.filter(({ id }) => !KNOWN_FILTERS.has(id));
  if (unknown.length > 0)
    throw new DataError(
      'hdf5-filter',
      `the chunks are packed with ${unknown.map(({ name, id }) => name || id).join()}`,
      {
        place: { file },
      },
    );
  return item;
}

function isFrames(item: unknown): item is H5wasm.Dataset {
  const dataset = item as H5wasm.Dataset | null;
  return dataset?.type === 'Dataset' && (dataset.shape?.length ?? 0) > 0 && typeOf(dataset) !== undefined;
}

/** Booleans are an enumeration of one byte. */
function typeOf({ dtype, metadata }: H5wasm.Dataset): string | undefined {
  if (metadata.type === ENUM && metadata.size === 1) return 'uint8';
  return typeof dtype === 'string' ? TYPES[dtype.slice(1)] : undefined;
}

/** A frame is read when it is its turn. */
function* stinsMessages(dataset: H5wasm.Dataset, file: string): Generator<() => Buffer[]> {
  const [length, ...shape] = dataset.shape as number[];
  const type = typeOf(dataset);
  let number = 0;
  const header = (fields: object) => Buffer.from(JSON.stringify({ ...fields, msg_number: number++ }));
  yield () => [header({ htype: 'header', filename: file })];
  for (let frame = 0; frame < length!; frame++) {
    yield () => {
      const { buffer, byteOffset, byteLength } = dataset.slice([[frame, frame + 1]]) as Uint8Array;
      const image = header({ htype: 'image', frame, shape, type, compression: 'none' });
      return [image, Buffer.from(buffer, byteOffset, byteLength)];
    };
  }
  yield () => [header({ htype: 'series_end' })];
}
