/** Which worker gets which event in a replay (spec mapreduce.md 10): drawn with a seed, or as a plan says. Pure. */

import { DataError } from '../../errors.ts';
import { type Ordered, orderedJson } from '../../json/ordered.ts';
import { wholeFile } from '../../stream/read-all.ts';
import { Assigner } from '../assign/assigner.ts';
import type { StreamData } from '../frames/types.ts';
import { readMap } from '../map/read.ts';
import { type Cell, START_END, type TriggerMap } from '../map/types.ts';
import type { MergedEvent } from './merge.ts';

export interface Dealt {
  /** From 0. */
  readonly worker: number;
  readonly streams: ReadonlyMap<string, StreamData>;
}

/** Shares of an event; none if nobody is to get it. */
export type Dealer = (event: MergedEvent) => readonly Dealt[];

/** Numbers that follow from a seed (mulberry32). @returns a function of n: 0 .. n-1 */
function drawing(seed: number): (n: number) => number {
  let state = seed | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** The first event to all workers, every other one to one of them. */
export function seededDealer(workers: number, seed: number): Dealer {
  const draw = drawing(seed);
  let first = true;
  return ({ streams }) => {
    const chosen = first ? Array.from({ length: workers }, (_, worker) => worker) : [draw(workers)];
    first = false;
    return chosen.map((worker) => ({ worker, streams }));
  };
}

/** By event: streams of each worker. */
export interface Plan {
  readonly workers: readonly string[];
  readonly events: ReadonlyMap<number, ReadonlyMap<string, readonly string[]>>;
}

/** Streams that the plan does not name go to nobody; so do events that it does not have. */
export function plannedDealer({ workers, events }: Plan): Dealer {
  return ({ event_number, streams }) => {
    const assigned = events.get(event_number);
    if (!assigned) return [];
    return workers.flatMap((name, worker) => {
      const own = new Map([...streams].filter(([stream]) => assigned.get(stream)?.includes(name)));
      return own.size > 0 ? [{ worker, streams: own }] : [];
    });
  };
}

/**
 * Lines of `map-control --simulate`: those with `assign` count.
 * @throws DataError `bad-plan`, InputError
 */
export function readPlan(text: string, file: string): Plan {
  const events = new Map<number, ReadonlyMap<string, readonly string[]>>();
  const workers = new Set<string>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const refuse = (why: string) => new DataError('bad-plan', why, { place: { file, line: i + 1 } });
    let value: { assign?: { event_number: number; assignments: Record<string, string[]> }[] };
    try {
      value = JSON.parse(line) as typeof value;
    } catch (error) {
      throw refuse((error as Error).message);
    }
    for (const { event_number, assignments } of value.assign ?? []) {
      if (!Number.isSafeInteger(event_number) || typeof assignments !== 'object')
        throw refuse('an assignment without event_number and assignments');
      events.set(event_number, new Map(Object.entries(assignments)));
      for (const name of Object.values(assignments).flat()) workers.add(name);
    }
  }
  if (workers.size === 0) throw new DataError('bad-plan', 'no worker gets anything', { place: { file } });
  return { workers: [...workers].sort(), events };
}

/**
 * What the map of a recording gives to so many workers that report in a drawn order.
 * @param file `mapping-UUID.json` of a controller, or a map as it is posted
 * @throws DataError, InputError, MapRefused
 */
export function planOfMap(file: string, workers: number, seed: number): Plan {
  const map = recordedMap(orderedJson(wholeFile(file)));
  const assigner = new Assigner(map.map, { depth: 1, future: 10_000, redo: 'rest', wrap: map.wrap });
  const names = Array.from({ length: workers }, (_, i) => `w${i + 1}`);
  const tags = tagsOf(map.map);
  for (const name of names) assigner.join(name, tags);
  const held = new Map<string, number[] | undefined>(names.map((name) => [name, undefined]));
  const events = new Map<number, ReadonlyMap<string, readonly string[]>>();
  const draw = drawing(seed);
  for (let idle = 0; idle < 1000 * workers && !assigner.finished; ) {
    const name = names[draw(workers)]!;
    const done = held.get(name);
    if (done?.length === 0) {
      idle++;
      continue;
    }
    idle = 0;
    held.set(name, []);
    assigner.report(
      name,
      done ?? [],
      (done ?? []).map(() => false),
    );
    for (const { event_number, assignments } of assigner.takeOutcome().assign) {
      events.set(event_number, assignments);
      for (const one of new Set([...assignments.values()].flat())) held.get(one)?.push(event_number);
    }
  }
  return { workers: names, events };
}

/** Controllers write start and end event as a part; it is one as any other here. */
function recordedMap(json: Ordered): { map: TriggerMap; wrap: boolean } {
  const top = json instanceof Map ? json : new Map<string, Ordered>();
  const parts = top.get('parts');
  if (!(parts instanceof Map) || !parts.has(START_END)) return { map: readMap(json), wrap: true };
  const plain = new Map<string, Ordered>();
  const renamed = (name: string) => (name === START_END ? '.' : name);
  for (const [name, part] of parts) {
    const mapping = part instanceof Map ? part.get('mapping') : undefined;
    plain.set(renamed(name), mapping ?? part);
  }
  const sequence = ((top.get('sequence') ?? []) as readonly string[]).map(renamed);
  const map = readMap(
    new Map<string, Ordered>([
      ['parts', plain],
      ['sequence', sequence],
    ]),
  );
  return { map, wrap: false };
}

function tagsOf({ parts }: TriggerMap): readonly string[] {
  const cells = [...parts.values()].flatMap(({ streams }) => [...streams.values()].flat()) as Cell[];
  return [...new Set(cells.flatMap((cell) => (cell ?? []).flatMap(({ tags }) => tags)))];
}
