/** The whole of an input, for documents that are small or must be seen at once. */

import { constants } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { InputError } from '../errors.ts';
import { type ByteSource, explain } from './source.ts';

const FIRST_BLOCK = 64 * 1024;

/**
 * Reads a source to its end and closes it.
 * @throws InputError when it cannot be read, or is larger than a Buffer can be
 */
export async function readAll(source: ByteSource): Promise<Buffer> {
  try {
    // One byte more than the file has, so that its end is seen without growing.
    let bytes = allocate(source.size === undefined ? FIRST_BLOCK : source.size + 1, source.name);
    let used = 0;
    for (;;) {
      if (used === bytes.length) {
        const grown = allocate(bytes.length * 2, source.name);
        bytes.copy(grown);
        bytes = grown;
      }
      const answer = source.read(bytes.subarray(used));
      const got = typeof answer === 'number' ? answer : await answer;
      if (got === 0) return bytes.subarray(0, used);
      used += got;
    }
  } finally {
    source.close();
  }
}

/**
 * A small file that is there already.
 * @param file 0 for standard input
 * @throws InputError
 */
export function wholeFile(file: string | 0): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError(explain(error), { place: { file: file === 0 ? '-' : file }, cause: error });
  }
}

/** As `wholeFile`, as text. @throws InputError */
export function wholeText(file: string | 0): string {
  return wholeFile(file).toString();
}

function allocate(size: number, name: string): Buffer {
  if (size > constants.MAX_LENGTH) throw new InputError('is too large to be read at once', { place: { file: name } });
  return Buffer.allocUnsafeSlow(size);
}
