/**
 * The walk through the data: depth first, keys of every level sorted by bytes, lists by index (spec json2xtc.md, section 4). It finds
 * the fields, their names and their types.
 */

import { describeNode, findMember, type JsonNode, type JsonObject, keyText } from '../json/node.ts';
import type { Subject } from './problem.ts';
import { type Declared, sortedMembers, type Types } from './types.ts';

/** A value of the document that becomes a field. */
export interface Leaf {
  /** Name of the field without the enum part, one character per byte. */
  readonly name: string;
  /** The same for people. */
  readonly path: string;
  readonly value: JsonNode;
  readonly declared: Declared;
}

/** Objects deeper than this are refused: a name has 255 characters, so nobody needs them. */
const MAX_DEPTH = 1000;

/** What `:types:` has for a place in the data: its entry, or the place from which on nothing (usable) is there. */
type TypeAt = { readonly node: JsonNode } | Gap;

class Gap {
  readonly node = undefined;
  readonly path: string;
  /** One missing entry is one problem, however many values are below. */
  reported = false;
  constructor(path: string) {
    this.path = path;
  }
}

/** All leaves in the order of the format; what has no usable type is reported and left out. */
export function findLeaves(data: JsonObject, types: Types, subject: Subject): Leaf[] {
  const walk = new Walk(types, subject);
  // Without `:types:` the header has complained already.
  const gap = new Gap('');
  gap.reported = types.root === undefined;
  walk.value(data, types.root ? { node: types.root } : gap, '', 0);
  return walk.leaves;
}

class Walk {
  readonly leaves: Leaf[] = [];
  private readonly types: Types;
  private readonly subject: Subject;

  constructor(types: Types, subject: Subject) {
    this.types = types;
    this.subject = subject;
  }

  value(node: JsonNode, type: TypeAt, name: string, depth: number): void {
    if (depth > MAX_DEPTH) {
      this.subject.problems.error('too-deep', keyText(name), node.at, `nested deeper than ${MAX_DEPTH} levels`);
    } else if (node.kind === 'object') {
      this.object(node, type, name, depth);
    } else if (node.kind === 'list' && node.nested) {
      node.items.forEach((item, index) => {
        // While the name is empty nothing is put between.
        this.value(item, type, name === '' ? String(index) : `${name}_${index}`, depth + 1);
      });
    } else {
      this.leaf(node, type, name);
    }
  }

  private object(node: JsonObject, type: TypeAt, name: string, depth: number): void {
    for (const member of sortedMembers(node, keyText(name), this.subject)) {
      const child = name === '' ? member.key : `${name}.${member.key}`;
      this.value(member.value, this.typeBelow(type, member.key, node, name, child), child, depth + 1);
    }
  }

  private typeBelow(type: TypeAt, key: string, node: JsonObject, name: string, child: string): TypeAt {
    if (type instanceof Gap) return type;
    if (type.node.kind !== 'object') {
      const gap = new Gap(keyText(name));
      gap.reported = true;
      const what = `is an object, but its type is ${this.subject.text.show(type.node)}`;
      this.subject.problems.error('wrong-type-form', keyText(name), node.at, what);
      return gap;
    }
    const found = findMember(type.node, key);
    return found ? { node: found.value } : new Gap(keyText(child));
  }

  private leaf(value: JsonNode, type: TypeAt, name: string): void {
    const { problems } = this.subject;
    const path = keyText(name);
    if (type instanceof Gap) {
      if (type.reported) return;
      type.reported = true;
      const below = type.path === path ? '' : `, which ${path} needs`;
      problems.error('no-type', type.path, value.at, `has no entry in ":types:"${below}`);
      return;
    }
    if (type.node.kind === 'object') {
      const what = `is ${describeNode(value)}, but ":types:" has an object there`;
      problems.error('wrong-type-form', path, value.at, what);
      return;
    }
    const declared = this.types.declared(type.node, path);
    if (declared) this.leaves.push({ name, path, value, declared });
  }
}
