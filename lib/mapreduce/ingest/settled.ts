/** Where an ingester stands that begins amid a map: how many places of each stream are over (spec mapreduce.md 3.6). */

import { startEnd } from '../assign/wrap.ts';
import { appendOf, mapOf, readPlan } from '../control/plan.ts';
import type { Part } from '../map/types.ts';

/**
 * @param texts the plan and what was appended, as the controller keeps them
 * @param first lowest event that the ingester is told
 * @returns by stream: events below `first` that have a cell for it
 * @throws BadRecord, MapRefused if the texts cannot be understood
 */
export function settledBefore(texts: readonly string[], first: number): ReadonlyMap<string, number> {
  const [planText, ...appendTexts] = texts;
  const settled = new Map<string, number>();
  if (planText === undefined || first === 0) return settled;
  const { map: text, wrap } = readPlan(planText);
  const map = mapOf(Buffer.from(text));
  const parts = new Map(map.parts);
  const sequence: Part[] = [...(wrap ? [startEnd(map)] : []), ...map.sequence.map((name) => parts.get(name)!)];
  for (const append of appendTexts) {
    const { parts: more, sequence: names } = appendOf(Buffer.from(append), parts);
    for (const [name, part] of more) parts.set(name, part);
    sequence.push(...names.map((name) => parts.get(name)!));
  }
  let left = first;
  for (const part of sequence) {
    const events = Math.min(left, part.length);
    for (const [stream, cells] of part.streams) {
      let count = settled.get(stream) ?? 0;
      for (let event = 0; event < events; event++) if (cells[event] !== null) count++;
      settled.set(stream, count);
    }
    left -= events;
    if (left === 0) break;
  }
  return settled;
}
