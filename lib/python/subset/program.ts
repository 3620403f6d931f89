/** Statements of the subset: assignments, for, if, imports that do nothing; no functions, no classes, no attributes of modules. */

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/python';
import { DaqError } from '../../errors.ts';
import { Expressions, type Scope, unsupported } from './expression.ts';
import { asInt, asKey, isTrue, PyError, PyFunction, type PyValue, typeName } from './value.ts';

/** Statements a text may execute; a generated one needs about one per line. */
const STATEMENT_LIMIT = 5_000_000;

export interface SubsetOptions {
  readonly file: string;
  /** Code of the errors: `timing-script`. */
  readonly code: string;
  /** Names that are there when the text begins. `len`, `range` and `print` always are. */
  readonly names: ReadonlyMap<string, PyValue>;
  /** What may be imported (nothing is loaded). @returns what is wrong with an import statement, or undefined */
  readonly importProblem: (statement: string) => string | undefined;
}

/**
 * Runs a text and returns its names.
 * @throws DaqError of the code, with file, line and column
 */
export function runSubset(text: string, options: SubsetOptions): Scope {
  const run = new Run(text, options);
  run.block(parser.parse(text).topNode);
  return run.scope;
}

class Run {
  readonly scope: Scope = new Map();
  readonly #text: string;
  readonly #options: SubsetOptions;
  readonly #expressions: Expressions;
  #statements = 0;

  constructor(text: string, options: SubsetOptions) {
    this.#text = text;
    this.#options = options;
    this.#expressions = new Expressions(text, this.scope, (node, message) => this.#fail(node, message));
    this.scope.set('len', new PyFunction('len', ([value]) => lengthOf(value ?? null)));
    this.scope.set('range', new PyFunction('range', rangeOf));
    this.scope.set('print', new PyFunction('print', () => null));
    for (const [name, value] of options.names) this.scope.set(name, value);
  }

  block(node: SyntaxNode): void {
    for (let child = node.firstChild; child; child = child.nextSibling) {
      if (child.name !== ':' && child.name !== ';' && child.name !== 'Comment') this.#statement(child);
    }
  }

  #statement(node: SyntaxNode): void {
    if (++this.#statements > STATEMENT_LIMIT) this.#fail(node, `more than ${STATEMENT_LIMIT} statements`);
    switch (node.name) {
      case 'AssignStatement':
        return this.#assign(node);
      case 'UpdateStatement':
        return this.#update(node);
      case 'ExpressionStatement':
        this.#expressions.evaluate(node.firstChild as SyntaxNode);
        return;
      case 'ForStatement':
        return this.#for(node);
      case 'IfStatement':
        return this.#if(node);
      case 'StatementGroup':
        return this.block(node);
      case 'ImportStatement':
        return this.#import(node);
      case 'PassStatement':
        return;
      default:
        this.#fail(node, unsupported(node));
    }
  }

  #import(node: SyntaxNode): void {
    const problem = this.#options.importProblem(this.#text.slice(node.from, node.to));
    if (problem !== undefined) this.#fail(node, problem);
  }

  /** `a = b = value`; targets are names and subscripts. */
  #assign(node: SyntaxNode): void {
    const parts = children(node);
    const values = parts.filter((part) => part.name !== 'AssignOp');
    if (values.length !== parts.filter((part) => part.name === 'AssignOp').length + 1) {
      this.#fail(node, 'assignments of several values at once and type notes are outside the supported subset');
    }
    const value = this.#expressions.evaluate(values[values.length - 1] as SyntaxNode);
    for (const target of values.slice(0, -1)) this.#store(target, value);
  }

  #update(node: SyntaxNode): void {
    const [target, operator, operand] = children(node);
    if (!target || !operator || !operand) this.#fail(node, 'this is not an assignment');
    const op = this.#text.slice(operator.from, operator.to - 1);
    const current = this.#expressions.evaluate(target);
    const value = this.#expressions.evaluate(operand);
    // `list += list` changes the list itself, which other names may share.
    if (op === '+' && Array.isArray(current) && Array.isArray(value)) current.push(...value);
    else this.#store(target, this.#expressions.binary(node, op, current, value));
  }

  #store(target: SyntaxNode, value: PyValue): void {
    if (target.name === 'VariableName') {
      this.scope.set(this.#text.slice(target.from, target.to), value);
      return;
    }
    const [object, bracket, index] = children(target);
    if (target.name !== 'MemberExpression' || !object || bracket?.name !== '[' || !index) {
      this.#fail(target, `cannot assign to a ${target.name}`);
    }
    const container = this.#expressions.evaluate(object);
    const key = this.#expressions.evaluate(index);
    if (container instanceof Map) container.set(asKey(key), value);
    else if (Array.isArray(container)) this.#storeItem(target, container, asInt(key, 'index'), value);
    else this.#fail(target, `a ${typeName(container)} has no items`);
  }

  #storeItem(target: SyntaxNode, list: PyValue[], index: number, value: PyValue): void {
    const at = index < 0 ? index + list.length : index;
    if (at < 0 || at >= list.length) this.#fail(target, `index ${index} is outside a list of ${list.length}`);
    list[at] = value;
  }

  #for(node: SyntaxNode): void {
    const parts = children(node);
    const [, name, keyword, iterable, body, ...more] = parts;
    if (
      name?.name !== 'VariableName' ||
      keyword?.name !== 'in' ||
      !iterable ||
      body?.name !== 'Body' ||
      more.length > 0
    ) {
      this.#fail(node, 'only `for NAME in ...:` without else is in the supported subset');
    }
    const values = this.#expressions.evaluate(iterable);
    const items = values instanceof Map ? [...values.keys()] : values;
    if (!Array.isArray(items)) this.#fail(iterable, `cannot loop over a ${typeName(values)}`);
    for (const item of items) {
      this.scope.set(this.#text.slice(name.from, name.to), item);
      this.block(body);
    }
  }

  /** if, elif... : condition and body in turn; else: body. */
  #if(node: SyntaxNode): void {
    const parts = children(node);
    for (let i = 0; i < parts.length; ) {
      const keyword = parts[i]?.name;
      if (keyword === 'else') {
        this.block(parts[i + 1] as SyntaxNode);
        return;
      }
      if (isTrue(this.#expressions.evaluate(parts[i + 1] as SyntaxNode))) {
        this.block(parts[i + 2] as SyntaxNode);
        return;
      }
      i += 3;
    }
  }

  #fail(node: SyntaxNode, message: string): never {
    const before = this.#text.slice(0, node.from);
    const line = before.split('\n').length;
    const place = { file: this.#options.file, line, column: node.from - before.lastIndexOf('\n') };
    throw new DaqError(this.#options.code, `${message[0]?.toUpperCase()}${message.slice(1)}.`, { place });
  }
}

/** Children without comments. */
function children(node: SyntaxNode): SyntaxNode[] {
  const list: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) if (child.name !== 'Comment') list.push(child);
  return list;
}

function lengthOf(value: PyValue): number {
  if (Array.isArray(value) || typeof value === 'string') return value.length;
  if (value instanceof Map) return value.size;
  throw new PyError(`a ${typeName(value)} has no length`);
}

function rangeOf(args: readonly PyValue[]): PyValue {
  const [a, b, c] = args.map((value) => asInt(value, 'range argument'));
  if (a === undefined || args.length > 3) throw new PyError('range takes one to three arguments');
  const [start, stop] = b === undefined ? [0, a] : [a, b];
  const step = c ?? 1;
  if (step === 0) throw new PyError('range step must not be 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > STATEMENT_LIMIT) throw new PyError(`range of ${count} is too long`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}
