/** What random schedules are about: a graph with each kind of state, and messages on their way. */

import { compile } from '../../lib/graph/compile/compile.ts';
import type { CompiledGraph } from '../../lib/graph/compile/compiled.ts';
import { graphFrom } from '../../lib/graph/compile/graph-file.ts';
import type { Gathering, Side } from '../../lib/graph/net/gathering.ts';
import type { Answer } from '../../lib/graph/run/answer.ts';

const GRAPH = {
  graph: 1,
  name: 'simulated',
  sources: ['number', 'x', 'key'].map((name) => ({ name, type: 'int' })),
  nodes: [
    { id: 'all', op: 'RollingBuffer', in: { value: 'number' }, n: 100000, reset: 'never' },
    { id: 'odd', op: 'Filter', in: { value: 'x' }, when: 'value % 2 == 1' },
    { id: 'good', op: 'Map', in: { x: 'x' }, expr: 'x if x < 90 else [1][x]' },
    { id: 'acc', op: 'Accumulator', in: { value: 'x' }, with: 'sum' },
    { id: 'ever', op: 'Accumulator', in: { value: 'x' }, with: 'sum', reset: 'never' },
    { id: 'ok', op: 'Accumulator', in: { value: 'good' }, with: 'max' },
    { id: 'hist', op: 'Binning', in: { value: 'odd' }, bins: 7, range: [0, 100] },
    { id: 'scan', op: 'MeanVsScan', in: { key: 'key', value: 'x' } },
    { id: 'pick', op: 'PickN', in: { value: 'odd' }, n: 5 },
    { id: 'roll', op: 'RollingBuffer', in: { value: 'x' }, n: 7 },
    { id: 'last', op: 'Latest', in: { value: 'x' } },
  ],
};

export function simulatedGraph(workers: number, collectors: number): CompiledGraph {
  const options = { workers, collectors, amiCompat: false, windowLimit: 1 << 30 };
  const compiled = compile(graphFrom(GRAPH, 'simulated'), options);
  if (!('graph' in compiled)) throw new Error(JSON.stringify(compiled.problems));
  return compiled.graph;
}

export interface Message {
  readonly from: number;
  readonly answer: Answer;
  /** Numbers of the events in it. */
  readonly events: readonly number[];
}

export interface Local {
  gathering: Gathering;
  readonly toGlobal: Message[];
  /** Answers that it has not passed on. */
  holds: Map<Answer, readonly number[]>;
}

/** What a restarted global collector finds: its state after the last record, as bytes. */
export interface Saved {
  readonly closed: number;
  readonly run: number;
  readonly bytes: Buffer;
}

export function sideOf(side: { configure(after: number): void }): Omit<Side, 'close'> {
  return { change: () => {}, transition: (_name, after) => side.configure(after) };
}
