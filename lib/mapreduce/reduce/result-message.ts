/** Results as they come from workers (spec mapreduce.md 6.2): one, or many of a worker of ours (work/result-message.ts). Pure. */

import type { Encoding, ResultInput } from '../payload/types.ts';
import { BadRecord, type Fields, optionalText, parseFields, text } from '../redis/fields.ts';

export interface ResultMessage extends ResultInput {
  /** uuid of the map; null: a worker of the reference does not say. */
  readonly map: string | null;
  /** With the event number the key of the result. */
  readonly origin: string;
}

const ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['cbor', 'json', 'raw', 'pickle']);

/** Bytes of a header: some hundred results have tens of thousands. */
const LONGEST_HEADER = 1 << 20;

/** @throws BadRecord for what is no result */
export function readResultMessage(parts: readonly Buffer[]): readonly ResultMessage[] {
  const [header, body] = parts;
  if (parts.length !== 2 || !header || !body) throw new BadRecord(`a result of ${parts.length} parts`);
  if (header.length > LONGEST_HEADER) throw new BadRecord(`a result with a header of ${header.length} bytes`);
  const fields = parseFields(header.toString(), 'the header of a result');
  const common = commonOf(fields);
  if (fields.results !== undefined) return jointResults(fields.results, body, common);
  const event_number = eventNumber(fields.event_number);
  return [{ ...common, event_number, body, origin: optionalText(fields, 'origin') ?? common.worker }];
}

function commonOf(fields: Fields): Omit<ResultMessage, 'event_number' | 'origin' | 'body'> {
  const worker = text(fields, 'worker');
  // The reference always sends pickles and does not say so.
  const encoding = optionalText(fields, 'encoding') ?? 'pickle';
  if (!ENCODINGS.has(encoding)) throw new BadRecord(`"${encoding}" is no encoding of a result`);
  return {
    worker,
    encoding: encoding as Encoding,
    parameters_hash: optionalText(fields, 'parameters_hash'),
    map: optionalText(fields, 'map'),
  };
}

function eventNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new BadRecord('event_number is no event number');
  return value;
}

/** Rows of event number, origin, attempt, and bytes of the body. */
function jointResults(
  rows: unknown,
  bodies: Buffer,
  { worker, encoding, parameters_hash, map }: ReturnType<typeof commonOf>,
): readonly ResultMessage[] {
  if (!Array.isArray(rows)) throw new BadRecord('results is no list');
  let at = 0;
  const results = rows.map((row: unknown): ResultMessage => {
    const [event, origin, , bytes] = Array.isArray(row) ? row : [];
    if (typeof origin !== 'string') throw new BadRecord('a result without an origin');
    if (!Number.isSafeInteger(bytes) || bytes < 0 || at + bytes > bodies.length)
      throw new BadRecord(`a result of ${bytes} bytes where ${bodies.length - at} are left`);
    const body = bodies.subarray(at, (at += bytes));
    return { event_number: eventNumber(event), origin, body, worker, encoding, parameters_hash, map };
  });
  if (at !== bodies.length) throw new BadRecord(`${bodies.length - at} bytes belong to no result`);
  return results;
}
