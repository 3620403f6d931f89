/**
 * A set of constants where all workers of this node find it once: the frames of its message in a file without a name, and the
 * publisher's segment, if the contents are there (docs/drp-python.md, "Constants").
 */

import { createHash } from 'node:crypto';
import { constants as fs } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { DataError } from '../../errors.ts';
import type { Announcement, Contents } from './header.ts';
import { namelessFile, pathOf } from './nameless-file.ts';

const MAGIC = 'calibset';
const HEAD = 16;
const ENTRY = 16;
/** Arrays begin at cache lines. */
const ALIGNED = 64;
const HASHED_AT_ONCE = 4 * 1024 * 1024;
const WRITABLE_BY_OTHERS = 0o022;

export interface ConstantsSet extends Announcement {
  /** What BeginRun tells the workers, JSON. */
  readonly told: string;
  /** This process no longer needs it; workers that have it keep it. Works twice. */
  close(): Promise<void>;
}

/**
 * Checks the contents and puts them where workers find them.
 * @throws DataError `bad-constants`, `gone-constants` (the publisher has removed its segment), `no-memory`
 */
export async function placeSet(announced: Announcement, frames: readonly Buffer[]): Promise<ConstantsSet> {
  const { segment } = announced;
  const shared = segment && (await openSegment(segment));
  try {
    await verify(announced.contents, frames.slice(2), shared);
    const file = await namelessFile(layOut(frames));
    const told = JSON.stringify({ set: pathOf(file), ...(shared && { segment: pathOf(shared) }) });
    let open: FileHandle[] = shared ? [file, shared] : [file];
    const close = async () => {
      const handles = open;
      open = [];
      await Promise.all(handles.map((handle) => handle.close()));
    };
    return { ...announced, told, close };
  } catch (error) {
    await shared?.close();
    throw error;
  }
}

/** `calibset`, u64 number of frames, then u64 offset and u64 size of each, then the frames. */
function layOut(frames: readonly Buffer[]): { at: number; bytes: Buffer }[] {
  const head = Buffer.alloc(HEAD + ENTRY * frames.length);
  head.write(MAGIC, 'latin1');
  head.writeBigUInt64LE(BigInt(frames.length), 8);
  let end = head.length;
  const pieces = frames.map((bytes, i) => {
    const at = Math.ceil(end / ALIGNED) * ALIGNED;
    head.writeBigUInt64LE(BigInt(at), HEAD + ENTRY * i);
    head.writeBigUInt64LE(BigInt(bytes.length), HEAD + ENTRY * i + 8);
    end = at + bytes.length;
    return { at, bytes };
  });
  return [{ at: 0, bytes: head }, ...pieces];
}

/** The publisher's segment; who else could have written it would give physicists any constants. */
async function openSegment({ name, bytes }: NonNullable<Announcement['segment']>): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(`/dev/shm${name}`, fs.O_RDONLY | fs.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new DataError('gone-constants', `the segment ${name} is not on this machine, or not any more`);
    throw new DataError('bad-constants', `the segment ${name} cannot be opened: ${(error as Error).message}`);
  }
  const status = await file.stat();
  const ours = status.isFile() && (status.uid === process.geteuid?.() || status.uid === 0);
  if (ours && (status.mode & WRITABLE_BY_OTHERS) === 0 && status.size >= bytes) return file;
  await file.close();
  throw new DataError('bad-constants', `the segment ${name} is too short, or others could have written it`);
}

/** Compares every sha256, with pauses in which events go on. */
async function verify(
  contents: readonly Contents[],
  blobs: readonly Buffer[],
  segment: FileHandle | undefined,
): Promise<void> {
  const buffer = segment && Buffer.allocUnsafe(HASHED_AT_ONCE);
  for (const { name, blob, offset, bytes, sha256 } of contents) {
    const hash = createHash('sha256');
    for (let done = 0; done < bytes; ) {
      const count = Math.min(HASHED_AT_ONCE, bytes - done);
      if (blob !== undefined) hash.update(blobs[blob]!.subarray(done, done + count));
      else if ((await segment!.read(buffer!, 0, count, offset + done)).bytesRead === count)
        hash.update(buffer!.subarray(0, count));
      done += count;
      await setImmediate();
    }
    if (hash.digest('hex') !== sha256)
      throw new DataError('bad-constants', `${name}: its contents have another sha256 than the header says`);
  }
}
