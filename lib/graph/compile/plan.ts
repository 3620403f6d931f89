/** Where each node runs, how windows are split, and what is sent (spec graph.md 5, plans). */

import type { CompiledGraph } from './compiled.ts';

export interface PlanNode {
  readonly id: string;
  readonly place: 'worker' | 'split' | 'globalCollector';
  readonly fanin?: { readonly localCollector: number; readonly globalCollector: number };
  readonly n?: number | { readonly worker: number; readonly localCollector: number; readonly globalCollector: number };
}

export interface Plan {
  readonly workers: number;
  readonly collectors: number;
  readonly sources: readonly string[];
  /** Nodes whose state leaves the workers. */
  readonly sends: readonly string[];
  readonly nodes: readonly PlanNode[];
}

export function planOf({ cluster: { workers, collectors }, nodes, sources }: CompiledGraph): Plan {
  const fanin = { localCollector: workers / collectors, globalCollector: collectors };
  return {
    workers,
    collectors,
    sources: sources.map(({ name }) => name),
    sends: nodes.filter(({ place }) => place === 'split').map(({ spec }) => spec.id),
    nodes: nodes.map((node): PlanNode => {
      const { spec, place } = node;
      const base = { id: spec.id, place };
      if (node.kind !== 'operation') return base;
      const n = node.split?.n ?? node.n;
      return { ...base, ...(place === 'split' ? { fanin } : {}), ...(n === undefined ? {} : { n }) };
    }),
  };
}
