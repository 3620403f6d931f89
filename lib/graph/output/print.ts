/** Records, problems and plans as lines (spec graph.md 5). */

import type { CallRecord } from '../case/play.ts';
import type { Plan } from '../compile/plan.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Problem } from '../types.ts';
import { type Value, valueToJson } from '../value.ts';

function outputsJson(outputs: ReadonlyMap<string, Value>): Record<string, unknown> {
  return Object.fromEntries([...outputs].map(([name, value]) => [name, valueToJson(value)]));
}

export function recordJson({ outputs, errors, ...rest }: HeartbeatRecord): string {
  const failures = errors.size > 0 ? { errors: Object.fromEntries(errors) } : {};
  return JSON.stringify({ ...rest, outputs: outputsJson(outputs), ...failures });
}

export function callJson({ call, outputs }: CallRecord): string {
  return JSON.stringify({ call, outputs: outputsJson(outputs) });
}

/** A record with the graph it belongs to, as `--snapshot FILE.json` holds it. */
export function snapshotJson({ graph, version, record }: Snapshot): string {
  return `{"graph":${JSON.stringify(graph)},"version":${version},${recordJson(record).slice(1)}`;
}

export function problemJson(problem: Problem): string {
  return JSON.stringify(problem);
}

export function problemText({ error, node, message }: Problem): string {
  return `${error}${node === null ? '' : ` in node ${node}`}: ${message}`;
}

/** One line per node: where it runs, and what becomes of a window. */
export function planText({ workers, collectors, nodes, sends }: Plan): string[] {
  const width = Math.max(4, ...nodes.map(({ id }) => id.length));
  const lines = nodes.map(({ id, place, n, fanin }) => {
    const window =
      n === undefined
        ? ''
        : typeof n === 'number'
          ? `  n ${n}`
          : `  n ${n.worker} / ${n.localCollector} / ${n.globalCollector}`;
    const joined = fanin ? `  merges ${fanin.localCollector}, then ${fanin.globalCollector}` : '';
    return `  ${id.padEnd(width)}  ${place}${joined}${window}`;
  });
  return [`${workers} workers, ${collectors} local collectors; states sent: ${sends.join(', ') || 'none'}`, ...lines];
}
