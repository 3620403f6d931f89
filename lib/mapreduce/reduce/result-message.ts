/** Results as they come from workers (spec mapreduce.md 6.2). Pure. */

import type { Encoding, ResultInput } from '../payload/types.ts';
import { BadRecord, number, optionalText, parseFields, text } from '../redis/fields.ts';

export interface ResultMessage extends ResultInput {
  /** uuid of the map; null: a worker of the reference does not say. */
  readonly map: string | null;
  /** With the event number the key of the result. */
  readonly origin: string;
}

const ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['cbor', 'json', 'raw', 'pickle']);

/** @throws BadRecord for what is no result */
export function readResultMessage(parts: readonly Buffer[]): ResultMessage {
  const [header, body] = parts;
  if (parts.length !== 2 || !header || !body) throw new BadRecord(`a result of ${parts.length} parts`);
  const fields = parseFields(header.toString(), 'the header of a result');
  const event_number = number(fields, 'event_number', -1);
  if (!Number.isSafeInteger(event_number) || event_number < 0) throw new BadRecord('event_number is no event number');
  const worker = text(fields, 'worker');
  // The reference always sends pickles and does not say so.
  const encoding = optionalText(fields, 'encoding') ?? 'pickle';
  if (!ENCODINGS.has(encoding)) throw new BadRecord(`"${encoding}" is no encoding of a result`);
  return {
    ...{ event_number, worker, body, encoding: encoding as Encoding },
    parameters_hash: optionalText(fields, 'parameters_hash'),
    map: optionalText(fields, 'map'),
    origin: optionalText(fields, 'origin') ?? worker,
  };
}
