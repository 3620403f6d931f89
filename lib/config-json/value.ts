/** Values of a document as they are stored: which literals a type takes, and what becomes of them (spec json2xtc.md, section 5). */

import { describeNode, type JsonNode } from '../json/node.ts';
import { upToNul } from '../json/text.ts';
import { viewOf } from '../xtc/dgram.ts';
import { CODE, ELEMENT_SIZE, type FieldTypeName } from '../xtc/layout.ts';
import type { FieldValue } from '../xtc/writer.ts';
import { INTEGERS, type IntegerType, isIntegerType, putInteger, wrap } from './number/integer.ts';
import { nextLiteral } from './number/items.ts';
import { NumberLiteral } from './number/literal.ts';
import type { Subject } from './problem.ts';
import type { Types } from './types.ts';
import type { Leaf } from './walk.ts';

/** The reference takes FLOAT scalars up to here; the largest float itself is a little beyond. */
const REFERENCE_FLOAT_LIMIT = 3.4028234e38;

export class ValueReader {
  private readonly subject: Subject;
  private readonly types: Types;
  private readonly literal = new NumberLiteral();
  private readonly exact: boolean;

  constructor(types: Types, subject: Subject) {
    this.types = types;
    this.subject = subject;
    this.exact = subject.rules.exactNumbers || !subject.rules.compat;
  }

  /** The stored value of a leaf; undefined after reporting why there is none. */
  read(leaf: Leaf): FieldValue | undefined {
    const { value, declared } = leaf;
    if (declared.dims) return this.list(leaf);
    if (declared.type === 'CHARSTR') return this.text(leaf);
    if (value.kind === 'word' && value.word !== 'null' && declared.type === 'UINT8')
      return value.word === 'true' ? 1 : 0;
    if (value.kind !== 'number') return this.refuse(leaf);
    this.literal.read(this.subject.text.bytes, value.at);
    if (!isIntegerType(declared.type)) return this.floatingScalar(leaf);
    if (!this.checkInteger(declared.type, leaf.path, value.at)) return undefined;
    const { short } = this.literal;
    const stored = wrap(declared.type, Number.isNaN(short) ? this.literal.integer() : short);
    if (declared.type === 'ENUMVAL') this.checkLabel(leaf, short);
    return stored;
  }

  private refuse(leaf: Leaf): undefined {
    const { value, declared, path } = leaf;
    const pairs = declared.enumName === undefined ? undefined : this.types.pairs(declared.enumName);
    const wanted = declared.type === 'ENUMVAL' ? 'the number of an enum value' : `a value of type ${declared.type}`;
    const shown = value.kind === 'string' ? this.subject.text.show(value) : describeNode(value);
    const what = `is ${shown}; wanted is ${wanted}${pairs === undefined ? '' : `: ${pairs}`}`;
    this.subject.problems.error('wrong-value', path, value.at, what);
    return undefined;
  }

  private checkLabel(leaf: Leaf, value: number, path = leaf.path): void {
    const { enumName } = leaf.declared;
    const labels = enumName === undefined ? undefined : this.types.enums.get(enumName);
    if (labels === undefined || labels.some(([, number]) => number === value)) return;
    const what = `${value} has no label in the enum: ${this.types.pairs(enumName!)}`;
    this.subject.problems.warning('no-label', path, this.literal.at, what);
  }

  /** Length + 1 rounded up to a multiple of 4, padding zero. */
  private text(leaf: Leaf): FieldValue | undefined {
    const { value } = leaf;
    if (value.kind !== 'string') return this.refuse(leaf);
    const bytes = upToNul(this.subject.text.stringBytes(value));
    const size = Math.ceil((bytes.length + 1) / 4) * 4;
    const data = Buffer.alloc(size);
    bytes.copy(data);
    return { shape: [size], data };
  }

  /** Checks the literal at hand; a loss is reported and is no reason to stop. */
  private checkInteger(type: IntegerType, path: string, at: number): boolean {
    const { literal } = this;
    const { problems } = this.subject;
    if (literal.floating) {
      const what = `${literal.text()} is no integer as ${type} needs it: no fraction, no exponent, at most 64 bits`;
      problems.error('not-an-integer', path, at, what);
      return false;
    }
    const { taken, stored } = INTEGERS[type];
    const value = Number.isNaN(literal.short) ? literal.integer() : literal.short;
    if (value >= stored[0] && value <= stored[1]) return true;
    const what = `${literal.text()} is outside ${stored[0]}..${stored[1]} of ${type}`;
    if (value < taken[0] || value > taken[1]) {
      problems.error('out-of-range', path, at, what);
      return false;
    }
    problems.loss(
      'out-of-range',
      path,
      at,
      this.subject.rules.compat ? `${what}: stored as ${wrap(type, value)}` : what,
    );
    return true;
  }

  /** The double of the literal at hand by the rules that hold. */
  private double(): number {
    return this.exact ? this.literal.nearest() : this.literal.reference();
  }

