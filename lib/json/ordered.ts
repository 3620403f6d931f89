/** JSON whose objects keep the order of their keys, also of keys that look like numbers, and in which no key stands twice. */

import { DataError } from '../errors.ts';
import type { JsonNode } from './node.ts';
import { JsonReader } from './reader.ts';
import { JsonText } from './text.ts';

export type Ordered = null | boolean | number | string | readonly Ordered[] | ReadonlyMap<string, Ordered>;

const DEEPEST = 64;

/** @throws DataError `json-syntax` with the place, for bad JSON, a key twice, or more than 64 levels */
export function orderedJson(bytes: Buffer): Ordered {
  const text = new JsonText(bytes);
  if (text.ignored > 0) throw new DataError('json-syntax', 'the text contains a zero byte');
  const root = new JsonReader(text, (_, path, at, what) => {
    throw new DataError('json-syntax', what, {
      place: { ...(path === '' ? {} : { key: path }), ...text.position(at) },
    });
  }).document();
  return convert(root, text, 0);
}

function convert(node: JsonNode, text: JsonText, depth: number): Ordered {
  if (depth > DEEPEST) throw new DataError('json-syntax', `lists and objects are nested more than ${DEEPEST} deep`);
  switch (node.kind) {
    case 'object':
      return new Map(
        node.members.map(({ key, value }) => [Buffer.from(key, 'latin1').toString(), convert(value, text, depth + 1)]),
      );
    case 'list':
      return node.items.map((item) => convert(item, text, depth + 1));
    case 'numbers':
      return node.count === 0 ? [] : (JSON.parse(text.bytes.toString('latin1', node.at, node.end + 1)) as number[]);
    case 'string':
      return text.stringBytes(node).toString();
    case 'number':
      return Number(text.bytes.toString('latin1', node.at, node.end));
    default:
      return node.word === 'null' ? null : node.word === 'true';
  }
}
