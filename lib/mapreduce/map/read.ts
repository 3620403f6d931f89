/** Reads trigger maps, and refuses what is none (spec mapreduce.md 2, checks). */

import type { Ordered } from '../../json/ordered.ts';
import { type Cell, type Entry, MapRefused, type Part, START_END, type TriggerMap } from './types.ts';

type Section = ReadonlyMap<string, Ordered>;

const DEFAULT_TAGS: readonly string[] = ['generic'];

/**
 * A map from JSON. @throws MapRefused `json` if it has another form, `cell`, `reserved` and `length` as met, then `part`
 */
export function readMap(json: Ordered): TriggerMap {
  const top = section(json) ?? refuse('json', 'a trigger map is an object with parts and sequence');
  const parts = readParts(top.get('parts') ?? new Map());
  const sequence = texts(top.get('sequence') ?? []) ?? refuse('json', 'sequence is a list of names of parts');
  const open = top.get('open') ?? false;
  if (typeof open !== 'boolean') refuse('json', 'open is true or false');
  const streams = texts(top.get('streams') ?? []) ?? refuse('json', 'streams is a list of names');
  checkSequence(sequence, parts);
  return { parts, sequence, open: open === true, streams };
}

/** Parts by name, in the order of the text. @throws MapRefused */
export function readParts(json: Ordered): ReadonlyMap<string, Part> {
  const parts = section(json) ?? refuse('json', 'parts is an object: name -> stream -> list of cells');
  return new Map([...parts].map(([name, streams]) => [name, readPart(name, streams)]));
}

/** @throws MapRefused `part` */
export function checkSequence(sequence: readonly string[], parts: ReadonlyMap<string, Part>): void {
  for (const name of sequence) {
    if (!parts.has(name)) refuse('part', `the sequence names the part "${name}", which does not exist`);
  }
}

function refuse(code: ConstructorParameters<typeof MapRefused>[0], message: string): never {
  throw new MapRefused(code, message);
}

function section(json: Ordered): Section | undefined {
  return json instanceof Map ? json : undefined;
}

function texts(json: Ordered): readonly string[] | undefined {
  return Array.isArray(json) && json.every((item) => typeof item === 'string') ? (json as string[]) : undefined;
}

function readPart(name: string, json: Ordered): Part {
  if (name === START_END) refuse('reserved', `a part must not be called ${START_END}`);
  const streams = section(json) ?? refuse('json', `part ${name} is an object: stream -> list of cells`);
  let length: number | undefined;
  const cells = new Map<string, readonly Cell[]>();
  for (const [stream, list] of streams) {
    if (!Array.isArray(list)) return refuse('json', `part ${name}: stream ${stream} has no list of cells`);
    const read = (list as readonly Ordered[]).map((cell, i) =>
      readCell(cell, `part ${name}, stream ${stream}, event ${i}`),
    );
    length ??= read.length;
    if (read.length !== length)
      refuse('length', `part ${name}: stream ${stream} has ${read.length} cells, the others have ${length}`);
    cells.set(stream, read);
  }
  return { name, streams: cells, length: length ?? 0 };
}

function readCell(json: Ordered, where: string): Cell {
  if (json === null) return null;
  if (!Array.isArray(json)) return refuse('cell', `${where}: a cell is null or a list of entries`);
  return (json as readonly Ordered[]).map((entry) => readEntry(entry, where));
}

function readEntry(json: Ordered, where: string): Entry {
  const entry = section(json) ?? refuse('cell', `${where}: an entry is an object, as {"constraint": 0}`);
  for (const key of entry.keys())
    if (key !== 'tags' && key !== 'constraint') refuse('cell', `${where}: there is no key ${key}`);
  const tags = entry.has('tags') ? texts(entry.get('tags') as Ordered) : DEFAULT_TAGS;
  if (!tags || tags.length === 0) return refuse('cell', `${where}: tags is a list of names`);
  const constraint = entry.get('constraint') ?? null;
  if (constraint !== null && !Number.isSafeInteger(constraint))
    return refuse('cell', `${where}: a constraint is an integer or null`);
  return { tags, constraint: constraint as number | null };
}

/** Two parts with the same content. */
export function samePart(a: Part, b: Part): boolean {
  const form = (part: Part) =>
    JSON.stringify([...part.streams].map(([stream, cells]) => [stream, cells.map(cellForm)]));
  return form(a) === form(b);
}

function cellForm(cell: Cell): unknown {
  return cell?.map(({ tags, constraint }) => [constraint, ...tags]);
}
