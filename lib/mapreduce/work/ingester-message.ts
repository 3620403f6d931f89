/** Messages of ingesters as they come from the socket (spec mapreduce.md 6.1, several in one: 6.4). Pure. */

import type { StreamData } from '../frames/types.ts';
import { BadRecord, type Fields, fieldsOf, number, parseFields, text } from '../redis/fields.ts';
import type { IngesterMessage } from './assembly.ts';

/** @throws BadRecord for what is no such message */
export function readIngesterMessage([header, ...frames]: readonly Buffer[]): readonly IngesterMessage[] {
  if (!header) throw new BadRecord('a message without a header');
  const fields = parseFields(header.toString(), 'the header of an ingester');
  if (fields.batch !== undefined) return readBatch(fields, frames);
  const parts = new Parts(frames);
  const message = { ...identity(fields), streams: parts.take(shapeOf(fields.streams ?? {})) };
  parts.end();
  return [message];
}

/** By stream: kind and number of its parts. */
type Shape = readonly (readonly [name: string, typ: string, length: number])[];

function shapeOf(streams: unknown): Shape {
  return Object.entries(fieldsOf(streams, 'streams')).map(([name, stream]) => {
    const of = fieldsOf(stream, name);
    const length = number(of, 'length', 0);
    if (!Number.isSafeInteger(length) || length < 0) throw new BadRecord(`the stream ${name} has ${length} parts`);
    return [name, text(of, 'typ'), length];
  });
}

/** Parts of a message, taken one stream after the other. */
class Parts {
  readonly #parts: readonly Buffer[];
  #at = 0;

  constructor(parts: readonly Buffer[]) {
    this.#parts = parts;
  }

  take(shape: Shape): Map<string, StreamData> {
    const streams = new Map<string, StreamData>();
    for (const [name, typ, length] of shape) {
      const end = this.#at + length;
      if (end > this.#parts.length)
        throw new BadRecord(`the stream ${name} has ${length} parts of ${this.#parts.length - this.#at}`);
      streams.set(name, { typ, frames: this.#parts.slice(this.#at, end) });
      this.#at = end;
    }
    return streams;
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
