/** A bundle: one file that holds constants, a tar archive of the same files that stand in a folder. `tar tvf` shows it. */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, InputError } from '../../errors.ts';
import { npyHeader } from '../../npy.ts';
import { explain } from '../../stream/source.ts';
import { writeBeside } from '../cache/write-beside.ts';
import { chooseForRun } from '../choose.ts';
import { exactText, integer } from '../document.ts';
import type { Constant, ConstantSet } from '../types.ts';
import { type Shelf, type ShelfFile, shelfPath } from './shelf.ts';
import { ShelfSource } from './shelf-source.ts';
import { BLOCK, padding, pathInRecords, readTarHeader, tarHeader } from './tar.ts';

/** Of a path that does not fit into its header. */
const LONGEST_RECORDS = 64 * 1024;

export function bundleSource(file: string): ShelfSource {
  return new ShelfSource(bundleShelf(file));
}

export function bundleShelf(file: string): Shelf {
  return { name: file, list: () => withFile(file, (handle) => entriesOf(file, handle)) };
}

async function entriesOf(file: string, handle: FileHandle): Promise<ShelfFile[]> {
  const entries: ShelfFile[] = [];
  const { ino, mtimeMs } = await handle.stat();
  const version = `${ino} ${mtimeMs}`;
  let longPath: string | undefined;
  for (let at = 0; ; ) {
    const block = await piece(file, handle, at, BLOCK);
    const header = readTarHeader(block, file, at);
    if (header === undefined) return entries;
    const { kind, bytes, seconds } = header;
    const start = at + BLOCK;
    if (!Number.isSafeInteger(bytes)) throw damaged(file, at, 'an entry without size');
    if (kind === 'path' || kind === 'records') {
      const records = await piece(file, handle, start, Math.min(bytes, LONGEST_RECORDS));
      longPath = kind === 'path' ? records.toString().replace(/\0.*$/s, '') : pathInRecords(records);
    } else if (kind === 'file') {
      const path = (longPath ?? header.path).replace(/^(\.\/)+/, '');
      const read = (limit = bytes) => withFile(file, (again) => piece(file, again, start, Math.min(limit, bytes)));
      entries.push({ path, bytes, seconds, version, read });
      longPath = undefined;
    }
    at = start + bytes + padding(bytes);
  }
}

async function piece(file: string, handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(block, read, length - read, at + read);
    if (bytesRead === 0) throw damaged(file, at + read, 'the bundle is cut short');
    read += bytesRead;
  }
  return block;
}

async function withFile<T>(file: string, action: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    return await action(handle);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new InputError(explain(error), { place: { file }, cause: error });
  } finally {
    await handle?.close();
  }
}

function damaged(file: string, offset: number, what: string): DataError {
  return new DataError('calib-source', what, { place: { file, offset } });
}

const ENDINGS: Readonly<Record<Constant['kind'], string>> = { ndarray: 'npy', str: 'txt', any: 'pickle' };

/**
 * The bytes of a bundle of a set, piece by piece; contents are not copied. A set has the same bundle whenever it is made.
 * @throws DataError `calib-bundle` if a name cannot be that of a file
 */
export function* bundleOf(set: ConstantSet): Iterable<Buffer> {
  for (const [name, { constants }] of set.detectors) {
    for (const [ctype, constant] of constants) {
      const path = shelfPath(checked(name), !countsFor(set.run, constant), checked(ctype));
      const header = constant.kind === 'ndarray' ? [npyHeader(constant.dtype, constant.shape)] : [];
      yield* entry(`${path}.${ENDINGS[constant.kind]}`, [...header, constant.bytes]);
      yield* entry(`${path}.doc.json`, [Buffer.from(`${exactText(constant.doc)}\n`)]);
    }
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** A document that does not cover its run can only have come from the detector's own database. */
function countsFor(run: number, { doc }: Constant): boolean {
  return chooseForRun([{ ...doc, run: doc.run ?? integer(0) }], run).chosen.size > 0;
}

function* entry(path: string, parts: readonly Buffer[]): Iterable<Buffer> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  yield tarHeader(path, bytes, 0);
  yield* parts;
  yield Buffer.alloc(padding(bytes));
}

/** Names of documents never become paths unseen. */
function checked(name: string): string {
  if (/^[\w+-][\w.+ -]*$/.test(name) && name !== 'own') return name;
  throw new DataError('calib-bundle', `"${name}" cannot be the name of a file`);
}

/**
 * Keeps a set as `FOLDER/EXPERIMENT-rRUN.tar`; one of the same name is replaced.
 * @throws DataError `calib-bundle` for names that no file can have, and whatever the file system says
 */
export async function saveBundle(folder: string, set: ConstantSet): Promise<void> {
  const name = `${checked(set.exp ?? 'none')}-r${String(set.run).padStart(4, '0')}.tar`;
  await writeBeside(join(folder, name), [...bundleOf(set)]);
}
