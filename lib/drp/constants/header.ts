/** One message of calibration constants: `calib/1`, header, blobs (docs/calib.md). No sockets, no files: frames in, what they say out. */

import { DataError } from '../../errors.ts';

export const TOPIC = 'calib/1';
const VERSION = 1;
const MAX_HEADER = 16 * 1024 * 1024;

/** Bytes of one element. */
const ELEMENT: Readonly<Record<string, number>> = {
  '|i1': 1,
  '|u1': 1,
  '|b1': 1,
  '<i2': 2,
  '<u2': 2,
  '<i4': 4,
  '<u4': 4,
  '<f4': 4,
  '<i8': 8,
  '<u8': 8,
  '<f8': 8,
};

/** Where the contents of a constant lie: in a blob, or in the publisher's shared segment. */
export interface Contents {
  /** `epix pedestals`. */
  name: string;
  /** Number of the blob, or undefined with a segment. */
  blob: number | undefined;
  /** Offset in the segment; 0 in a blob. */
  offset: number;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

export interface Announcement {
  /** The publisher's start; `seq` counts from there. */
  origin: string;
  seq: number;
  exp: string | undefined;
  run: number;
  /** The publisher could not get those of this run: these are the last ones it had. */
  stale: boolean;
  /** sha256 of the whole set, hexadecimal. */
  hash: string;
  /** POSIX segment with the contents, if they are not in blobs. */
  segment: { name: string; bytes: number } | undefined;
  contents: readonly Contents[];
}

/**
 * What a message announces. Lengths of blobs and shapes of arrays are checked against each other; contents are not looked at.
 * @throws DataError `bad-constants` that says what is wrong
 */
export function readAnnouncement(frames: readonly Buffer[]): Announcement {
  const [topic, text, ...blobs] = frames;
  if (topic?.toString('latin1') !== TOPIC || text === undefined)
    throw bad('a message that does not begin with calib/1');
  const header = object(parse(text), 'the header');
  if (header.v !== VERSION)
    throw bad(`version ${JSON.stringify(header.v)} of the header; this program reads version ${VERSION}`);
  const { origin, seq, exp, run, hash } = header;
  if (typeof origin !== 'string' || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) {
    throw bad('the header has no origin or no hash of 64 hexadecimal digits');
  }
  if (!isCount(seq) || !isCount(run) || (exp !== null && typeof exp !== 'string'))
    throw bad('the header does not say seq, exp and run');
  const segment = header.shm === undefined ? undefined : segmentOf(object(header.shm, 'shm'));
  const contents = [...contentsOf(header, segment, blobs)];
  return { origin, seq, exp: exp ?? undefined, run, stale: header.stale === true, hash, segment, contents };
}

/** `run 7 of mfxl1038923`. */
export function runName({ exp, run }: { exp: string | undefined; run: number | undefined }): string {
  return `run ${run ?? '?'}${exp === undefined ? '' : ` of ${exp}`}`;
}

function* contentsOf(
  header: Record<string, unknown>,
  segment: Announcement['segment'],
  blobs: readonly Buffer[],
): Generator<Contents> {
  for (const [detector, described] of Object.entries(object(header.detectors, 'detectors'))) {
    for (const [ctype, constant] of Object.entries(object(object(described, detector).constants, detector))) {
      const name = `${detector} ${ctype}`;
      const { kind, bytes, blob, offset, sha256, dtype, shape } = object(constant, name);
      // Kinds of a later version: nobody here would know what to do with them.
      if (kind !== 'ndarray' && kind !== 'str' && kind !== 'bytes') continue;
      if (!isCount(bytes) || typeof sha256 !== 'string') throw bad(`${name} has no bytes or no sha256`);
      if (kind === 'ndarray') checkShape(name, dtype, shape, bytes);
      if (segment !== undefined) {
        if (!isCount(offset) || offset + bytes > segment.bytes)
          throw bad(`${name} does not lie in its segment of ${segment.bytes} bytes`);
        yield { name, blob: undefined, offset, bytes, sha256 };
      } else {
        const length = isCount(blob) ? blobs[blob]?.length : undefined;
        if (length !== bytes)
          throw bad(`${name} has ${bytes} bytes in the header and ${length ?? 'none'} in the message`);
        yield { name, blob: blob as number, offset: 0, bytes, sha256 };
      }
    }
  }
}

function checkShape(name: string, dtype: unknown, shape: unknown, bytes: number): void {
  const element = typeof dtype === 'string' ? ELEMENT[dtype] : undefined;
  if (element === undefined || !Array.isArray(shape) || !shape.every(isCount))
    throw bad(`${name}: dtype ${JSON.stringify(dtype)}, shape ${JSON.stringify(shape)}`);
  const needed = shape.reduce<number>((product, size) => product * size, element);
  if (needed !== bytes) throw bad(`${name}: shape [${shape}] of ${dtype} needs ${needed} bytes and has ${bytes}`);
}

function segmentOf({ name, bytes }: Record<string, unknown>): NonNullable<Announcement['segment']> {
  if (typeof name !== 'string' || !/^\/[^/]+$/.test(name) || name === '/.' || name === '/..' || !isCount(bytes))
    throw bad(`${JSON.stringify(name)} is no name of a shared segment`);
  return { name, bytes };
}

function parse(text: Buffer): unknown {
  if (text.length > MAX_HEADER) throw bad(`a header of ${text.length} bytes`);
  try {
    return JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw bad(`the header is no JSON: ${(error as Error).message}`);
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is no object`);
  return value as Record<string, unknown>;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bad(why: string): DataError {
  return new DataError('bad-constants', why);
}
