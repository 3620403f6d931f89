/** Written beside and renamed, so that a reader finds all of a file or none of it. The event loop goes on meanwhile. */

import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

/** The system takes no more pieces at once. */
const MOST_PIECES = 512;

/** @throws whatever the file system says; nothing is left then */
export async function writeBeside(path: string, pieces: readonly Buffer[]): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      for (let at = 0; at < pieces.length; at += MOST_PIECES) await writeAll(file, pieces.slice(at, at + MOST_PIECES));
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A write may take less than it is given, above 2 GiB always. */
async function writeAll(file: Awaited<ReturnType<typeof open>>, pieces: Buffer[]): Promise<void> {
  let left = pieces.filter((piece) => piece.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    const next: Buffer[] = [];
    for (const piece of left) {
      if (bytesWritten < piece.length) next.push(piece.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - piece.length);
    }
    left = next;
  }
}
