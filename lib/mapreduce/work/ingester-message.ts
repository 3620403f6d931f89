/** Messages of ingesters as they come from the socket (spec mapreduce.md 6.1, several in one: 6.4). Pure. */

import type { StreamData } from '../frames/types.ts';
import { BadRecord, type Fields, fieldsOf, number, parseFields, text } from '../redis/fields.ts';
import type { SharedPart } from '../shared/layout.ts';
import type { FrameReader } from '../shared/reader.ts';
import type { IngesterMessage } from './assembly.ts';

/** @throws BadRecord for what is no such message */
export function readIngesterMessage(
  [header, ...frames]: readonly Buffer[],
  reader?: FrameReader,
): readonly IngesterMessage[] {
  if (!header) throw new BadRecord('a message without a header');
  const fields = parseFields(header.toString(), 'the header of an ingester');
  if (fields.batch !== undefined) return readBatch(fields, frames);
  const parts = new Parts(frames, reader);
  const message = { ...identity(fields), streams: parts.take(shapeOf(fields.streams ?? {})) };
  parts.end();
  return [message];
}

/** By stream: kind and number of its parts. */
type Shape = readonly (readonly [
  name: string,
  typ: string,
  length: number,
  shared: readonly SharedPart[] | undefined,
])[];

function shapeOf(streams: unknown): Shape {
  return Object.entries(fieldsOf(streams, 'streams')).map(([name, stream]) => {
    const of = fieldsOf(stream, name);
    const length = number(of, 'length', 0);
    if (!Number.isSafeInteger(length) || length < 0) throw new BadRecord(`the stream ${name} has ${length} parts`);
    return [name, text(of, 'typ'), length, of.shared === undefined ? undefined : placesIn(of.shared, length)];
  });
}

/** Parts of a stream that lie in shared memory, in their order. */
function placesIn(value: unknown, length: number): readonly SharedPart[] {
  if (!Array.isArray(value)) throw new BadRecord('shared is no list');
  let last = -1;
  return value.map((row: unknown) => {
    if (!Array.isArray(row) || row.length !== 5 || !row.every(Number.isSafeInteger))
      throw new BadRecord('a part in shared memory has no place');
    const [part, offset, bytes, slot, stamp] = row as [number, number, number, number, number];
    if (part <= last || part >= length || slot < 0) throw new BadRecord(`part ${part} in shared memory is none`);
    last = part;
    return { part, offset, bytes, slot, stamp };
  });
}

const ELSEWHERE = Buffer.alloc(0);

/** Parts of a message, taken one stream after the other. */
class Parts {
  readonly #parts: readonly Buffer[];
  #at = 0;

  readonly #reader: FrameReader | undefined;

  /** @param reader shared memory of the ingester */
  constructor(parts: readonly Buffer[], reader?: FrameReader) {
    this.#parts = parts;
    this.#reader = reader;
  }

  take(shape: Shape): Map<string, StreamData> {
    const streams = new Map<string, StreamData>();
    for (const [name, typ, length, places] of shape) {
      const end = this.#at + length - (places?.length ?? 0);
      if (end > this.#parts.length)
        throw new BadRecord(`the stream ${name} has ${length} parts of ${this.#parts.length - this.#at}`);
      const frames = this.#parts.slice(this.#at, end);
      streams.set(name, places ? this.#withShared(name, typ, frames, places) : { typ, frames });
      this.#at = end;
    }
    return streams;
  }

  #withShared(name: string, typ: string, frames: Buffer[], places: readonly SharedPart[]): StreamData {
    const reader = this.#reader;
    if (!reader || !places.every((place) => reader.fits(place)))
      throw new BadRecord(`the stream ${name} lies in no shared memory that is open here`);
    for (const { part } of places) frames.splice(part, 0, ELSEWHERE);
    return { typ, frames, shared: { reader, places } };
  }

  end(): void {
    const left = this.#parts.length - this.#at;
    if (left > 0) throw new BadRecord(`${left} parts belong to no stream`);
  }
}

/** Events that travel together (ingest/batch.ts). */
function readBatch({ batch, shapes, sizes, map }: Fields, [body, ...more]: readonly Buffer[]): IngesterMessage[] {
  if (!Array.isArray(batch) || !Array.isArray(shapes) || !Array.isArray(sizes))
    throw new BadRecord('a batch without lists');
  if (!body || more.length > 0) throw new BadRecord(`a batch in ${more.length + 1} parts`);
  const known = shapes.map(shapeOf);
  const parts = new Parts(split(body, sizes));
  const messages = batch.map((row: unknown) => {
    const [event_number, place, attempt, origin] = Array.isArray(row) ? row : [];
    const shape = known[place as number];
    if (!shape) throw new BadRecord('an event in a batch has no shape');
    return { ...identity({ event_number, attempt, origin, map }), streams: parts.take(shape) };
  });
  parts.end();
  return messages;
}

function split(body: Buffer, sizes: readonly unknown[]): Buffer[] {
  let at = 0;
  const parts = sizes.map((size) => {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || at + size > body.length)
      throw new BadRecord(`a part of ${size} bytes where ${body.length - at} are left`);
    return body.subarray(at, (at += size));
  });
  if (at !== body.length) throw new BadRecord(`${body.length - at} bytes belong to no part`);
  return parts;
}

function identity(fields: Fields): Omit<IngesterMessage, 'streams'> {
  const event_number = number(fields, 'event_number', -1);
  if (!Number.isSafeInteger(event_number) || event_number < 0) throw new BadRecord('event_number is no event number');
  return {
    event_number,
    ...(typeof fields.attempt === 'number' ? { attempt: fields.attempt } : {}),
    ...(typeof fields.origin === 'string' ? { origin: fields.origin } : {}),
    ...(typeof fields.map === 'string' ? { map: fields.map } : {}),
  };
}
