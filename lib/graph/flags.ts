/** Options that the graph commands share. */

import * as Flags from '@oclif/core/flags';
import type { Meter } from '../cli/metrics.ts';
import { parseBytes } from '../cli/size.ts';
import { UsageError } from '../errors.ts';
import { wholeText } from '../stream/read-all.ts';
import { type GraphCase, readCase } from './case/case-file.ts';
import { CodeLoader } from './code/load.ts';
import { readGraph } from './compile/graph-file.ts';
import type { Period } from './run/dealer.ts';
import type { GraphSpec } from './types.ts';

export const clusterFlags = {
  workers: Flags.integer({ char: 'W', summary: 'workers', helpValue: 'N', default: 1, min: 1, helpGroup: 'CLUSTER' }),
  collectors: Flags.integer({
    char: 'L',
    summary: 'local collectors; the workers divide over them',
    helpValue: 'N',
    default: 1,
    min: 1,
    helpGroup: 'CLUSTER',
  }),
};

export const graphFlags = {
  events: Flags.string({
    summary: 'a case file: its graph, its cluster, its script',
    helpValue: 'CASE.json',
    helpGroup: 'GRAPH',
  }),
  'ami-compat': Flags.boolean({
    summary: 'windows, latest values, scans and EMA as AMI computes them',
    helpGroup: 'GRAPH',
  }),
  'window-limit': Flags.string({
    summary: 'most bytes that the values of one window may take',
    helpValue: 'BYTES',
    default: '1G',
    helpGroup: 'GRAPH',
  }),
  format: Flags.string({
    char: 'f',
    summary: 'text for people, jsonl for programs',
    options: ['text', 'jsonl'],
    default: 'text',
    helpGroup: 'OUTPUT',
  }),
};

export const codeFlags = {
  python: Flags.string({
    summary: 'interpreter for .py files; default: the first with numpy',
    helpValue: 'PROGRAM',
    helpGroup: 'CODE',
  }),
  'code-limit': Flags.string({
    summary: 'a .py file that takes longer for one call is stopped, and the event fails',
    helpValue: 'TIME',
    default: '5s',
    helpGroup: 'CODE',
  }),
};

/** A loader of user code as the flags say. Close it. @throws UsageError */
export function codeLoader(
  flags: { python?: string | undefined; 'code-limit': string },
  say: (message: string) => void,
): CodeLoader {
  const match = /^(\d+(?:\.\d+)?)(s|ms)$/.exec(flags['code-limit']);
  const limit = Number(match?.[1]) * (match?.[2] === 's' ? 1000 : 1);
  if (!(limit > 0)) throw new UsageError(`--code-limit: "${flags['code-limit']}" is no time; write 5s or 500ms`);
  return new CodeLoader({ python: flags.python, limit, say });
}

export function codeMeters(loader: CodeLoader): readonly Meter[] {
  const help = 'Times that the Python process of user code hung or died and was started again';
  return [{ name: 'script_restarts_total', help, kind: 'counter', value: () => loader.restarts }];
}

/** What a command works on. */
export type Subject =
  | { readonly kind: 'case'; readonly what: GraphCase }
  | { readonly kind: 'graph'; readonly graph: GraphSpec; readonly workers: number; readonly collectors: number };

/**
 * Reads the graph or the case.
 * @throws UsageError if both or neither are given, InputError if it cannot be read
 */
export function subjectOf(
  file: string | undefined,
  flags: { events?: string | undefined; workers: number; collectors: number },
): Subject {
  const { events, workers, collectors } = flags;
  if (events !== undefined) {
    if (file !== undefined) throw new UsageError('give a graph or --events CASE, not both');
    return { kind: 'case', what: readCase(textOf(events), events) };
  }
  if (file === undefined) throw new UsageError('which graph? Give a graph file, or --events CASE.json');
  return { kind: 'graph', graph: readGraph(textOf(file), file), workers, collectors };
}

function textOf(file: string): string {
  return wholeText(file === '-' ? 0 : file);
}

/** Options of the compiler. */
export function compileOptions(flags: { 'ami-compat': boolean; 'window-limit': string }) {
  return {
    amiCompat: flags['ami-compat'],
    windowLimit: parseBytes(flags['window-limit'], '--window-limit', { least: 1, most: 2 ** 40 }),
  };
}

/** `1s`, `500ms`, `1000ev`. @throws UsageError */
export function parsePeriod(text: string): Period {
  const match = /^(\d+(?:\.\d+)?)(s|ms|ev)$/.exec(text);
  const amount = Number(match?.[1]);
  if (!match || !(amount > 0)) throw new UsageError(`--heartbeat: "${text}" is no period; write 1s, 500ms or 1000ev`);
  if (match[2] !== 'ev') return { kind: 'seconds', seconds: match[2] === 's' ? amount : amount / 1000 };
  if (!Number.isInteger(amount)) throw new UsageError('--heartbeat: a number of events is whole');
  return { kind: 'events', events: amount };
}
