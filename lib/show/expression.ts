/**
 * `--where`: a small, safe expression language over header and fields, compiled once by filtrex. Names that a dgram does not have
 * are NaN, so every comparison with them is false and `or` still works.
 */

import { compileExpression } from 'filtrex';
import { UsageError } from '../errors.ts';
import { damageByName, damageNames } from '../xtc/damage.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { CODE } from '../xtc/layout.ts';
import type { Field, NamesBlock } from '../xtc/names.ts';
import { SERVICES, serviceName } from '../xtc/service.ts';
import { readNumber, type ShapesData } from '../xtc/shapes-data.ts';
import { isText, readElement } from '../xtc/value.ts';
import type { Visitor, Walker } from '../xtc/walk.ts';

/** An enum equals its number and its label. */
class EnumValue {
  readonly value: number;
  readonly label: string | null;
  constructor(value: number, label: string | null) {
    this.value = value;
    this.label = label;
  }
}

type Scalar = number | bigint | string | EnumValue | Float64Array;

const HEADER: Readonly<Record<string, (dgram: Dgram) => Scalar>> = {
  service: (dgram) => serviceName(dgram.service),
  index: (dgram) => dgram.index,
  offset: (dgram) => dgram.offset,
  size: (dgram) => dgram.size,
  sec: (dgram) => dgram.sec,
  nsec: (dgram) => dgram.nsec,
  time: (dgram) => dgram.sec + dgram.nsec / 1e9,
  timestamp: (dgram) => dgram.timestamp,
  env: (dgram) => dgram.env,
  groups: (dgram) => dgram.groups,
  damage: (dgram) => dgram.damage,
  src: (dgram) => dgram.src & 0x0fffffff,
  level: (dgram) => dgram.src >>> 28,
};

/** Names of the header, for help texts. */
export const HEADER_NAMES = Object.keys(HEADER);

/** A field reference: `det.alg.field` or `det_segment.alg.field`; field names may contain dots. */
interface Reference {
  det: string;
  alg: string;
  field: string;
  seen: boolean;
}

/** The parser takes quadratic time. */
const MAX_LENGTH = 5000;

export class Expression {
  private readonly evaluate: (dgram: Dgram) => unknown;
  private readonly references = new Map<string, Reference>();
  private readonly values = new Map<string, Scalar>();
  private readonly walker: Walker;
  private readonly visitor: Visitor = { data: (block) => this.collect(block) };
  private walked = false;
  private dgram!: Dgram;

  /** @throws UsageError if the text cannot be parsed; the message shows where */
  constructor(text: string, walker: Walker) {
    this.walker = walker;
    if (text.length > MAX_LENGTH) {
      throw new UsageError(`--where: the expression has ${text.length} characters; at most ${MAX_LENGTH} are taken`);
    }
    try {
      this.evaluate = compileExpression(plainNumbers(text), {
        customProp: (name: string) => this.lookUp(name),
        extraFunctions: this.functions(),
        operators: OPERATORS,
      }) as (dgram: Dgram) => unknown;
    } catch (error) {
      throw new UsageError(`--where: ${(error as Error).message}`, { cause: error });
    }
  }

  /** @throws UsageError for calls of functions that do not exist, or of operators on things they do not fit */
  matches(dgram: Dgram): boolean {
    this.dgram = dgram;
    this.walked = false;
    this.values.clear();
    const result = this.evaluate(dgram);
    if (result instanceof Error) throw new UsageError(`--where: ${result.message}`, { cause: result });
    return typeof result === 'number' ? result !== 0 && !Number.isNaN(result) : Boolean(result);
  }

  /** Field names in the expression that no dgram had: probably misspelt. */
  neverSeen(): string[] {
    return [...this.references].filter(([, reference]) => !reference.seen).map(([name]) => name);
  }

