/**
 * Values of a small part of Python that is evaluated here, without Python: what sequence scripts, process manager files and printed
 * objects are made of. Anything outside the part is an error with its place, never a guess.
 */

/** A Python float; plain numbers are Python ints. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** An object of whoever evaluates, so that a list can hold it beside numbers and texts. */
export class PyForeign {
  /** For messages: `instruction`. */
  readonly kind: string;
  readonly value: unknown;
  constructor(kind: string, value: unknown) {
    this.kind = kind;
    this.value = value;
  }
}

/** Something that can be called: `len`, `Wait`, `Branch.conditional`, `list.append`. */
export class PyFunction {
  readonly name: string;
  readonly call: (args: readonly PyValue[], named: ReadonlyMap<string, PyValue>) => PyValue;
  readonly members: ReadonlyMap<string, PyFunction>;
  constructor(name: string, call: PyFunction['call'], members: ReadonlyMap<string, PyFunction> = new Map()) {
    this.name = name;
    this.call = call;
    this.members = members;
  }
}

export type PyValue =
  | number
  | string
  | boolean
  | null
  | PyFloat
  | PyForeign
  | PyFunction
  | PyValue[]
  | Map<string | number, PyValue>;

/** A mistake in a script, to be given a place by whoever knows it. */
export class PyError extends Error {}

export function typeName(value: PyValue): string {
  if (value === null) return 'None';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof PyFloat) return 'float';
  if (value instanceof PyForeign) return value.kind;
  if (value instanceof PyFunction) return 'function';
  return Array.isArray(value) ? 'list' : 'dict';
}

export function isTrue(value: PyValue): boolean {
  if (value === null || value === false || value === 0 || value === '') return false;
  if (value instanceof PyFloat) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : true;
}

/** Integer value of an int or bool. */
export function asInt(value: PyValue, what: string): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'number') throw new PyError(`${what} must be an int, not ${typeName(value)}`);
  return value;
}

export function asKey(value: PyValue): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new PyError(`a ${typeName(value)} cannot be a key here`);
}
