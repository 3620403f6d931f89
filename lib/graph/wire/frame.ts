/** Frames between the roles: u32 header length, header (JSON), raw buffers at multiples of 8 bytes (spec graph.md 5). */

import { DataError } from '../../errors.ts';
import { fromPlain, toPlain } from './plain.ts';

/** Largest header; states of many keys are JSON. */
const MAX_HEADER = 256 * 1024 * 1024;
const ALIGN = 8;

interface Envelope {
  readonly body: unknown;
  /** Position and length of each buffer behind the header. */
  readonly buffers: readonly (readonly [number, number])[];
}

const aligned = (at: number) => Math.ceil(at / ALIGN) * ALIGN;

/** One frame, in memory of its own: a snapshot of what may go on changing (spec 2.12). */
export function encodeFrame(value: unknown): Buffer {
  const arrays: ArrayBufferView[] = [];
  const body = toPlain(value, arrays as never);
  const places: [number, number][] = [];
  let at = 0;
  for (const { byteLength } of arrays) {
    places.push([at, byteLength]);
    at = aligned(at + byteLength);
  }
  const envelope: Envelope = { body, buffers: places };
  const header = Buffer.from(JSON.stringify(envelope));
  const start = aligned(4 + header.length);
  const frame = Buffer.allocUnsafeSlow(start + at);
  frame.writeUInt32LE(header.length, 0);
  header.copy(frame, 4);
  frame.fill(0, 4 + header.length, start);
  arrays.forEach((array, i) => {
    const [offset, length] = places[i]!;
    frame.set(new Uint8Array(array.buffer, array.byteOffset, length), start + offset);
    // Old memory is nobody's business.
    frame.fill(0, start + offset + length, start + aligned(offset + length));
  });
  return frame;
}

/**
 * What a frame holds; arrays are views of it.
 * @throws DataError `graph-frame` for anything that is no frame
 */
export function decodeFrame(frame: Buffer): unknown {
  const bad = (message: string, cause?: unknown): never => {
    throw new DataError('graph-frame', `this is no frame of a graph: ${message}`, { cause });
  };
  const length = frame.length >= 4 ? frame.readUInt32LE(0) : bad('it is shorter than 4 bytes');
  if (length > MAX_HEADER || 4 + length > frame.length) bad(`a header of ${length} bytes does not fit`);
  let envelope: Envelope;
  try {
    envelope = JSON.parse(frame.toString('utf8', 4, 4 + length)) as Envelope;
  } catch (error) {
    return bad('the header is no JSON', error);
  }
  const start = aligned(4 + length);
  if (!Array.isArray(envelope?.buffers)) bad('there is no list of buffers');
  const buffers = envelope.buffers.map(([offset, size]) => {
    const [from, to] = [start + offset, start + offset + size];
    if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= start && to >= from && to <= frame.length))
      bad('a buffer lies outside');
    return frame.subarray(from, to);
  });
  return fromPlain(envelope.body, buffers);
}
