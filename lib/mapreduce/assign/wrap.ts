import { type Entry, type Part, START_END, type TriggerMap } from '../map/types.ts';

/** The start or end event: to all workers that have any tag used in the map, by every stream (spec mapreduce.md 1). */
export function startEnd({ parts, streams }: Pick<TriggerMap, 'parts' | 'streams'>): Part {
  const tags = new Set<string>();
  const all = new Set<string>();
  for (const part of parts.values()) {
    for (const [stream, cells] of part.streams) {
      all.add(stream);
      for (const cell of cells) for (const entry of cell ?? []) for (const tag of entry.tags) tags.add(tag);
    }
  }
  for (const stream of streams) all.add(stream);
  const cell: Entry[] = [...tags].map((tag) => ({ tags: [tag], constraint: null }));
  return { name: START_END, streams: new Map([...all].map((stream) => [stream, [cell]])), length: 1 };
}
