/**
 * An output file that appears whole or not at all: written under a temporary name in the same folder, then renamed. Devices and
 * pipes are written directly, because a rename would replace them.
 */

import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Lifecycle } from '../cli/lifecycle.ts';
import { Output } from '../cli/output.ts';
import { DaqError } from '../errors.ts';

export class ReplaceFile {
  /** Write here, for example through `Output`. */
  readonly fd: number;
  private readonly name: string;
  /** What the name leads to when links are followed. */
  private readonly target: string;
  private readonly temporary: string | undefined;
  private open = true;

  /**
   * Prepares to write `name`.
   * @throws DaqError `output-failed` if the folder or the existing file cannot be written
   */
  constructor(name: string) {
    this.name = name;
    try {
      this.target = resolve(name);
      const before = statSync(this.target, { throwIfNoEntry: false });
      if (before?.isDirectory()) throw new Error('is a directory');
      if (before) accessSync(this.target, constants.W_OK);
      if (before && !before.isFile()) {
        this.temporary = undefined;
        this.fd = openSync(this.target, 'w');
        return;
      }
      this.temporary = join(dirname(this.target), `.${basename(this.target)}.${randomUUID().slice(0, 8)}.tmp`);
      this.fd = openSync(this.temporary, 'wx', before ? before.mode & 0o777 : 0o666);
    } catch (error) {
      throw failure(name, error);
    }
  }

  /** Puts the new file in place of the old one. @throws DaqError `output-failed` */
  commit(): void {
    if (!this.open) return;
    try {
      this.open = false;
      closeSync(this.fd);
      if (this.temporary !== undefined) renameSync(this.temporary, this.target);
    } catch (error) {
      this.remove();
      throw failure(this.name, error);
    }
  }

  /** Leaves everything as it was before. Works any number of times, and does nothing after `commit`. */
  abandon(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.fd);
    this.remove();
  }

  private remove(): void {
    if (this.temporary !== undefined) rmSync(this.temporary, { force: true });
  }
}

/**
 * Writes a file that appears whole, or not at all when `fill` fails or a second signal ends the process.
 * @param fill collects the content; what it has not drained is drained for it
 * @throws DaqError `output-failed`, and whatever `fill` throws
 */
export async function writeWhole(
  name: string,
  lifecycle: Lifecycle,
  fill: (out: Output) => void | Promise<void>,
): Promise<void> {
  const file = new ReplaceFile(name);
  const forget = lifecycle.onEmergency(() => file.abandon());
  try {
    const out = new Output(file.fd, name);
    await fill(out);
    await out.drain();
    file.commit();
  } finally {
    file.abandon();
    forget();
  }
}

/**
 * Puts a file of known content in place in one step: whoever is killed meanwhile leaves the old one.
 * @throws DaqError `output-failed`; the old file is still there then
 */
export function replaceFile(name: string, pieces: readonly Uint8Array[]): void {
  const file = new ReplaceFile(name);
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(file.fd, piece, at);
    file.commit();
  } catch (error) {
    throw error instanceof DaqError ? error : failure(name, error);
  } finally {
    file.abandon();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
};

function failure(name: string, error: unknown): DaqError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = (code !== undefined && REASONS[code]) || message;
  return new DaqError('output-failed', `cannot write: ${why}`, { place: { file: name }, cause: error });
}

/** Follows links, so that the file behind a link is replaced and not the link. */
function resolve(name: string): string {
  try {
    return realpathSync(name);
  } catch {
    return name;
  }
}
