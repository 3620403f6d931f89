/**
 * Contents in files of a private folder. A file holds the contents and then their sha256, so a damaged one is noticed; its name is a
 * hash, so nothing that a document says becomes a path.
 */

import { createHash, randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { Contents } from './memory.ts';

const DIGEST_BYTES = 32;
/** Bits of group and others. */
const OTHERS = 0o077;

/** What a look into the cache found. */
export type Found = Contents | 'absent' | 'damaged';

export class DiskCache {
  private readonly folder: string;

  /**
   * @param folder made if it is not there
   * @throws UsageError if it is not a folder of this user that is closed to others
   */
  constructor(folder: string) {
    this.folder = folder;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new UsageError(`--cache: ${folder} cannot be made: ${explain(error)}`, { cause: error });
    }
    const status = lstatSync(folder);
    if (!status.isDirectory() || status.uid !== process.geteuid?.() || (status.mode & OTHERS) !== 0) {
      throw new UsageError(`--cache: ${folder} must be a folder of yours with mode 0700: what is in it is believed`);
    }
  }

  async get(key: string): Promise<Found> {
    let stored: Buffer;
    try {
      stored = await readFile(this.path(key));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'damaged';
    }
    const end = stored.length - DIGEST_BYTES;
    if (end < 0) return 'damaged';
    const bytes = stored.subarray(0, end);
    const digest = createHash('sha256').update(bytes).digest();
    return digest.equals(stored.subarray(end)) ? { bytes, sha256: digest.toString('hex') } : 'damaged';
  }

  /** Written beside and renamed, so that a reader finds all or nothing. @throws whatever the file system says */
  async put(key: string, { bytes, sha256 }: Contents): Promise<void> {
    const path = this.path(key);
    const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writev([bytes, Buffer.from(sha256, 'hex')]);
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  private path(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex'));
  }
}
