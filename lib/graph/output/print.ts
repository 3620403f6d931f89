/** Records, problems and plans as lines (spec graph.md 5). */

import type { CallRecord } from '../case/play.ts';
import type { Plan } from '../compile/plan.ts';
import type { HeartbeatRecord } from '../run/global-side.ts';
import type { Problem } from '../types.ts';
import { describeValue, isArray, isList, type Value, valueToJson } from '../value.ts';

export type Format = 'text' | 'jsonl';

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

/** One line about the heartbeat, one per output. */
export function recordText(record: HeartbeatRecord): string[] {
  const { heartbeat, dealt, included, late, missing, closed, outputs, errors } = record;
  const notes = [
    ...(late > 0 ? [`${late} late`] : []),
    ...(missing.length > 0 ? [`missing workers ${missing.join(' ')} (${closed})`] : []),
    ...[...errors].map(([node, count]) => `${node} failed ${count} times`),
  ];
  const head = `heartbeat ${heartbeat}: ${included} of ${dealt} events${notes.length > 0 ? `; ${notes.join('; ')}` : ''}`;
  return [head, ...[...outputs].map(([name, value]) => `  ${name.padEnd(20)} ${valueText(value)}`)];
}

const SHOWN = 8;

function valueText(value: Value | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (isArray(value)) {
    const head = Array.from(value.data.subarray(0, SHOWN), numberText).join(' ');
    return `${describeValue(value)} ${head}${value.data.length > SHOWN ? ' ...' : ''}`;
  }
  if (isList(value)) return `[${value.slice(0, SHOWN).map(valueText).join(' ')}${value.length > SHOWN ? ' ...' : ''}]`;
  const pairs = [...value].slice(0, SHOWN).map(([key, item]) => `${key}: ${valueText(item)}`);
  return `{${pairs.join(', ')}${value.size > SHOWN ? ', ...' : ''}}`;
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
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
