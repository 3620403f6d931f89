/**
 * Expressions of graphs: a subset of Python's grammar without statements, attributes, and calls of anything but a few functions
 * (spec graph.md 3.1). Compiled once to closures over the inputs.
 */

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/python';
import { FUNCTIONS, functionNamed, type Operand } from './functions.ts';
import { ARITHMETIC, applied, compared, elementAt, isTrue, sliceOf } from './operators.ts';

/** Value of an expression for inputs in the order of its roles; undefined is nothing. @throws Error: the node fails */
export type Expression = (inputs: readonly Operand[]) => Operand;

/** A mistake in the text, with the column from 1. */
export class ExpressionError extends Error {
  readonly column: number;

  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}

const CONSTANTS: Readonly<Record<string, Operand>> = {
  true: true,
  false: false,
  True: true,
  False: false,
  null: undefined,
  None: undefined,
};

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const MAX_DEPTH = 200;

/**
 * @param roles names that stand for inputs
 * @throws ExpressionError
 */
export function compileExpression(text: string, roles: readonly string[]): Expression {
  const statement = parser.parse(text).topNode.firstChild;
  const node = statement?.name === 'ExpressionStatement' ? statement.firstChild : null;
  if (!node || statement?.nextSibling) throw new ExpressionError('one expression is wanted', 1);
  return new Compiler(text, roles).compile(node, 0);
}

class Compiler {
  readonly #text: string;
  readonly #roles: readonly string[];

  constructor(text: string, roles: readonly string[]) {
    this.#text = text;
    this.#roles = roles;
  }

  compile(node: SyntaxNode, depth: number): Expression {
    if (depth > MAX_DEPTH) this.#fail(node, `more than ${MAX_DEPTH} levels`);
    const inner = (child: SyntaxNode | undefined) =>
      this.compile(child ?? this.#fail(node, 'something is missing'), depth + 1);
    switch (node.name) {
      case 'Number':
        return this.#constant(this.#number(node));
      case 'String':
        return this.#constant(this.#string(node));
      case 'Boolean':
      case 'None':
      case 'VariableName':
        return this.#name(node);
      case 'ParenthesizedExpression':
        return inner(this.#parts(node)[0]);
      case 'ArrayExpression': {
        const items = this.#parts(node).map(inner);
        return (inputs) => items.map((item) => item(inputs));
      }
      case 'UnaryExpression':
        return this.#unary(node, inner);
      case 'BinaryExpression':
        return this.#binary(node, inner);
      case 'ConditionalExpression': {
        const [value, , condition, , other] = this.#children(node);
        const [yes, test, no] = [inner(value), inner(condition), inner(other)];
        return (inputs) => (isTrue(test(inputs)) ? yes(inputs) : no(inputs));
      }
      case 'MemberExpression':
        return this.#member(node, inner);
      case 'CallExpression':
        return this.#call(node, inner);
      default:
        return this.#fail(
          node,
          node.type.isError ? 'this is no expression' : `${readable(node.name)} cannot be used here`,
        );
    }
  }

  #constant(value: Operand): Expression {
    return () => value;
  }

  #number(node: SyntaxNode): number {
    const value = Number(this.#source(node).replaceAll('_', ''));
    return Number.isNaN(value) ? this.#fail(node, 'this is no number') : value;
  }

  #string(node: SyntaxNode): string {
    const match = /^(['"])([^\\]*)\1$/s.exec(this.#source(node));
    return match ? match[2]! : this.#fail(node, 'write a string as "text", without backslashes');
  }

  #name(node: SyntaxNode): Expression {
    const name = this.#source(node);
    if (Object.hasOwn(CONSTANTS, name)) return this.#constant(CONSTANTS[name]);
    const index = this.#roles.indexOf(name);
    if (index < 0) this.#fail(node, `there is no input "${name}"; there are ${this.#roles.join(', ') || 'none'}`);
    return (inputs) => inputs[index];
  }

