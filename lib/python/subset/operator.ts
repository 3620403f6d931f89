import { formatPercent } from './percent.ts';
import { asInt, isTrue, PyError, PyFloat, PyForeign, PyFunction, type PyValue, typeName } from './value.ts';

function numeric(value: PyValue): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof PyFloat ? value.value : null;
}

/** A result of integer arithmetic; refuses what a double cannot hold. */
function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new PyError(`the integer ${value} is too large`);
  return value;
}

/** Applies a binary operator with Python's meaning; throws PyError for operand types outside the subset. */
export function binary(op: string, a: PyValue, b: PyValue): PyValue {
  if (op === '%' && typeof a === 'string') return formatPercent(a, b);
  if (op === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (op === '+' && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (op === '*' && Array.isArray(a) && typeof b === 'number')
    return Array.from({ length: Math.max(0, b) }, () => a).flat();
  if ('|&^'.includes(op) || op === '<<' || op === '>>')
    return bitwise(op, asInt(a, `left of ${op}`), asInt(b, `right of ${op}`));
  const x = numeric(a);
  const y = numeric(b);
  if (x === null || y === null) throw new PyError(`cannot apply ${op} to ${typeName(a)} and ${typeName(b)}`);
  const value = arithmetic(op, x, y);
  return op === '/' || a instanceof PyFloat || b instanceof PyFloat ? new PyFloat(value) : exact(value);
}

function arithmetic(op: string, x: number, y: number): number {
  if (y === 0 && (op === '/' || op === '//' || op === '%')) throw new PyError('division by zero');
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '//':
      return Math.floor(x / y);
    case '%':
      return x - y * Math.floor(x / y);
    default:
      throw new PyError(`operator ${op} is not supported`);
  }
}

function bitwise(op: string, a: number, b: number): number {
  const x = BigInt(a);
  const y = BigInt(b);
  if ((op === '<<' || op === '>>') && (b < 0 || b > 64)) throw new PyError(`a shift by ${b} is not supported`);
  const value = op === '|' ? x | y : op === '&' ? x & y : op === '^' ? x ^ y : op === '<<' ? x << y : x >> y;
  return exact(Number(value));
}

export function unary(op: string, value: PyValue): PyValue {
  if (op === 'not') return !isTrue(value);
  if (op === '~') return -asInt(value, '~') - 1;
  const x = numeric(value);
  if (x === null) throw new PyError(`cannot apply ${op} to ${typeName(value)}`);
  const signed = op === '-' ? -x : x;
  return value instanceof PyFloat ? new PyFloat(signed) : signed === 0 ? 0 : signed;
}

export function compare(op: string, a: PyValue, b: PyValue): boolean {
  if (op === '==') return equal(a, b);
  if (op === '!=') return !equal(a, b);
  const x = typeof a === 'string' && typeof b === 'string' ? a : numeric(a);
  const y = typeof a === 'string' && typeof b === 'string' ? b : numeric(b);
  if (x === null || y === null) throw new PyError(`cannot order ${typeName(a)} and ${typeName(b)}`);
  switch (op) {
    case '<':
      return x < y;
    case '<=':
      return x <= y;
    case '>':
      return x > y;
    case '>=':
      return x >= y;
    default:
      throw new PyError(`comparison ${op} is not supported`);
  }
}

function equal(a: PyValue, b: PyValue): boolean {
  const x = numeric(a);
  const y = numeric(b);
  if (x !== null && y !== null) return x === y;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equal(item, b[i] as PyValue));
  if (a instanceof PyForeign || a instanceof PyFunction) throw new PyError(`a ${typeName(a)} cannot be compared`);
  return a === b;
}

/** `item in container`: a key, an item of a list, a part of a text. */
export function holds(container: PyValue, item: PyValue): boolean {
  if (container instanceof Map) return container.has(typeof item === 'string' ? item : asInt(item, 'key'));
  if (Array.isArray(container)) return container.some((one) => equal(one, item));
  if (typeof container === 'string' && typeof item === 'string') return container.includes(item);
  throw new PyError(`cannot look for a ${typeName(item)} in a ${typeName(container)}`);
}

/** `container[index]`. */
export function subscript(container: PyValue, index: PyValue): PyValue {
  if (container instanceof Map) {
    const found = container.get(typeof index === 'string' ? index : asInt(index, 'key'));
    if (found === undefined) throw new PyError(`there is no key ${String(index)}`);
    return found;
  }
  if (!Array.isArray(container) && typeof container !== 'string')
    throw new PyError(`a ${typeName(container)} has no items`);
  const at = asInt(index, 'index');
  const item = container[at < 0 ? at + container.length : at];
  if (item === undefined) throw new PyError(`index ${at} is outside a ${typeName(container)} of ${container.length}`);
  return item;
}
