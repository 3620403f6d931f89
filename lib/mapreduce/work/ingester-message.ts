/** Messages of ingesters as they come from the socket (spec mapreduce.md 6.1, several in one: 6.4). Pure. */

import type { StreamData } from '../frames/types.ts';
import { BadRecord, type Fields, fieldsOf, number, parseFields, text } from '../redis/fields.ts';
import type { IngesterMessage } from './assembly.ts';

/** @throws BadRecord for what is no such message */
export function readIngesterMessage([header, ...frames]: readonly Buffer[]): readonly IngesterMessage[] {
  if (!header) throw new BadRecord('a message without a header');
  const fields = parseFields(header.toString(), 'the header of an ingester');
  const headers = fields.batch === undefined ? [fields] : batchOf(fields.batch);
  let at = 0;
  const messages = headers.map((one) => {
    const streams = new Map<string, StreamData>();
    for (const [name, stream] of Object.entries(fieldsOf(one.streams ?? {}, 'streams'))) {
      const of = fieldsOf(stream, name);
      const length = number(of, 'length', 0);
      if (!Number.isSafeInteger(length) || length < 0 || at + length > frames.length)
        throw new BadRecord(`the stream ${name} has ${length} parts of ${frames.length - at}`);
      streams.set(name, { typ: text(of, 'typ'), frames: frames.slice(at, at + length) });
      at += length;
    }
    return { ...identity(one), streams };
  });
  if (at !== frames.length) throw new BadRecord(`${frames.length - at} parts belong to no stream`);
  return messages;
}

function batchOf(value: unknown): Fields[] {
  if (!Array.isArray(value)) throw new BadRecord('batch is no list');
  return value.map((one) => fieldsOf(one, 'a header in a batch'));
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
