import { parser } from '@lezer/python';
import { DaqError } from '../../errors.ts';
import { Expressions } from './expression.ts';
import type { PyValue } from './value.ts';

/** The value of a printed Python object. @throws DaqError of the code, with the line, for anything but literals */
export function evaluateLiteral(text: string, file: string, code: string): PyValue {
  const source = text.trim();
  const node = parser.parse(source).topNode.firstChild;
  const expression = node?.name === 'ExpressionStatement' ? node.firstChild : null;
  const expressions = new Expressions(source, new Map(), (at, message) => {
    const line = source.slice(0, at.from).split('\n').length;
    throw new DaqError(code, `${message[0]?.toUpperCase()}${message.slice(1)}.`, { place: { file, line } });
  });
  if (!expression || node?.nextSibling)
    throw new DaqError(code, 'Expected one printed Python object.', { place: { file } });
  return expressions.evaluate(expression);
}
