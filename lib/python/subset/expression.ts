import type { SyntaxNode } from '@lezer/common';
import { binary, compare, holds, subscript, unary } from './operator.ts';
import { shown } from './percent.ts';
import { asKey, isTrue, PyError, PyFloat, PyFunction, type PyValue, typeName } from './value.ts';

export type Scope = Map<string, PyValue>;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', "'": "'", '"': '"', '\n': '' };

/** What is wrong with a node that is not in the subset. A bracket that is not closed makes something odd of what follows it. */
export function unsupported(node: SyntaxNode): string {
  let isBroken = false;
  node.cursor().iterate(({ type }) => {
    isBroken ||= type.isError;
    return !isBroken;
  });
  if (isBroken) return 'this is not Python; perhaps a bracket is not closed';
  return `a ${node.name} is outside the supported subset`;
}

/** Values of expression nodes; whatever is not in the subset goes to `fail` with its node. */
export class Expressions {
  readonly #text: string;
  readonly #scope: Scope;
  readonly #fail: (node: SyntaxNode, message: string) => never;

  constructor(text: string, scope: Scope, fail: (node: SyntaxNode, message: string) => never) {
    this.#text = text;
    this.#scope = scope;
    this.#fail = fail;
  }

  evaluate(node: SyntaxNode): PyValue {
    switch (node.name) {
      case 'Number':
        return this.#number(node);
      case 'String':
        return this.#string(node);
      case 'FormatString':
        return this.#formatString(node);
      case 'ContinuedString':
        return this.#parts(node)
          .map((part) => String(this.evaluate(part)))
          .join('');
      case 'Boolean':
        return this.#source(node) === 'True';
      case 'None':
        return null;
      case 'VariableName':
        return this.#variable(node);
      case 'ParenthesizedExpression':
        return this.evaluate(this.#parts(node)[0] as SyntaxNode);
      case 'ArrayExpression':
      case 'TupleExpression':
        return this.#parts(node).map((part) => this.evaluate(part));
      case 'DictionaryExpression':
        return this.#dictionary(node);
      case 'UnaryExpression':
        return this.#unary(node);
      case 'BinaryExpression':
        return this.#binaryExpression(node);
      case 'ConditionalExpression': {
        const [value, , condition, , other] = this.#children(node);
        return this.evaluate((isTrue(this.evaluate(condition as SyntaxNode)) ? value : other) as SyntaxNode);
      }
      case 'MemberExpression':
        return this.#member(node);
      case 'CallExpression':
        return this.#call(node);
      default:
        return this.#fail(node, unsupported(node));
    }
  }

  /** Applies an operator, with the place of `node` on failure. */
  binary(node: SyntaxNode, op: string, a: PyValue, b: PyValue): PyValue {
    return this.#placed(node, () => binary(op, a, b));
  }

  #placed(node: SyntaxNode, make: () => PyValue): PyValue {
    try {
      return make();
    } catch (error) {
      if (error instanceof PyError) return this.#fail(node, error.message);
      throw error;
    }
  }

