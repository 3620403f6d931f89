/** One event of a recording (spec mapreduce.md 10), read and written. */

import type { StreamData } from '../frames/types.ts';
import { BadItem, type CborCursor, cborHead, cborText, MAJOR } from './cbor.ts';

export interface RecordedEvent {
  readonly event_number: number;
  readonly streams: ReadonlyMap<string, StreamData>;
  /** ISO 8601, as written; undefined in older files. */
  readonly created_at: string | undefined;
}

const TAG = { marker: 55799, event: 42877, stream: 42878, time: 0 } as const;
const MOST_STREAMS = 10_000;

/** @throws CutShort, BadItem */
export function readEvent(cursor: CborCursor): RecordedEvent {
  const start = cursor.at;
  let tag = cursor.tag();
  if (tag === TAG.marker) tag = cursor.tag();
  if (tag !== TAG.event)
    throw new BadItem(start, 'the item is no recorded event; a capture of messages needs its kind');
  const length = cursor.list(MAJOR.array, 'an event, [number, streams],');
  if (length === 0 || length === 1) throw new BadItem(start, 'an event has a number and streams');
  const event_number = cursor.unsigned('the event number');
  if (cursor.ended(length, 1)) throw new BadItem(start, 'an event has a number and streams');
  const streams = readStreams(cursor);
  let created_at: string | undefined;
  for (let done = 2; !cursor.ended(length, done); done++) {
    if (done === 2) created_at = readTime(cursor);
    else cursor.skip();
  }
  return { event_number, streams, created_at };
}

function readStreams(cursor: CborCursor): ReadonlyMap<string, StreamData> {
  const start = cursor.at;
  const length = cursor.list(MAJOR.map, 'a map of streams');
  if (length > MOST_STREAMS) throw new BadItem(start, `an event with ${length} streams`);
  const streams = new Map<string, StreamData>();
  for (let done = 0; !cursor.ended(length, done); done++) {
    const at = cursor.at;
    const name = cursor.text('the name of a stream');
    if (streams.has(name)) throw new BadItem(at, `stream ${name} comes twice in an event`);
    streams.set(name, readStream(cursor, name));
  }
  return streams;
}

function readStream(cursor: CborCursor, name: string): StreamData {
  const start = cursor.at;
  if (cursor.tag() !== TAG.stream) throw new BadItem(start, `stream ${name} has no data of a stream`);
  const length = cursor.list(MAJOR.array, 'data of a stream, [typ, frames],');
  if (cursor.ended(length, 0)) throw new BadItem(start, `stream ${name} has no typ`);
  const typ = cursor.text('typ');
  if (cursor.ended(length, 1)) throw new BadItem(start, `stream ${name} has no frames`);
  const frames = readByteStrings(cursor);
  for (let done = 2; !cursor.ended(length, done); done++) cursor.skip();
  return { typ, frames };
}

/** An array of byte strings: the frames of a stream, or the parts of a captured message. @throws CutShort, BadItem */
export function readByteStrings(cursor: CborCursor): Buffer[] {
  const length = cursor.list(MAJOR.array, 'a list of frames');
  const frames: Buffer[] = [];
  while (!cursor.ended(length, frames.length)) frames.push(cursor.byteString('a frame'));
  return frames;
}

function readTime(cursor: CborCursor): string | undefined {
  const start = cursor.at;
  if (cursor.tag() === TAG.time) return cursor.text('the time');
  cursor.at = start;
  cursor.head();
  const { major } = cursor;
  cursor.at = start;
  if (major === MAJOR.text) return cursor.text('the time');
  cursor.skip();
  return undefined;
}

/** The pieces of an event, in order; frames are not copied. */
export function eventPieces({ event_number, streams, created_at }: RecordedEvent): Buffer[] {
  const pieces = [
    cborHead(MAJOR.tag, TAG.marker),
    cborHead(MAJOR.tag, TAG.event),
    cborHead(MAJOR.array, created_at === undefined ? 2 : 3),
    cborHead(MAJOR.unsigned, event_number),
    cborHead(MAJOR.map, streams.size),
  ];
  for (const [name, { typ, frames }] of streams) {
    pieces.push(cborText(name), cborHead(MAJOR.tag, TAG.stream), cborHead(MAJOR.array, 2), cborText(typ));
    pieces.push(...byteStringPieces(frames));
  }
  if (created_at !== undefined) pieces.push(cborHead(MAJOR.tag, TAG.time), cborText(created_at));
  return joinSmall(pieces);
}

/** The pieces of an array of byte strings. */
export function byteStringPieces(frames: readonly Buffer[]): Buffer[] {
  const pieces = [cborHead(MAJOR.array, frames.length)];
  for (const frame of frames) pieces.push(cborHead(MAJOR.bytes, frame.length), frame);
  return pieces;
}

const SMALL = 4096;

/** Neighbours that are small become one piece: a system call takes a thousand at most. */
function joinSmall(pieces: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [];
  let run: Buffer[] = [];
  for (const piece of pieces) {
    if (piece.length < SMALL) run.push(piece);
    else {
      if (run.length > 0) joined.push(Buffer.concat(run));
      joined.push(piece);
      run = [];
    }
  }
  if (run.length > 0) joined.push(Buffer.concat(run));
  return joined;
}
