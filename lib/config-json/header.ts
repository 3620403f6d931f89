/** The special keys of a document: who is described, by which algorithm (spec json2xtc.md, section 3). */

import { describeNode, findMember, type JsonMember, type JsonNode, type JsonObject, keyText } from '../json/node.ts';
import { upToNul } from '../json/text.ts';
import { TEXT_SIZE } from '../xtc/layout.ts';
import { numberItems } from './number/items.ts';
import { NumberLiteral } from './number/literal.ts';
import type { Subject } from './problem.ts';

export type Version = readonly [major: number, minor: number, micro: number];

export interface Header {
  detType: Buffer;
  detName: Buffer;
  detId: Buffer;
  alg: Buffer;
  version: Version;
  segment: number;
  /** The object behind `:types:`; undefined if there is none. */
  types: JsonObject | undefined;
  /** What remains: the data. */
  data: JsonObject;
}

/** In the order in which the reference takes them out of the document. */
const SPECIAL_KEYS = ['alg:RO', 'detName:RO', 'detType:RO', 'detId:RO', 'doc:RO', ':types:'] as const;
type SpecialKey = (typeof SPECIAL_KEYS)[number];

const DET_NAME = /^[0-9A-Za-z_]*$/;
const MAX_TEXT = TEXT_SIZE - 1;
const NOTHING: Buffer = Buffer.alloc(0);

/** True for keys that are not data at the top level of a document. */
export function isSpecialKey(key: string): boolean {
  return (SPECIAL_KEYS as readonly string[]).includes(key);
}

/** Takes the special keys out of the document and reads them. */
export function readHeader(root: JsonObject, subject: Subject): Header {
  const { special, data } = takeSpecialKeys(root);
  for (const key of SPECIAL_KEYS) {
    if (!special.has(key)) subject.problems.error('missing-key', key, root.at, `the mandatory key "${key}" is missing`);
  }
  const text = (key: SpecialKey) => readText(special.get(key)?.value, key, subject);
  return {
    detType: text('detType:RO'),
    detId: text('detId:RO'),
    ...readDetName(text('detName:RO'), special.get('detName:RO')?.at ?? root.at, subject),
    ...readAlgorithm(special.get('alg:RO')?.value, subject),
    types: readTypes(special.get(':types:')?.value, subject),
    data,
  };
}

/**
 * The reference removes a key by moving the last one into its place. That decides which of two equal keys is "the first" later, so
 * it is done in the same way here.
 */
function takeSpecialKeys(root: JsonObject): { special: Map<SpecialKey, JsonMember>; data: JsonObject } {
  const members = [...root.members];
  const special = new Map<SpecialKey, JsonMember>();
  for (const key of SPECIAL_KEYS) {
    const index = members.findIndex((member) => member.key === key);
    if (index < 0) continue;
    special.set(key, members[index]!);
    const last = members.pop()!;
    if (index < members.length) members[index] = last;
  }
  return { special, data: { kind: 'object', at: root.at, members } };
}

/** A text of at most 255 bytes, up to its first NUL. */
function readText(node: JsonNode | undefined, path: string, subject: Subject): Buffer {
  if (node === undefined) return NOTHING;
  if (node.kind !== 'string') {
    subject.problems.error('not-a-text', path, node.at, `must be a text, not ${describeNode(node)}`);
    return NOTHING;
  }
  const bytes = upToNul(subject.text.stringBytes(node));
  if (bytes.length <= MAX_TEXT) return bytes;
  const what = `has ${bytes.length} bytes; ${MAX_TEXT} can be stored`;
  subject.problems.loss('text-too-long', path, node.at, subject.rules.compat ? `${what}: cut` : what);
  return bytes.subarray(0, MAX_TEXT);
}

function readDetName(name: Buffer, at: number, subject: Subject): Pick<Header, 'detName' | 'segment'> {
  const { problems, rules } = subject;
  const text = name.toString('latin1');
  if (!DET_NAME.test(text)) {
    const what = `detector name "${keyText(text)}" has characters other than 0-9 A-Z a-z _`;
    problems.error('bad-detector-name', 'detName:RO', at, what);
  }
  if (!rules.splitSegment) return { detName: name, segment: 0 };
  const split = text.lastIndexOf('_');
  if (split < 0) {
    const what = `detector name "${keyText(text)}" has no "_" to split the segment number off`;
    problems.error('no-segment', 'detName:RO', at, what);
    return { detName: name, segment: 0 };
  }
  const digits = text.slice(split + 1);
  const segment = Number(/^\d+/.exec(digits)?.[0] ?? 0);
  if (!/^\d+$/.test(digits)) {
    const what = `"${keyText(digits)}" behind the last "_" of the detector name is no segment number`;
    problems.loss('no-segment', 'detName:RO', at, what);
  }
  if (segment > 0xffffffff) {
    problems.error('no-segment', 'detName:RO', at, `segment ${digits} does not fit 32 bits`);
  }
  return { detName: name.subarray(0, split), segment };
}

function readAlgorithm(node: JsonNode | undefined, subject: Subject): Pick<Header, 'alg' | 'version'> {
  const { problems } = subject;
  const nothing: Pick<Header, 'alg' | 'version'> = { alg: NOTHING, version: [0, 0, 0] };
  if (node === undefined) return nothing;
  if (node.kind !== 'object') {
    const what = `must be an object with "alg:RO" and "version:RO", not ${describeNode(node)}`;
    problems.error('bad-algorithm', 'alg:RO', node.at, what);
    return nothing;
  }
  const name = findMember(node, 'alg:RO');
  const version = findMember(node, 'version:RO');
  if (!name) problems.error('missing-key', 'alg:RO.alg:RO', node.at, 'the name of the algorithm is missing');
  if (!version) problems.error('missing-key', 'alg:RO.version:RO', node.at, 'the version of the algorithm is missing');
  return {
    alg: readText(name?.value, 'alg:RO.alg:RO', subject),
    version: version ? readVersion(version.value, subject) : [0, 0, 0],
  };
}

function readVersion(node: JsonNode, subject: Subject): Version {
  const { problems, text } = subject;
  const path = 'alg:RO.version:RO';
  const wanted = 'must be a list of three integers, [major, minor, micro]';
  if (node.kind !== 'numbers' && node.kind !== 'list') {
    problems.error('bad-version', path, node.at, `${wanted}, not ${describeNode(node)}`);
    return [0, 0, 0];
  }
  const literals = numberItems(node, text.bytes);
  const length = node.kind === 'numbers' ? node.count : node.items.length;
  if (length > 3) problems.loss('bad-version', path, node.at, `${wanted}; the list has ${length} items`);
  const part = (index: number): number => {
    const at = literals[index];
    if (at === undefined) {
      problems.error('bad-version', path, node.at, index < length ? `${wanted}; item ${index} is none` : wanted);
      return 0;
    }
    const literal = new NumberLiteral();
    literal.read(text.bytes, at);
    const value = literal.short;
    if (literal.floating || Number.isNaN(value) || value < -0x80000000 || value > 0x7fffffff) {
      problems.error('bad-version', path, at, `${literal.text()} is not a 32-bit integer`);
      return 0;
    }
    if (value < 0 || value > 255) problems.loss('bad-version', path, at, `${value} is outside 0..255`);
    return value & 0xff;
  };
  return [part(0), part(1), part(2)];
}

function readTypes(node: JsonNode | undefined, subject: Subject): JsonObject | undefined {
  if (node === undefined || node.kind === 'object') return node;
  subject.problems.error('bad-types', ':types:', node.at, `must be an object, not ${describeNode(node)}`);
  return undefined;
}
