/** What a message of constants says, for people and for saving (docs/calib.md). Pickles are measured, never read. */

import { createHash } from 'node:crypto';
import { constants, inflateSync } from 'node:zlib';
import { PosixSharedMemory } from 'posix-ipc-shim';
import { DataError } from '../../errors.ts';
import { type Dtype, dtypeOf, ELEMENT_BYTES } from '../../npy.ts';
import { isRecord, parseExact, textField } from '../document.ts';
import { FRAMES_MARK, FRAMES_VERSION } from '../encode/npy-frames.ts';
import { type DocRecord, type DocValue, isDocNumber } from '../types.ts';

/** A constant as it came; `data` is a view of the message or of the segment. */
export interface ReceivedConstant {
  detector: string;
  ctype: string;
  kind: string;
  dtype: Dtype | undefined;
  shape: readonly number[] | undefined;
  sha256: string;
  doc: DocRecord;
  data: Buffer;
}

export interface ReceivedSet {
  format: 'npy-frames';
  origin: string;
  seq: number;
  exp: string | undefined;
  run: number;
  stale: boolean;
  hash: string;
  /** Name of the segment in which the contents lie. */
  segment: string | undefined;
  detectors: readonly string[];
  constants: readonly ReceivedConstant[];
}

/** A message for existing workers. */
export interface ReceivedPickle {
  format: 'pickle' | 'zlib';
  protocol: number | undefined;
  bytes: number;
  sha256: string;
}

const PICKLE_START = 0x80;
const ZLIB_START = 0x78;
const MAX_HEADER = 16 * 1024 * 1024;
/** Enough of a compressed message to see its first bytes. */
const HEAD = 512;

/**
 * @param segmentBytes maps a segment and gives its contents
 * @throws DataError `bad-constants` that says what is wrong with the message
 */
export function readMessage(
  frames: readonly Buffer[],
  segmentBytes: (name: string) => Buffer = mappedSegment,
): ReceivedSet | ReceivedPickle {
  const [first] = frames;
  if (first?.equals(FRAMES_MARK)) return readSet(frames, segmentBytes);
  if (frames.length !== 1 || first === undefined)
    throw bad(`a message of ${frames.length} frames is of no known format`);
  const plain = first[0] === ZLIB_START ? inflatedHead(first) : first;
  if (plain[0] !== PICKLE_START) throw bad('a message that is neither calib/1 nor a pickle');
  return {
    format: plain === first ? 'pickle' : 'zlib',
    protocol: plain[1],
    bytes: first.length,
    sha256: sha256(first),
  };
}

function inflatedHead(frame: Buffer): Buffer {
  try {
    return inflateSync(frame.subarray(0, HEAD), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw bad(`a compressed message that cannot be read: ${(error as Error).message}`);
  }
}

function readSet(frames: readonly Buffer[], segmentBytes: (name: string) => Buffer): ReceivedSet {
  const [, text, ...blobs] = frames;
  if (text === undefined || text.length > MAX_HEADER) throw bad('a message without a header, or with one above 16 MiB');
  const header = record(parsed(text), 'the header');
  if (whole(header.v) !== FRAMES_VERSION) throw bad(`a header of another version than ${FRAMES_VERSION}`);
  const detectors = Object.entries(record(header.detectors, 'detectors'));
  const shm = header.shm === undefined ? undefined : textField(record(header.shm, 'shm'), 'name');
  const contents = shm === undefined ? undefined : segmentBytes(shm);
  return {
    format: 'npy-frames',
    origin: textField(header, 'origin') ?? '',
    seq: whole(header.seq) ?? 0,
    exp: textField(header, 'exp'),
    run: whole(header.run) ?? 0,
    stale: header.stale === true,
    hash: textField(header, 'hash') ?? '',
    segment: shm,
    detectors: detectors.map(([name]) => name),
    constants: detectors.flatMap(([detector, described]) =>
      Object.entries(record(record(described, detector).constants, detector)).map(([ctype, entry]) =>
        constantOf(detector, ctype, record(entry, ctype), blobs, contents),
      ),
    ),
  };
}

function constantOf(
  detector: string,
  ctype: string,
  entry: DocRecord,
  blobs: readonly Buffer[],
  contents: Buffer | undefined,
): ReceivedConstant {
  const name = `${detector} ${ctype}`;
  const bytes = whole(entry.bytes) ?? -1;
  const at = whole(entry.offset) ?? -1;
  const data =
    contents === undefined ? blobs[whole(entry.blob) ?? -1] : at < 0 ? undefined : contents.subarray(at, at + bytes);
  if (data?.length !== bytes)
    throw bad(`${name} has ${bytes} bytes in the header and ${data?.length ?? 'none'} in the message`);
  const dtype = dtypeOf(textField(entry, 'dtype') ?? '');
  const shape = Array.isArray(entry.shape) ? entry.shape.map((size: DocValue) => whole(size) ?? Number.NaN) : undefined;
  const kind = textField(entry, 'kind') ?? '';
  if (kind === 'ndarray') {
    const needed = dtype && shape?.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
    if (needed !== bytes) throw bad(`${name}: shape [${shape}] of ${dtype} does not have ${bytes} bytes`);
  }
  const hash = textField(entry, 'sha256') ?? '';
  if (sha256(data) !== hash) throw bad(`${name}: its contents do not have the hash of the header`);
  return { detector, ctype, kind, dtype, shape, sha256: hash, doc: record(entry.doc ?? {}, name), data };
}

function mappedSegment(name: string): Buffer {
  try {
    return PosixSharedMemory.open(name, { readOnly: true }).bytes;
  } catch (error) {
    throw bad(`the shared segment ${name} cannot be opened: ${(error as Error).message}`);
  }
}

function parsed(text: Buffer): DocValue {
  try {
    return parseExact(text);
  } catch (error) {
    throw bad(`the header cannot be read: ${(error as Error).message}`);
  }
}

function record(value: DocValue | undefined, what: string): DocRecord {
  if (value === undefined || !isRecord(value)) throw bad(`${what} is no object`);
  return value;
}

/** An integer from 0 on, else undefined. */
function whole(value: DocValue | undefined): number | undefined {
  if (value === undefined || !isDocNumber(value) || value.kind !== 'int') return undefined;
  const number = Number(value.value);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function bad(message: string): DataError {
  return new DataError('bad-constants', message);
}
