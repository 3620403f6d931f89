/** YAML files that people write: mistakes with line and column. */

import { type Document, LineCounter, parseDocument } from 'yaml';
import { InputError } from '../errors.ts';

export interface YamlDocument {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

/** @throws InputError with line and column */
export function yamlDocument(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [mistake] = document.errors;
  if (!mistake) return { document, lines };
  const { line, col } = lines.linePos(mistake.pos[0]);
  throw new InputError(`not YAML: ${mistake.message}`, { place: { file, line, column: col }, cause: mistake });
}
