/** YAML texts of run descriptions: reading with the places of problems, and printing. Loaded when there is a text. */

import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, stringify } from 'yaml';
import { DataError, type Place } from '../errors.ts';
import type { RunDescription } from './description.ts';
import { checkedRun, plainRun } from './document.ts';
import type { Overrides } from './overrides.ts';
import type { Problem } from './section.ts';

/**
 * Reads a YAML description.
 * @param file name for messages
 * @param overrides what replaces values of the description, as the command line gives it
 * @throws DataError `bad-description` with every problem: line, column, key path, what is allowed
 */
export function parseRun(text: string, file: string, overrides: Overrides = {}): RunDescription {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new DataError('bad-description', `not YAML: ${fault.message}`, { place: { file, line, column: col } });
  }
  const value: unknown = document.toJS() ?? {};
  const locate = (problem: Problem): Place => {
    const offset = offsetOf(document, problem);
    const key = problem.path.join('.');
    if (offset === undefined) return { file, key };
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, ...(key === '' ? {} : { key }) };
  };
  return checkedRun(value, overrides, locate);
}

/** YAML of the whole description. */
export function printRun(run: RunDescription): string {
  return stringify(plainRun(run), { lineWidth: 0, flowCollectionPadding: false });
}

/** Position in the text of the value or key that a problem is about; of its nearest parent if it is not there. */
function offsetOf(document: Document, { path, onKey }: Problem): number | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const [depth, step] of path.entries()) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      next = pair.value;
    } else if (isSeq(node)) next = node.items[Number(step)];
    node = next;
    if (!isNode(node)) break;
    if (!(onKey && depth === path.length - 1)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}
