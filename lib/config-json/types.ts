/** What `:types:` declares: base types, arrays, enums (spec json2xtc.md, section 3). */

import { compareKeys, describeNode, findMember, type JsonNode, type JsonObject, keyText } from '../json/node.ts';
import { upToNul } from '../json/text.ts';
import { CODE, type FieldTypeName, MAX_RANK } from '../xtc/layout.ts';
import { numberItems } from './number/items.ts';
import { NumberLiteral } from './number/literal.ts';
import type { Subject } from './problem.ts';

export interface Declared {
  type: FieldTypeName;
  /** Appended to the field's name behind a colon; undefined for everything but named enums. */
  enumName: string | undefined;
  /** Dimensions of an array type; undefined for scalars and texts. */
  dims: readonly number[] | undefined;
  /** Product of the dimensions, 1 for scalars; inexact beyond 2^53. */
  elements: number;
}

/** A key and the value the reference finds for it. */
export interface SortedMember {
  key: string;
  at: number;
  value: JsonNode;
}

/** The key of enum definitions inside `:types:`. */
export const ENUMS = ':enum:';
const ENUMS_PATH = ':types:.:enum:';

/**
 * The members of an object in the order of the format. The reference cuts keys at a NUL and then looks the remainder up, so of
 * equal keys each gets the first one's value.
 */
export function sortedMembers(object: JsonObject, path: string, subject: Subject): SortedMember[] {
  const sorted: SortedMember[] = [];
  for (const member of object.members) {
    const nul = member.key.indexOf('\0');
    const key = nul < 0 ? member.key : member.key.slice(0, nul);
    const found = findMember(object, key);
    if (found) sorted.push({ key, at: member.at, value: found.value });
    else subject.problems.error('nul-in-text', path, member.at, `key "${keyText(key)}" contains U+0000`);
  }
  return sorted.sort((a, b) => compareKeys(a.key, b.key));
}

export class Types {
  readonly root: JsonObject | undefined;
  /** Enum name -> label -> value, in the order of the format; equal labels are kept apart. */
  readonly enums = new Map<string, [label: string, value: number, at: number][]>();
  private readonly subject: Subject;
  private readonly known = new Map<JsonNode, Declared | undefined>();
  private readonly warned = new Set<string>();

  constructor(root: JsonObject | undefined, subject: Subject) {
    this.root = root;
    this.subject = subject;
    const enums = root && findMember(root, ENUMS);
    if (enums) this.readEnums(enums.value);
  }

  private readEnums(node: JsonNode): void {
    const { problems } = this.subject;
    if (node.kind !== 'object') {
      problems.error('bad-enum', ENUMS_PATH, node.at, `must be an object, not ${describeNode(node)}`);
      return;
    }
    for (const { key, value } of sortedMembers(node, ENUMS_PATH, this.subject)) {
      const path = `${ENUMS_PATH}.${keyText(key)}`;
      if (value.kind === 'object') this.readLabels(key, value, path);
      else problems.error('bad-enum', path, value.at, `must be an object of labels, not ${describeNode(value)}`);
    }
  }

  private readLabels(enumName: string, node: JsonObject, path: string): void {
    const { problems, text } = this.subject;
    // A repeated enum name brings its labels once more, as it does in the reference.
    const labels = this.enums.get(enumName) ?? [];
    this.enums.set(enumName, labels);
    for (const { key, at, value } of sortedMembers(node, path, this.subject)) {
      const place = `${path}.${keyText(key)}`;
      const literal = new NumberLiteral();
      if (value.kind === 'number') literal.read(text.bytes, value.at);
      if (value.kind !== 'number' || literal.floating || !isInt32(literal.short)) {
        problems.error(
          'bad-enum',
          place,
          value.at,
          `the value of a label is a 32-bit integer, not ${text.show(value)}`,
        );
        labels.push([key, 0, at]);
      } else {
        labels.push([key, literal.short, at]);
      }
    }
  }

  isDefined(enumName: string | undefined): boolean {
    return enumName !== undefined && this.enums.has(enumName);
  }

