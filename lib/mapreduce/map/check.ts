/** Whether a map can be worked on by whoever is there (spec mapreduce.md 2, checks: streams, workers, tags). */

import { type Cell, MapRefused, type Part, type TriggerMap } from './types.ts';

export interface Present {
  /** Streams that ingesters serve; undefined: all. */
  readonly streams: ReadonlySet<string> | undefined;
  /** Tags of each live worker. */
  readonly workers: readonly ReadonlySet<string>[];
}

/** @throws MapRefused `streams`, `workers` or `tags` */
export function checkMap(map: TriggerMap, { streams, workers }: Present): void {
  const missing = [...streamsOf(map)].filter((stream) => streams !== undefined && !streams.has(stream));
  if (missing.length > 0) throw new MapRefused('streams', `no ingester serves the streams ${missing.join(', ')}`);
  for (const part of usedParts(map)) {
    const most = mostConstraints(part);
    if (most > workers.length)
      throw new MapRefused(
        'workers',
        `an event of part ${part.name} needs ${most} workers; there are ${workers.length}`,
      );
  }
  for (const part of usedParts(map)) {
    for (const tags of firstTags(part).values()) {
      if (!workers.some((own) => tags.every((tag) => own.has(tag))))
        throw new MapRefused('tags', `part ${part.name}: no worker has the tags ${tags.join(', ')}`);
    }
  }
}

/** Streams of a map, declared ones included. */
export function streamsOf({ parts, streams }: Pick<TriggerMap, 'parts' | 'streams'>): ReadonlySet<string> {
  return new Set([...[...parts.values()].flatMap((part) => [...part.streams.keys()]), ...streams]);
}

function usedParts({ parts, sequence }: TriggerMap): Part[] {
  return [...new Set(sequence)].map((name) => parts.get(name) as Part);
}

function mostConstraints(part: Part): number {
  let most = 0;
  for (let event = 0; event < part.length; event++) {
    const constraints = new Set<number>();
    for (const cell of cellsAt(part, event))
      for (const { constraint } of cell ?? []) if (constraint !== null) constraints.add(constraint);
    most = Math.max(most, constraints.size);
  }
  return most;
}

/** Tags of each constraint: those of its first occurrence. */
function firstTags(part: Part): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, readonly string[]>();
  for (let event = 0; event < part.length; event++) {
    for (const cell of cellsAt(part, event)) {
      for (const { constraint, tags } of cell ?? [])
        if (constraint !== null && !found.has(constraint)) found.set(constraint, tags);
    }
  }
  return found;
}

function cellsAt(part: Part, event: number): Cell[] {
  return [...part.streams.values()].map((cells) => cells[event] ?? null);
}
