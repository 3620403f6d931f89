/** A file in memory that has no name and never had one: it goes with its last user, however that ends. */

import { constants as fs } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DataError } from '../../errors.ts';

/** open(2): a file without a name in this folder. Not among Node's constants. */
const O_TMPFILE = 0o20000000 | fs.O_DIRECTORY;
/** The second is for containers, whose shared memory is small. */
const FOLDERS = ['/dev/shm', tmpdir()];
const LONGEST_WRITE = 64 * 1024 * 1024;
const READ_ONLY = 0o400;

/**
 * Puts pieces into a new file, each where it belongs.
 * @throws DataError `no-memory` if nowhere is room
 */
export async function namelessFile(pieces: readonly { at: number; bytes: Buffer }[]): Promise<FileHandle> {
  const reasons: string[] = [];
  for (const folder of FOLDERS) {
    let file: FileHandle | undefined;
    try {
      file = await open(folder, O_TMPFILE | fs.O_RDWR, 0o600);
      for (const { at, bytes } of pieces) await writeAll(file, bytes, at);
      await file.chmod(READ_ONLY);
      return file;
    } catch (error) {
      await file?.close();
      reasons.push((error as Error).message);
    }
  }
  throw new DataError('no-memory', `there is no room for calibration constants: ${reasons.join('; ')}`);
}

/** How other processes of this user open it while this process has it open. */
export function pathOf(file: FileHandle): string {
  return `/proc/${process.pid}/fd/${file.fd}`;
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(LONGEST_WRITE, bytes.length - done), at + done);
    done += bytesWritten;
  }
}