  /** `Off = 0, On = 1`; undefined if the enum is not defined. */
  pairs(enumName: string): string | undefined {
    const labels = this.enums.get(enumName);
    if (labels === undefined) return undefined;
    const shown = labels.slice(0, 20).map(([label, value]) => `${keyText(label)} = ${value}`);
    return labels.length > shown.length
      ? `${shown.join(', ')} and ${labels.length - shown.length} more`
      : shown.join(', ');
  }

  /**
   * What a type says.
   * @param path of the data key, for messages
   * @returns undefined after reporting what is wrong with it, once
   */
  declared(node: JsonNode, path: string): Declared | undefined {
    if (this.known.has(node)) return this.known.get(node);
    const declared = node.kind === 'string' ? this.named(node, undefined, path) : this.array(node, path);
    this.known.set(node, declared);
    return declared;
  }

  private named(node: JsonNode & { kind: 'string' }, dims: number[] | undefined, path: string): Declared | undefined {
    const { text, problems } = this.subject;
    const name = upToNul(text.stringBytes(node)).toString('latin1');
    const base = Object.hasOwn(CODE, name) ? (name as FieldTypeName) : undefined;
    if (base === 'ENUMDICT' || (base === 'CHARSTR' && dims)) {
      const what = base === 'CHARSTR' ? 'lists of texts cannot be stored' : 'ENUMDICT is for labels only, not for data';
      problems.error('bad-type', path, node.at, what);
      return undefined;
    }
    if (base === undefined) this.warnOfUndefined(name, path, node.at);
    else if (base === 'ENUMVAL') {
      problems.warning(
        'unnamed-enum',
        path,
        node.at,
        'type ENUMVAL without an enum name: psana ends when it meets the field',
      );
    }
    if (dims && (base === undefined || base === 'ENUMVAL')) {
      problems.warning('enum-list', path, node.at, 'a list of enum values: psana ends when it meets the field');
    }
    const elements = dims === undefined ? 1 : dims.includes(0) ? 0 : dims.reduce((product, dim) => product * dim, 1);
    return { type: base ?? 'ENUMVAL', enumName: base === undefined ? name : undefined, dims, elements };
  }

  private warnOfUndefined(name: string, path: string, at: number): void {
    if (this.enums.has(name) || this.warned.has(name)) return;
    this.warned.add(name);
    const upper = name.toUpperCase();
    const hint = Object.hasOwn(CODE, upper) ? `; did you mean ${upper}?` : '';
    this.subject.problems.warning(
      'undefined-enum',
      path,
      at,
      `"${keyText(name)}" is no base type and no defined enum${hint}`,
    );
  }

  private array(node: JsonNode, path: string): Declared | undefined {
    const { problems, text } = this.subject;
    const wanted = 'a type is a name, or a list of a name and dimensions';
    if (node.kind !== 'list' || node.items[0]?.kind !== 'string') {
      problems.error('bad-type', path, node.at, `${wanted}, not ${text.show(node)}`);
      return undefined;
    }
    const dims = this.dimensions(node, path);
    const declared = this.named(node.items[0], dims, path);
    return dims.includes(Number.NaN) ? undefined : declared;
  }

  /** NaN among them after an error. */
  private dimensions(node: JsonNode & { kind: 'list' }, path: string): number[] {
    const { problems, text } = this.subject;
    const rank = node.items.length - 1;
    if (rank < 1 || rank > MAX_RANK) {
      const what = rank < 1 ? 'an array type needs at least one dimension' : `rank ${rank} is beyond ${MAX_RANK}`;
      problems.error('bad-type', path, node.at, what);
      return [Number.NaN];
    }
    return numberItems(node, text.bytes)
      .slice(1)
      .map((at, index) => {
        const literal = new NumberLiteral();
        if (at !== undefined) literal.read(text.bytes, at);
        if (at !== undefined && !literal.floating && literal.short >= 0 && literal.short <= 0xffffffff)
          return literal.short;
        const item = node.items[index + 1]!;
        problems.error(
          'bad-type',
          path,
          item.at,
          `${text.show(item)} is no dimension; they are integers 0..4294967295`,
        );
        return Number.NaN;
      });
  }
}

export function isInt32(value: number): boolean {
  return value >= -0x80000000 && value <= 0x7fffffff;
}