  #source(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #children(node: SyntaxNode): SyntaxNode[] {
    const list: SyntaxNode[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) {
      if (child.type.isError) this.#fail(child, 'this is not Python');
      if (child.name !== 'Comment') list.push(child);
    }
    return list;
  }

  /** Children without brackets and commas. */
  #parts(node: SyntaxNode): SyntaxNode[] {
    return this.#children(node).filter((child) => !'()[]{},:'.includes(child.name));
  }

  #number(node: SyntaxNode): PyValue {
    const text = this.#source(node).replaceAll('_', '');
    if (/^(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(text)) {
      const value = Number(text);
      return Number.isSafeInteger(value) ? value : this.#fail(node, `the integer ${text} is too large`);
    }
    const value = Number(text);
    return Number.isNaN(value) ? this.#fail(node, `${text} is not a supported number`) : new PyFloat(value);
  }

  #string(node: SyntaxNode): string {
    const match = /^([rRuU]?)('''|"""|'|")(.*)\2$/s.exec(this.#source(node));
    if (!match) return this.#fail(node, 'this kind of text is outside the supported subset');
    const [, prefix, , body] = match;
    return prefix === 'r' || prefix === 'R' ? (body as string) : this.#unescaped(node, body as string);
  }

  #unescaped(node: SyntaxNode, body: string): string {
    return body.replace(/\\(.)/gs, (_, c: string) => ESCAPES[c] ?? this.#fail(node, `escape \\${c} is not supported`));
  }

  /** `f'{name}/lib'`: values without conversions and formats. */
  #formatString(node: SyntaxNode): string {
    const match = /^f('''|"""|'|")/i.exec(this.#source(node));
    if (!match) return this.#fail(node, 'this kind of text is outside the supported subset');
    const quote = (match[1] as string).length;
    let text = '';
    let at = node.from + 1 + quote;
    const literal = (to: number) =>
      this.#unescaped(node, this.#text.slice(at, to).replaceAll('{{', '{').replaceAll('}}', '}'));
    for (const part of this.#children(node)) {
      const [value, ...more] = this.#parts(part);
      if (!value || more.length > 0) return this.#fail(part, 'formats within texts are outside the supported subset');
      text += literal(part.from) + shown(this.evaluate(value));
      at = part.to;
    }
    return text + literal(node.to - quote);
  }

  #variable(node: SyntaxNode): PyValue {
    const value = this.#scope.get(this.#source(node));
    return value === undefined ? this.#fail(node, `the name ${this.#source(node)} is not defined`) : value;
  }

  #dictionary(node: SyntaxNode): PyValue {
    const parts = this.#parts(node);
    const map = new Map<string | number, PyValue>();
    for (let i = 0; i < parts.length; i += 2) {
      const [key, value] = [parts[i], parts[i + 1]];
      if (!key || !value) return this.#fail(node, 'expected key: value pairs');
      const name = this.evaluate(key);
      this.#placed(key, () => map.set(asKey(name), this.evaluate(value)));
    }
    return map;
  }

  #unary(node: SyntaxNode): PyValue {
    const [operator, operand] = this.#children(node);
    if (!operator || !operand) return this.#fail(node, 'this is not Python');
    return this.#placed(node, () => unary(this.#source(operator), this.evaluate(operand)));
  }

  #binaryExpression(node: SyntaxNode): PyValue {
    const [left, operator, right, ...more] = this.#children(node);
    if (left && right && operator?.name === 'in' && more.length === 0) return this.#isIn(node, left, right);
    if (left && operator?.name === 'not' && right?.name === 'in' && more[0])
      return !isTrue(this.#isIn(node, left, more[0]));
    if (!left || !operator || !right || more.length > 0)
      return this.#fail(node, 'this operator is outside the supported subset');
    const op = this.#source(operator);
    if (op === 'and' || op === 'or') {
      const first = this.evaluate(left);
      return isTrue(first) === (op === 'and') ? this.evaluate(right) : first;
    }
    if (operator.name === 'CompareOp') {
      // The grammar nests `a < b < c` to the left, which Python does not mean.
      if (left.name === 'BinaryExpression' && this.#children(left)[1]?.name === 'CompareOp')
        return this.#fail(node, 'chained comparisons are not supported');
      return this.#placed(node, () => compare(op, this.evaluate(left), this.evaluate(right)));
    }
    if (operator.name !== 'ArithOp' && operator.name !== 'BitOp')
      return this.#fail(node, `operator ${op} is outside the supported subset`);
    return this.binary(node, op, this.evaluate(left), this.evaluate(right));
  }

  #isIn(node: SyntaxNode, item: SyntaxNode, container: SyntaxNode): PyValue {
    return this.#placed(node, () => holds(this.evaluate(container), this.evaluate(item)));
  }

  /** `a[i]`, `Branch.conditional`, `list.append`. */
  #member(node: SyntaxNode): PyValue {
    const [object, mark, member, ...more] = this.#children(node);
    if (!object || !mark || !member) return this.#fail(node, 'this is not Python');
    const value = this.evaluate(object);
    if (mark.name === '[') {
      if (more.length !== 1) return this.#fail(node, 'slices are outside the supported subset');
      return this.#placed(node, () => subscript(value, this.evaluate(member)));
    }
    const name = this.#source(member);
    if (value instanceof PyFunction) return value.members.get(name) ?? this.#fail(node, `${value.name} has no ${name}`);
    if (Array.isArray(value) && name === 'append') return new PyFunction('append', (args) => this.#append(value, args));
    return this.#fail(node, `a ${typeName(value)} has no ${name} in the supported subset`);
  }

  #append(list: PyValue[], args: readonly PyValue[]): null {
    if (args.length !== 1) throw new PyError('append takes one value');
    list.push(args[0] as PyValue);
    return null;
  }

  #call(node: SyntaxNode): PyValue {
    const [callee, list] = this.#children(node);
    if (!callee || list?.name !== 'ArgList') return this.#fail(node, 'this is not Python');
    const callable = this.evaluate(callee);
    if (!(callable instanceof PyFunction)) return this.#fail(callee, `a ${typeName(callable)} cannot be called`);
    const args: PyValue[] = [];
    const named = new Map<string, PyValue>();
    const parts = this.#parts(list);
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as SyntaxNode;
      if (parts[i + 1]?.name === 'AssignOp') {
        named.set(this.#source(part), this.evaluate(parts[i + 2] as SyntaxNode));
        i += 2;
      } else args.push(this.evaluate(part));
    }
    return this.#placed(node, () => callable.call(args, named));
  }
}
