/** An exported document as JSON text: pretty for people, or on one line. */

import type { ExportedDocument } from './export.ts';
import type { Place, TypeTree } from './place.ts';

export interface TextOptions {
  /** Indentation by two blanks per level; without it everything is on one line. */
  pretty: boolean;
  /** Levels to start with. Default 0. */
  level?: number;
}

/** Writes a document in pieces, so that large ones need not be one string. No newline at the end. */
export function writeDocument(document: ExportedDocument, options: TextOptions, put: (text: string) => void): void {
  const writer = new Writer(options.pretty, put);
  const { root } = document.placement;
  writer.members(options.level ?? 0, [
    ['detType:RO', () => put(JSON.stringify(document.detType))],
    ['detName:RO', () => put(JSON.stringify(document.detName))],
    ['detId:RO', () => put(JSON.stringify(document.detId))],
    ['doc:RO', () => put('""')],
    ['alg:RO', (level) => writeAlgorithm(document, writer, level)],
    ...root.entries.map(([key, place]): Member => [key, (level) => writer.place(place, document.values, level)]),
    [':types:', (level) => writeTypes(document, writer, level)],
  ]);
}

type Member = readonly [key: string, write: (level: number) => void];

class Writer {
  readonly put: (text: string) => void;
  private readonly pretty: boolean;

  constructor(pretty: boolean, put: (text: string) => void) {
    this.pretty = pretty;
    this.put = put;
  }

  members(level: number, members: readonly Member[]): void {
    if (members.length === 0) {
      this.put('{}');
      return;
    }
    members.forEach(([key, write], index) => {
      this.put(`${index === 0 ? '{' : ','}${this.newline(level + 1)}${JSON.stringify(key)}:${this.pretty ? ' ' : ''}`);
      write(level + 1);
    });
    this.put(`${this.newline(level)}}`);
  }

  place(place: Place, values: readonly string[], level: number): void {
    if (place.kind === 'leaf') {
      this.put(values[place.field]!);
    } else if (place.kind === 'object') {
      this.members(
        level,
        place.entries.map(([key, child]): Member => [key, (below) => this.place(child, values, below)]),
      );
    } else {
      place.items.forEach((item, index) => {
        this.put(`${index === 0 ? '[' : ','}${this.newline(level + 1)}`);
        this.place(item, values, level + 1);
      });
      this.put(`${this.newline(level)}]`);
    }
  }

  types(tree: TypeTree, level: number): void {
    if (typeof tree === 'string') this.put(tree);
    else this.members(level, typeMembers(tree, this));
  }

  private newline(level: number): string {
    return this.pretty ? `\n${'  '.repeat(level)}` : '';
  }
}

function typeMembers(tree: ReadonlyMap<string, TypeTree>, writer: Writer): Member[] {
  return [...tree].map(([key, types]): Member => [key, (level) => writer.types(types, level)]);
}

function writeAlgorithm(document: ExportedDocument, writer: Writer, level: number): void {
  writer.members(level, [
    ['alg:RO', () => writer.put(JSON.stringify(document.alg))],
    ['doc:RO', () => writer.put('""')],
    ['version:RO', () => writer.put(`[${document.version.join(', ')}]`)],
  ]);
}

function writeTypes(document: ExportedDocument, writer: Writer, level: number): void {
  const enums = [...document.enums].map(
    ([enumName, labels]): Member => [
      enumName,
      (below) => {
        const pairs = [...labels].map(([label, value]): Member => [label, () => writer.put(String(value))]);
        writer.members(below, pairs);
      },
    ],
  );
  const members = typeMembers(document.placement.types, writer);
  if (enums.length > 0) members.unshift([':enum:', (below) => writer.members(below, enums)]);
  writer.members(level, members);
}