  #unary(node: SyntaxNode, inner: (child: SyntaxNode | undefined) => Expression): Expression {
    const [operator, operand] = this.#children(node);
    const op = operator && this.#source(operator);
    const value = inner(operand);
    if (op === 'not') return (inputs) => !isTrue(value(inputs));
    if (op === '-') return (inputs) => applied(ARITHMETIC['*']!, value(inputs), -1);
    if (op === '+') return (inputs) => applied(ARITHMETIC['*']!, value(inputs), 1);
    return this.#fail(node, `operator ${op} cannot be used here`);
  }

  #binary(node: SyntaxNode, inner: (child: SyntaxNode | undefined) => Expression): Expression {
    const [left, operator, right] = this.#children(node);
    if (!left || !operator || !right) return this.#fail(node, 'something is missing');
    const op = this.#source(operator);
    const [a, b] = [inner(left), inner(right)];
    if (op === 'and') return (inputs) => ((value) => (isTrue(value) ? b(inputs) : value))(a(inputs));
    if (op === 'or') return (inputs) => ((value) => (isTrue(value) ? value : b(inputs)))(a(inputs));
    if (COMPARISONS.has(op)) {
      // The grammar nests `a < b < c` to the left, which Python does not mean.
      if (this.#isComparison(left)) this.#fail(node, 'write a < b and b < c instead of a < b < c');
      return (inputs) => compared(op, a(inputs), b(inputs));
    }
    const compute = ARITHMETIC[op];
    if (!compute) return this.#fail(operator, `operator ${op} cannot be used here`);
    return (inputs) => applied(compute, a(inputs), b(inputs));
  }

  #isComparison(node: SyntaxNode): boolean {
    return node.name === 'BinaryExpression' && COMPARISONS.has(this.#source(this.#children(node)[1] ?? node));
  }

  /** `w[5]` and `w[10:200]`; attributes are refused. */
  #member(node: SyntaxNode, inner: (child: SyntaxNode | undefined) => Expression): Expression {
    const [object, bracket, ...rest] = this.#children(node);
    if (bracket?.name !== '[') this.#fail(node, 'values have no attributes here');
    const value = inner(object);
    const marks = rest.slice(0, -1);
    const colon = marks.findIndex((child) => child.name === ':');
    if (colon < 0) {
      if (marks.length !== 1) this.#fail(node, 'one index is wanted, w[5] or w[10:200]');
      const index = inner(marks[0]);
      return (inputs) => elementAt(value(inputs), index(inputs));
    }
    const [before, after] = [marks.slice(0, colon), marks.slice(colon + 1)];
    if (before.length > 1 || after.length > 1) this.#fail(node, 'a slice is w[from:to]');
    const from = before[0] ? inner(before[0]) : this.#constant(undefined);
    const to = after[0] ? inner(after[0]) : this.#constant(undefined);
    return (inputs) => sliceOf(value(inputs), from(inputs), to(inputs));
  }

  #call(node: SyntaxNode, inner: (child: SyntaxNode | undefined) => Expression): Expression {
    const [callee, list] = this.#children(node);
    const name = callee ? this.#source(callee) : '';
    const arity = FUNCTIONS.get(name);
    if (!arity || !list)
      return this.#fail(node, `there is no function "${name}"; there are ${[...FUNCTIONS.keys()].join(' ')}`);
    const args = this.#parts(list);
    if (args.some((child) => child.name === 'AssignOp')) this.#fail(node, 'values of functions have no names here');
    if (args.length < arity.least || args.length > arity.most) this.#fail(node, `${name} takes ${arity.least} value`);
    const values = args.map(inner);
    const run = functionNamed(name);
    const [only] = values;
    if (only && values.length === 1) return (inputs) => run([only(inputs)]);
    return (inputs) => run(values.map((value) => value(inputs)));
  }

  #source(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #children(node: SyntaxNode): SyntaxNode[] {
    const list: SyntaxNode[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) {
      if (child.type.isError) this.#fail(child, 'this is no expression');
      if (child.name !== 'Comment') list.push(child);
    }
    return list;
  }

  /** Children without brackets and commas. */
  #parts(node: SyntaxNode): SyntaxNode[] {
    return this.#children(node).filter((child) => !'()[],'.includes(child.name));
  }

  #fail(node: SyntaxNode, message: string): never {
    throw new ExpressionError(message, node.from + 1);
  }
}

/** `LambdaExpression` as `a lambda expression`. */
function readable(name: string): string {
  return `a ${name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}`;
}
