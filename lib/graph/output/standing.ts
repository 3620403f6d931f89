/** Records one after the other: what stands, and several as one. Pure. */

import type { HeartbeatRecord } from '../run/global-side.ts';
import type { Value } from '../value.ts';
import type { Names } from './names.ts';

/** A record carries what was renewed; everything else stands as it was (spec graph.md 2.5). */
export class Standing {
  readonly #names: Names;
  #outputs: ReadonlyMap<string, Value> = new Map();

  constructor(names: Names) {
    this.#names = names;
  }

  /** The chosen outputs of a record. */
  chosen(record: HeartbeatRecord): HeartbeatRecord {
    return { ...record, outputs: new Map([...record.outputs].filter(([name]) => this.#names.has(name))) };
  }

  /** The chosen outputs as they stand with this record. */
  with(record: HeartbeatRecord): HeartbeatRecord {
    this.#outputs = new Map([...this.#outputs, ...this.chosen(record).outputs]);
    return { ...record, outputs: this.#outputs };
  }

  /** Another graph has other outputs. */
  keep(known: ReadonlySet<string>): void {
    this.#outputs = new Map([...this.#outputs].filter(([name]) => known.has(name)));
  }
}

/** Two records as one: counts are added, outputs are those of the later one, and who was missing in either is missing. */
export function joined(earlier: HeartbeatRecord | undefined, later: HeartbeatRecord): HeartbeatRecord {
  if (!earlier) return later;
  const errors = new Map(earlier.errors);
  for (const [node, count] of later.errors) errors.set(node, (errors.get(node) ?? 0) + count);
  return {
    heartbeat: later.heartbeat,
    dealt: earlier.dealt + later.dealt,
    included: earlier.included + later.included,
    late: earlier.late + later.late,
    missing: [...new Set([...earlier.missing, ...later.missing])].sort((a, b) => a - b),
    closed: later.closed === 'complete' ? earlier.closed : later.closed,
    outputs: new Map([...earlier.outputs, ...later.outputs]),
    errors,
  };
}
