/**
 * Contents in files of a private folder. A file holds the contents and then their sha256, so a damaged one is noticed; its name is a
 * hash, so nothing that a document says becomes a path.
 */

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import type { Contents } from './memory.ts';
import { writeBeside } from './write-beside.ts';

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

  /** @throws whatever the file system says */
  put(key: string, { bytes, sha256 }: Contents): Promise<void> {
    return writeBeside(this.path(key), [bytes, Buffer.from(sha256, 'hex')]);
  }

  private path(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex'));
  }
}
