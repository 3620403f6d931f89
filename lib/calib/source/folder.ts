/** A folder of constants as a shelf. Links are followed: an operator may point `pedestals.npy` at a file elsewhere. */

import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { Shelf, ShelfFile } from './shelf.ts';
import { ShelfSource } from './shelf-source.ts';

/** `epix/own/pedestals.npy`. */
const DEEPEST = 3;

/** @param folder DIR of DIR/DETECTOR/CTYPE.npy */
export function folderSource(folder: string): ShelfSource {
  return new ShelfSource(folderShelf(folder));
}

export function folderShelf(folder: string): Shelf {
  return { name: folder, list: () => filesBelow(folder, '', 1) };
}

async function filesBelow(folder: string, prefix: string, depth: number): Promise<ShelfFile[]> {
  const names = await attempt(join(folder, prefix), (path) => readdir(path));
  const found = await Promise.all(
    names.sort().map(async (name): Promise<ShelfFile[]> => {
      const path = `${prefix}${name}`;
      const status = await attempt(join(folder, path), (file) => stat(file));
      if (status.isDirectory()) return depth < DEEPEST ? filesBelow(folder, `${path}/`, depth + 1) : [];
      if (!status.isFile()) return [];
      const read = (limit?: number) =>
        attempt(join(folder, path), (file) => (limit === undefined ? readFile(file) : readStart(file, limit)));
      const version = `${status.ino} ${status.mtimeMs}`;
      return [{ path, bytes: status.size, seconds: status.mtimeMs / 1000, version, read }];
    }),
  );
  return found.flat();
}

async function attempt<T>(path: string, action: (path: string) => Promise<T>): Promise<T> {
  try {
    return await action(path);
  } catch (error) {
    throw new InputError(explain(error), { place: { file: path }, cause: error });
  }
}

async function readStart(path: string, limit: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(limit), 0, limit, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
