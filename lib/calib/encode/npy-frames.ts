/** Our own format, `calib/1`: a header in JSON and the contents as they are, one frame each (docs/calib.md). */

import { exactText, integer } from '../document.ts';
import type { Constant, ConstantSet, DocRecord, DocValue } from '../types.ts';

export const FRAMES_VERSION = 1;
/** First frame of every message. */
export const FRAMES_MARK = Buffer.from('calib/1');

/** Who says it, and how many runs that one has said before. */
export interface Stamp {
  /** 16 hexadecimal digits, new at each start. */
  origin: string;
  /** 1, 2, ... */
  seq: number;
  partition: number | undefined;
}

/** Where the contents lie if they do not travel with the header. */
export interface Placed {
  name: string;
  bytes: number;
  /** Position of each distinct content in the segment. */
  offsets: ReadonlyMap<Buffer, number>;
}

/** The distinct contents of a set in a fixed order; equal contents (by hash) are sent once. */
export function blobsOf(set: ConstantSet): Map<string, Buffer> {
  const blobs = new Map<string, Buffer>();
  for (const constant of constantsOf(set)) if (!blobs.has(constant.sha256)) blobs.set(constant.sha256, constant.bytes);
  return blobs;
}

/** The frames of a message: mark, header, contents. @param placed contents are in a segment, and stay out of the message */
export function npyFrames(set: ConstantSet, stamp: Stamp, placed?: Placed): Buffer[] {
  const blobs = blobsOf(set);
  const indices = new Map([...blobs.keys()].map((sha256, index) => [sha256, index]));
  const where = (constant: Constant): DocRecord =>
    placed === undefined
      ? { blob: integer(indices.get(constant.sha256)!) }
      : { offset: integer(placed.offsets.get(blobs.get(constant.sha256)!)!) };
  const header = Buffer.from(exactText(headerOf(set, stamp, where, placed)));
  return [FRAMES_MARK, header, ...(placed === undefined ? blobs.values() : [])];
}

function headerOf(
  set: ConstantSet,
  { origin, seq, partition }: Stamp,
  where: (constant: Constant) => DocRecord,
  placed: Placed | undefined,
): DocValue {
  return {
    v: integer(FRAMES_VERSION),
    origin,
    seq: integer(seq),
    partition: partition === undefined ? null : integer(partition),
    exp: set.exp ?? null,
    run: integer(set.run),
    complete: true,
    stale: set.stale,
    hash: set.hash,
    ...(placed === undefined ? {} : { shm: { name: placed.name, bytes: integer(placed.bytes) } }),
    detectors: Object.fromEntries(
      [...set.detectors].map(([name, { id, constants }]) => [
        name,
        { id, constants: Object.fromEntries([...constants].map(([ctype, c]) => [ctype, entryOf(c, where(c))])) },
      ]),
    ),
  };
}

function entryOf(constant: Constant, where: DocRecord): DocValue {
  return {
    kind: constant.kind === 'any' ? 'bytes' : constant.kind,
    ...(constant.kind === 'ndarray' ? { dtype: constant.dtype, shape: constant.shape.map(integer) } : {}),
    ...where,
    bytes: integer(constant.bytes.length),
    sha256: constant.sha256,
    doc: constant.doc,
  };
}

function* constantsOf(set: ConstantSet): Iterable<Constant> {
  for (const { constants } of set.detectors.values()) yield* constants.values();
}
