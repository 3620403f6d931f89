/**
 * pcap: a data message carries lists with one element per frame, and is taken apart (spec mapreduce.md 7). Numbers keep the digits they
 * were written with.
 */

import { DataError } from '../../errors.ts';
import { findMember, type JsonNode, type JsonObject, keyOf, keyText } from '../../json/node.ts';
import { JsonReader } from '../../json/reader.ts';
import { JsonText } from '../../json/text.ts';
import { headerOf, numberOf, withNan, withoutNan } from './json.ts';
import { BAD, frames, type Protocol, type Reading, SKIPPED, type SourceFrame } from './types.ts';

const TYP = 'PCAP';
const NUMBER = 'frame_number';
/** A message takes this many frames at most; more is no message of a scan. */
const MOST_FRAMES = 1_000_000;

export const pcap = (): Protocol => ({
  read(message) {
    const header = headerOf(message[0]);
    switch (header?.message_type) {
      case undefined:
        return BAD;
      case 'series-start':
        return frames({ typ: TYP, frames: message, mark: 'start' });
      case 'series-end':
        return frames({ typ: TYP, frames: message, mark: 'end' });
      case 'data':
        return message.length === 1 ? takeApart(message[0]!, numberOf(header?.[NUMBER])) : BAD;
      default:
        return SKIPPED;
    }
  },
  forget() {},
});

/** One frame per element of the lists. */
function takeApart(text: Buffer, first: number | undefined): Reading {
  const found = documentOf(text);
  if (found === undefined) return BAD;
  const columns = found.object.members.map(({ key, value }) => ({
    key: JSON.stringify(keyText(key)),
    numbers: key === keyOf(NUMBER),
    items: itemsOf(value, found.json),
    text: textOf(value, found.json),
  }));
  const lengths = new Set(columns.flatMap(({ items }) => (items ? [items.length] : [])));
  const [length] = lengths;
  if (lengths.size !== 1 || length === undefined || length > MOST_FRAMES) return BAD;
  const all: SourceFrame[] = Array.from({ length }, (_, i) => {
    const fields = columns.map(({ key, numbers, items, text }) => {
      const value = items?.[i] ?? (numbers && first !== undefined ? String(first + i) : text);
      return `${key}:${value}`;
    });
    const number = first === undefined ? undefined : first + i;
    return { typ: TYP, frames: [Buffer.from(withNan(`{${fields.join(',')}}`))], mark: 'data', number };
  });
  return { kind: 'frames', frames: all };
}

function documentOf(text: Buffer): { json: JsonText; object: JsonObject } | undefined {
  try {
    const json = new JsonText(
      text.includes('N') || text.includes('I') ? Buffer.from(withoutNan(text.toString())) : text,
    );
    const object = new JsonReader(json, () => {}).document();
    return object.kind === 'object' && findMember(object, keyOf(NUMBER)) ? { json, object } : undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

/** The elements of a list, as written. */
function itemsOf(node: JsonNode, json: JsonText): string[] | undefined {
  if (node.kind === 'list') return node.items.map((item) => textOf(item, json));
  if (node.kind !== 'numbers') return undefined;
  if (node.count === 0) return [];
  return json.bytes
    .toString('latin1', node.at + 1, node.end)
    .split(',')
    .map((literal) => literal.trim());
}

/** A value, as written. */
function textOf(node: JsonNode, json: JsonText): string {
  switch (node.kind) {
    case 'number':
      return json.bytes.toString('latin1', node.at, node.end);
    case 'string':
    case 'numbers':
      return json.bytes.toString('utf8', node.at, node.end + 1);
    case 'word':
      return node.word;
    case 'list':
      return `[${node.items.map((item) => textOf(item, json)).join(',')}]`;
    default:
      return `{${node.members.map(({ key, value }) => `${JSON.stringify(keyText(key))}:${textOf(value, json)}`).join(',')}}`;
  }
}
