import { startEnd } from '../assign/wrap.ts';
import { START_END } from '../map/types.ts';
import { sequenceText } from './plan.ts';
import type { MapRun } from './run.ts';

/** Parts and sequence of a map with start and end event, as JSON text in the order of the map. */
export function wholeSequence({ plan, formation }: MapRun): string {
  const { parts, events } = formation.assigner;
  const names = events.instances.map(({ laid }) => laid.part.name);
  const wrap = events.instances.find(({ laid }) => laid.part.name === START_END)?.laid.part;
  const start = plan.wrap ? (wrap ?? startEnd({ parts, streams: [] })) : undefined;
  return sequenceText(new Map([...parts, ...(start ? [[START_END, start] as const] : [])]), names);
}