  private floatingScalar(leaf: Leaf): number | undefined {
    const { literal } = this;
    const { problems, rules } = this.subject;
    const { type } = leaf.declared;
    const { at } = leaf.value;
    if (rules.compat && !literal.floating) {
      const what = `${literal.text()} is an integer; the reference wants a fraction or an exponent for ${type}`;
      problems.error('integer-for-float', leaf.path, at, what);
      return undefined;
    }
    const value = this.double();
    const beyond = rules.compat ? Math.abs(value) > REFERENCE_FLOAT_LIMIT : !Number.isFinite(Math.fround(value));
    if (type === 'FLOAT' && beyond) {
      problems.error('out-of-range', leaf.path, at, `${literal.text()} is beyond the range of FLOAT`);
      return undefined;
    }
    if (!Number.isFinite(value)) this.reportInfinity(leaf.path, at, type);
    return value;
  }

  private reportInfinity(path: string, at: number, type: FieldTypeName): void {
    const { problems, rules } = this.subject;
    const what = `${this.literal.text()} is beyond the range of ${type}`;
    problems.loss('out-of-range', path, at, rules.compat ? `${what}: stored as infinity` : what);
  }

  private list(leaf: Leaf): FieldValue | undefined {
    const { value, declared, path } = leaf;
    const { problems, rules } = this.subject;
    const { elements, dims, type } = declared;
    if (value.kind !== 'numbers' && value.kind !== 'list') {
      const what = `is ${describeNode(value)}; wanted is a list for [${[type, ...dims!].join(', ')}]`;
      // The reference looks at the elements only, and there are none.
      if (elements === 0 && rules.compat) problems.loss('wrong-value', path, value.at, `${what}: ignored`);
      else problems.error('wrong-value', path, value.at, what);
      return elements === 0 ? { shape: dims!, data: Buffer.alloc(0) } : undefined;
    }
    const count = value.kind === 'numbers' ? value.count : value.items.length;
    if (count < elements) {
      const flat = dims!.length > 1 ? '; array values are one flat list in row-major order' : '';
      const what = `has ${count} elements, the shape [${dims!.join(', ')}] needs ${elements}${flat}`;
      problems.error('too-few-elements', path, value.at, what);
      return undefined;
    }
    if (count > elements) {
      const what = `has ${count} elements, the shape [${dims!.join(', ')}] has room for ${elements}`;
      problems.loss('too-many-elements', path, value.at, rules.compat ? `${what}: the rest is ignored` : what);
    }
    return { shape: dims!, data: this.elements(leaf, value, elements) };
  }

  /** The bytes of the first `elements` items. Faulty ones are reported and stay 0. */
  private elements(leaf: Leaf, list: Extract<JsonNode, { kind: 'numbers' | 'list' }>, elements: number): Buffer {
    const { bytes } = this.subject.text;
    const { type } = leaf.declared;
    const size = ELEMENT_SIZE[CODE[type]];
    const data = Buffer.alloc(elements * size);
    const view = viewOf(data);
    const put = isIntegerType(type) ? this.integerElement(type, leaf, view) : this.floatingElement(type, leaf, view);
    let at = list.at + 1;
    for (let i = 0; i < elements; i++) {
      if (list.kind === 'list') {
        const item = list.items[i]!;
        if (item.kind !== 'number') {
          this.fault(leaf, i, item);
          continue;
        }
        at = item.at;
      } else {
        at = nextLiteral(bytes, at);
      }
      this.literal.read(bytes, at);
      at = this.literal.end;
      put(i * size, i);
    }
    return data;
  }

  private fault(leaf: Leaf, index: number, item: JsonNode): void {
    const { declared, path } = leaf;
    const pairs = declared.enumName === undefined ? undefined : this.types.pairs(declared.enumName);
    const what = `is ${this.subject.text.show(item)}; wanted is a number${pairs === undefined ? '' : `: ${pairs}`}`;
    this.subject.problems.error('wrong-value', `${path}[${index}]`, item.at, what);
  }

  private integerElement(type: IntegerType, leaf: Leaf, view: DataView): (offset: number, index: number) => void {
    const { literal } = this;
    const [low, high] = INTEGERS[type].stored;
    const put = putInteger(type, view);
    const check = type === 'ENUMVAL' && this.types.isDefined(leaf.declared.enumName);
    return (offset, index) => {
      const { short } = literal;
      // Comparisons with NaN are false: long literals take the other way.
      if (short >= low && short <= high) put(offset, short);
      else if (this.checkInteger(type, `${leaf.path}[${index}]`, literal.at)) {
        put(offset, Number.isNaN(short) ? literal.integer() : short);
      }
      if (check) this.checkLabel(leaf, short, `${leaf.path}[${index}]`);
    };
  }

  private floatingElement(type: FieldTypeName, leaf: Leaf, view: DataView): (offset: number, index: number) => void {
    const float = type === 'FLOAT';
    return (offset, index) => {
      const value = this.double();
      if (float) view.setFloat32(offset, value, true);
      else view.setFloat64(offset, value, true);
      if (!Number.isFinite(float ? Math.fround(value) : value)) {
        this.reportInfinity(`${leaf.path}[${index}]`, this.literal.at, type);
      }
    };
  }
}
