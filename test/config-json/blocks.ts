/** Names and ShapesData blocks of one dgram, for tests. */

import { writeDocument } from '../../lib/config-json/document/document-text.ts';
import { type ExportedDocument, type ExportOptions, exportBlock } from '../../lib/config-json/document/export.ts';
import { Dgram } from '../../lib/xtc/dgram.ts';
import type { NamesBlock } from '../../lib/xtc/names.ts';
import { Walker } from '../../lib/xtc/walk.ts';

export function namesOf(dgram: Buffer): NamesBlock[] {
  const found: NamesBlock[] = [];
  new Walker().walk(new Dgram(dgram), { names: (names) => found.push(names) });
  return found;
}

/** Documents of all blocks with values. */
export function documentsOf(dgram: Buffer, options: ExportOptions = {}): ExportedDocument[] {
  const found: ExportedDocument[] = [];
  const walker = new Walker();
  walker.walk(new Dgram(dgram), { data: (block) => found.push(exportBlock(block, options)) });
  return found;
}

export function textOf(document: ExportedDocument, pretty: boolean): string {
  let text = '';
  writeDocument(document, { pretty }, (piece) => {
    text += piece;
  });
  return text;
}
