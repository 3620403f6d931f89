/**
 * The text that `--metrics` serves, read strictly (Prometheus text exposition format 0.0.4). No library: the known ones pass over what
 * they do not understand, and a process that answers nonsense must show as such.
 */

import { DataError } from '../../errors.ts';

export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

export interface Sample {
  readonly name: string;
  readonly kind: MetricKind;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\["\\n])*)"\s*(,?)/y;
const VALUE = /^\s+([+-]?(?:Inf|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|NaN)(?:\s+-?\d+)?\s*$/;
const TYPE = /^#\s*TYPE\s+([a-zA-Z_:][a-zA-Z0-9_:]*)\s+(counter|gauge|histogram|summary|untyped)\s*$/;
/** What histograms and summaries append to their names. */
const PART = /_(?:bucket|sum|count)$/;

/** @throws DataError `metrics-text` with the line that is none */
export function parsePrometheus(text: string): Sample[] {
  const kinds = new Map<string, MetricKind>();
  const samples: Sample[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    if (line.startsWith('#')) {
      const [, name, kind] = TYPE.exec(line) ?? [];
      if (name !== undefined) kinds.set(name, kind as MetricKind);
      else if (/^#\s*TYPE\b/.test(line)) throw wrong(line, i);
      return;
    }
    samples.push(sampleOf(line, i, kinds));
  });
  return samples;
}

function sampleOf(line: string, i: number, kinds: ReadonlyMap<string, MetricKind>): Sample {
  NAME.lastIndex = 0;
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw wrong(line, i);
  const labels: Record<string, string> = {};
  let at = name.length + /^ */.exec(line.slice(name.length))![0].length;
  if (line[at] !== '{') at = name.length;
  if (line[at] === '{') {
    at = readLabels(line, at + 1, labels);
    if (at < 0) throw wrong(line, i);
  }
  const value = VALUE.exec(line.slice(at))?.[1];
  if (value === undefined) throw wrong(line, i);
  const kind = kinds.get(name) ?? kinds.get(name.replace(PART, '')) ?? 'untyped';
  return { name, kind, labels, value: numberOf(value) };
}

/** @returns the position behind the closing brace, or -1 */
function readLabels(line: string, start: number, labels: Record<string, string>): number {
  let at = start;
  for (let more = true; more; ) {
    LABEL.lastIndex = at;
    const found = LABEL.exec(line);
    if (!found) break;
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    at = LABEL.lastIndex;
    more = found[3] === ',';
  }
  while (line[at] === ' ') at++;
  return line[at] === '}' ? at + 1 : -1;
}

function numberOf(text: string): number {
  if (text.endsWith('Inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function wrong(line: string, i: number): DataError {
  return new DataError('metrics-text', `line ${i + 1} is no metric: ${JSON.stringify(line.slice(0, 80))}`);
}
