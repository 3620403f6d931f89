/** What is kept of a posted map: its text and how it is to be worked on, so that another controller can go on (spec mapreduce.md 5.2). */

import { DataError } from '../../errors.ts';
import { type Ordered, orderedJson } from '../../json/ordered.ts';
import { checkSequence, readMap, readParts, samePart } from '../map/read.ts';
import { type Cell, MapRefused, type Part, type TriggerMap } from '../map/types.ts';
import { type Configs, isOurs } from '../redis/configs.ts';
import { BadRecord, fieldsOf, number, parseFields, text, texts } from '../redis/fields.ts';
import type { Appended, FormationSetup } from './formation.ts';
import { Refused } from './refused.ts';

export interface PlannedIngester {
  readonly name: string;
  readonly streams: readonly string[];
  readonly ours: boolean;
}

export interface Plan {
  /** The map as it was posted. */
  readonly map: string;
  readonly wrap: boolean;
  readonly future: number;
  readonly redo: 'rest' | 'group';
  readonly depth: number | 'auto';
  readonly ingesters: readonly PlannedIngester[];
}

/** @throws MapRefused `json` for what is no JSON, and what `readMap` finds */
export function mapOf(bytes: Buffer): TriggerMap {
  return readMap(documentOf(bytes));
}

function documentOf(bytes: Buffer): Ordered {
  try {
    return orderedJson(bytes);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const { line, column } = error.place;
    throw new MapRefused('json', `line ${line ?? 1}, column ${column ?? 1}: ${error.message}`);
  }
}

/** @param redo undefined: what the payload classes ask for */
export function planOf(
  { map, wrap }: Pick<Plan, 'map' | 'wrap'>,
  { ingesters, workers }: Configs,
  { redo, future, depth }: Pick<Plan, 'future' | 'depth'> & { readonly redo: Plan['redo'] | undefined },
): Plan {
  const asked = workers.some(({ stateful }) => stateful) ? 'group' : 'rest';
  return {
    ...{ map, wrap, future, depth, redo: redo ?? asked },
    ingesters: ingesters.map((config) => ({ name: config.name, streams: config.streams, ours: isOurs(config) })),
  };
}

/** @throws BadRecord if it is no plan of ours */
export function readPlan(json: string): Plan {
  const fields = parseFields(json, 'plan');
  const ingesters = fields.ingesters;
  if (!Array.isArray(ingesters)) throw new BadRecord('ingesters is no list');
  return {
    map: text(fields, 'map'),
    wrap: fields.wrap === true,
    future: number(fields, 'future', 10000),
    redo: fields.redo === 'group' ? 'group' : 'rest',
    depth: fields.depth === 'auto' ? 'auto' : number(fields, 'depth', 1),
    ingesters: ingesters.map((value) => {
      const one = fieldsOf(value, 'ingester');
      return { name: text(one, 'name'), streams: texts(one, 'streams'), ours: one.ours === true };
    }),
  };
}

/** @param map that of the plan, if it has been read already */
export function setupOf(plan: Plan, map = mapOf(Buffer.from(plan.map))): FormationSetup {
  const { wrap, future, redo, depth, ingesters } = plan;
  const unheld = new Set(ingesters.filter(({ ours }) => !ours).flatMap(({ streams }) => streams));
  return { map, options: { wrap, future, redo, unheld }, depth };
}

/** What is appended, and the name that the client gave it. */
export interface Append extends Appended {
  readonly id: string | null;
  readonly text: string;
}

/** @throws Refused 413 `events` */
export function checkEvents({ parts, sequence }: Pick<TriggerMap, 'parts' | 'sequence'>, most: number): void {
  const events = sequence.reduce((sum, name) => sum + (parts.get(name)?.length ?? 0), 0);
  if (events > most) throw tooManyEvents(events, most);
}

const tooManyEvents = (events: number, most: number) =>
  new Refused(413, 'events', `the map has ${events} events; at most ${most} are taken`);

/** @param known parts that are there already. @throws MapRefused */
export function appendOf(bytes: Buffer, known: ReadonlyMap<string, Part>): Append {
  const top = documentOf(bytes);
  if (!(top instanceof Map)) throw new MapRefused('json', 'what is appended is an object with parts and sequence');
  const parts = readParts(top.get('parts') ?? new Map());
  const sequence = top.get('sequence') ?? [];
  if (!Array.isArray(sequence) || !sequence.every((name) => typeof name === 'string'))
    throw new MapRefused('json', 'sequence is a list of names of parts');
  checkSequence(sequence as string[], new Map([...known, ...parts]));
  const id = top.get('id') ?? null;
  if (id !== null && typeof id !== 'string') throw new MapRefused('json', 'id is a text');
  return { parts, sequence: sequence as string[], id, text: bytes.toString() };
}

/** @param streams of the map as it was posted. @throws MapRefused `part-differs`, `streams` */
export function checkAppend({ parts }: Append, known: ReadonlyMap<string, Part>, streams: ReadonlySet<string>): void {
  for (const part of parts.values()) {
    const old = known.get(part.name);
    if (old && !samePart(old, part))
      throw new MapRefused('part-differs', `part ${part.name} exists with another content`);
    for (const stream of part.streams.keys())
      if (!streams.has(stream))
        throw new MapRefused('streams', `stream ${stream} was not declared when the map was posted`);
  }
}

/** Parts and sequence as JSON text that keeps the order of streams and parts. */
export function sequenceText(parts: ReadonlyMap<string, Part>, sequence: readonly string[]): string {
  const cell = (one: Cell) => JSON.stringify(one);
  const object = (members: readonly string[]) => `{${members.join(',')}}`;
  const streams = ({ streams: byName }: Part) =>
    object([...byName].map(([stream, cells]) => `${JSON.stringify(stream)}:[${cells.map(cell).join(',')}]`));
  const all = [...parts].map(([name, part]) => `${JSON.stringify(name)}:{"mapping":${streams(part)}}`);
  return `{"parts":${object(all)},"sequence":${JSON.stringify(sequence)}}`;
}

/** `{stream: cells}` of the old endpoint as a map with one part. @throws MapRefused */
export function mappingAsMap(bytes: Buffer): Buffer {
  documentOf(bytes);
  return Buffer.concat([Buffer.from('{"parts":{"main":'), bytes, Buffer.from('},"sequence":["main"]}')]);
}

/** A map in which each point of a scan is one event for one worker, for all streams (spec 11: sardana_hook). @throws MapRefused */
export function uniformMap(json: string, known: readonly string[], limit: number): Buffer {
  let streams: readonly string[];
  let points: number;
  try {
    const fields = parseFields(json, 'scan');
    streams = texts(fields, 'streams').filter((stream) => known.includes(stream));
    points = number(fieldsOf(fields.scan, 'scan'), 'nb_points', -1);
  } catch (error) {
    if (!(error instanceof BadRecord)) throw error;
    throw new MapRefused('json', error.message);
  }
  if (!Number.isSafeInteger(points) || points < 0) throw new MapRefused('json', 'nb_points is no number of events');
  if (points > limit) throw tooManyEvents(points, limit);
  const cells = Array.from({ length: points }, (_, constraint) => [{ constraint }]);
  const part = streams.map((stream) => `${JSON.stringify(stream)}:${JSON.stringify(cells)}`).join(',');
  return Buffer.from(`{"parts":{"main":{${part}}},"sequence":["main"]}`);
}