  private lookUp(name: string): Scalar {
    if (name.startsWith(INTEGER)) return BigInt(name.slice(INTEGER.length));
    const header = Object.hasOwn(HEADER, name) ? HEADER[name] : undefined;
    if (header) return header(this.dgram);
    if (!name.includes('.')) return name;
    if (!this.references.has(name)) {
      const [det, alg, ...field] = name.split('.');
      this.references.set(name, { det: det!, alg: alg!, field: field.join('.'), seen: false });
      this.walked = false;
    }
    if (!this.walked) {
      this.walked = true;
      // The walk that counts comes later: this one must not teach the walker what stands further on.
      this.walker.look(this.dgram, this.visitor);
    }
    return this.values.get(name) ?? Number.NaN;
  }

  private collect(block: ShapesData): void {
    for (const [name, reference] of this.references) {
      if (this.values.has(name) || reference.alg !== block.names.alg || !isDetector(block.names, reference.det))
        continue;
      const field = block.names.fields.find(
        (field) => field.name === reference.field || field.shortName === reference.field,
      );
      if (field === undefined || field.index >= block.count) continue;
      reference.seen = true;
      this.values.set(name, this.valueOf(block, field));
    }
  }

  private valueOf(block: ShapesData, field: Field): Scalar {
    if (isText(field)) return block.string(field.index);
    if (field.rank > 0) return elementsOf(block, field);
    if (field.type === CODE.ENUMVAL) {
      const value = block.number(field.index);
      return new EnumValue(value, this.walker.table.label(block.names, field.enumName ?? '', value));
    }
    return readElement(block.view, field.type, block.at(field.index));
  }

  private functions(): Record<string, (...args: never[]) => unknown> {
    return {
      exists: (value: Scalar) => !(typeof value === 'number' && Number.isNaN(value)),
      group: (number: number) => ((this.dgram.groups >>> number) & 1) === 1,
      damaged: (name?: string) => this.damaged(name),
      length: (value: Scalar) =>
        value instanceof Float64Array || typeof value === 'string' ? value.length : Number.NaN,
      sum: (value: Scalar) => arrayOf(value).reduce((sum, element) => sum + element, 0),
      mean: (value: Scalar) => arrayOf(value).reduce((sum, element) => sum + element, 0) / arrayOf(value).length,
      highest: (value: Scalar) => arrayOf(value).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
      lowest: (value: Scalar) => arrayOf(value).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
      at: (value: Scalar, index: number) => arrayOf(value)[index] ?? Number.NaN,
    };
  }

  private damaged(name?: string): boolean {
    if (name === undefined) return this.dgram.damage !== 0;
    const mask = damageByName(name);
    if (mask === undefined) throw new UsageError(`--where: there is no damage "${name}"`);
    return damageNames(this.dgram.damage).some((known) => known.toLowerCase() === name.toLowerCase());
  }
}

/** `hsd` is every segment of hsd, `hsd_1` only segment 1 (or a detector of that very name). */
export function isDetector(names: NamesBlock, wanted: string): boolean {
  return names.detName === wanted || `${names.detName}_${names.segment}` === wanted;
}

function arrayOf(value: Scalar): Float64Array {
  if (value instanceof Float64Array) return value;
  return typeof value === 'number' || typeof value === 'bigint' ? Float64Array.of(Number(value)) : new Float64Array();
}

function elementsOf(block: ShapesData, field: Field): Float64Array {
  const elements = new Float64Array(block.byteLength(field.index) / field.elementSize);
  const at = block.at(field.index);
  for (let i = 0; i < elements.length; i++)
    elements[i] = readNumber(block.view, field.type, at + i * field.elementSize);
  return elements;
}

