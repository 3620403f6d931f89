/** What a snapshot holds: one heartbeat, and every output as it stands. Pure. */

import type { HeartbeatRecord } from '../run/global-side.ts';
import { type Part, partsOf } from './parts.ts';

export interface Snapshot {
  /** Name of the graph. */
  readonly graph: string;
  /** 1 for the first graph of a run, one more with each that takes its place. */
  readonly version: number;
  readonly record: HeartbeatRecord;
}

/** Arrays of all outputs. */
export function outputParts({ record }: Snapshot): Part[] {
  return [...record.outputs].flatMap(([name, value]) => partsOf(name, value));
}

/** What belongs to the whole file. Numbers are integers. */
export function attributesOf({
  graph,
  version,
  record,
}: Snapshot): Readonly<Record<string, number | string | number[]>> {
  const { heartbeat, dealt, included, late, missing, closed } = record;
  return { graph, version, heartbeat, dealt, included, late, missing: [...missing], closed };
}