/** Comparisons that know enums and 64-bit integers; filtrex's own refuse anything but numbers. */
const OPERATORS = {
  '==': (a: Scalar, b: Scalar) => equal(a, b),
  '!=': (a: Scalar, b: Scalar) => !equal(a, b),
  '<': (a: Scalar, b: Scalar) => ordered(a) < ordered(b),
  '<=': (a: Scalar, b: Scalar) => ordered(a) <= ordered(b),
  '>': (a: Scalar, b: Scalar) => ordered(a) > ordered(b),
  '>=': (a: Scalar, b: Scalar) => ordered(a) >= ordered(b),
  // What a dgram does not have is no text either.
  '~=': (a: Scalar, b: Scalar) => typeof a !== 'number' && new RegExp(textOf(b, '~=')).test(textOf(a, '~=')),
  '+': (a: Scalar, b: Scalar) =>
    typeof a === 'string' && typeof b === 'string' ? a + b : numberOf(a, '+') + numberOf(b, '+'),
  '-': (a: Scalar, b?: Scalar) => (b === undefined ? -numberOf(a, '-') : numberOf(a, '-') - numberOf(b, '-')),
  '*': (a: Scalar, b: Scalar) => numberOf(a, '*') * numberOf(b, '*'),
  '/': (a: Scalar, b: Scalar) => numberOf(a, '/') / numberOf(b, '/'),
  '^': (a: Scalar, b: Scalar) => numberOf(a, '^') ** numberOf(b, '^'),
  mod: (a: Scalar, b: Scalar) => modulo(a, b),
};

/** For arithmetic: 64-bit integers become doubles, enums their numbers. */
function numberOf(value: Scalar, operator: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof EnumValue) return value.value;
  const what =
    typeof value === 'string' ? `the text "${value.slice(0, 40)}"` : 'an array (sum, mean, at(array, i) make numbers)';
  throw new TypeError(`"${operator}" needs numbers, not ${what}`);
}

function textOf(value: Scalar, operator: string): string {
  if (typeof value === 'string') return value;
  if (value instanceof EnumValue) return value.label ?? '';
  throw new TypeError(`"${operator}" compares texts`);
}

/** Never negative for a positive divisor; exact for 64-bit integers. */
function modulo(a: Scalar, b: Scalar): number {
  if (typeof a === 'bigint' && typeof b === 'number' && Number.isInteger(b) && b !== 0) {
    const divisor = BigInt(b);
    return Number(((a % divisor) + divisor) % divisor);
  }
  const [dividend, divisor] = [numberOf(a, 'mod'), numberOf(b, 'mod')];
  return ((dividend % divisor) + divisor) % divisor;
}

function equal(a: Scalar, b: Scalar): boolean {
  if (a instanceof EnumValue && b instanceof EnumValue) return a.value === b.value;
  if (a instanceof EnumValue) return typeof b === 'string' ? a.label === b : a.value === b;
  if (b instanceof EnumValue) return equal(b, a);
  if (typeof a === 'string' && typeof b === 'string' && isServiceName(a)) return a.toLowerCase() === b.toLowerCase();
  // Numbers and bigints compare by value, which the strict operator does not do.
  return typeof a === typeof b
    ? a === b
    : typeof a !== 'string' && typeof b !== 'string' && !(a < b) && !(a > b) && a >= b;
}

function ordered(value: Scalar): number | bigint {
  if (value instanceof EnumValue) return value.value;
  return typeof value === 'number' || typeof value === 'bigint' ? value : Number.NaN;
}

function isServiceName(text: string): boolean {
  return (SERVICES as readonly string[]).includes(text);
}

/** Strings, quoted and plain names, and what is left: numbers. */
const WORDS =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[a-zA-Z$_][.\w$]*|0x[0-9a-fA-F]+|\d+(?:\.\d+)?[eE][+-]?\d+|\d+\.\d+|\d+/g;

/** Prefix of the name that stands for an integer; no detector can be called so. */
const INTEGER = 'integer ';

/**
 * Integers as filtrex can take them. It knows decimal numbers only, as doubles: hexadecimal ones become decimal, and those that a
 * double cannot hold become names that are looked up as what they are.
 */
function plainNumbers(text: string): string {
  return text.replace(WORDS, (word) => {
    if (/^\d[\d.]*e/i.test(word)) return plainDecimal(Number(word));
    if (!/^(0x|\d+$)/.test(word)) return word;
    const value = BigInt(word);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? `'${INTEGER}${value}'` : String(value);
  });
}

/** `1e5` as `100000`: filtrex knows no exponents. */
function plainDecimal(value: number): string {
  if (!Number.isFinite(value)) throw new UsageError(`--where: a number is too large`);
  return value.toLocaleString('en-US', { useGrouping: false, maximumSignificantDigits: 21 });
}
