/** Names and arrows of a graph: who reads what, in which order, and where it runs (spec graph.md 1.1 and 3). */

import { OPERATIONS } from '../ops/operations.ts';
import type { GraphSpec, NodeSpec, Problem, ProblemCode, SourceSpec } from '../types.ts';

export const PER_EVENT = new Set(['Map', 'Filter']);

/** Where the value of an input comes from. */
export type Origin =
  | { readonly kind: 'source'; readonly source: SourceSpec }
  | { readonly kind: 'node'; readonly id: string; readonly port: string };

export interface Arrow {
  readonly role: string;
  readonly origin: Origin;
}

/** `split`: on all three colours. */
export type NodePlace = 'worker' | 'split' | 'globalCollector';

export interface Wiring {
  /** Nodes in an order in which every node stands behind those it reads. */
  readonly order: readonly NodeSpec[];
  readonly arrows: ReadonlyMap<string, readonly Arrow[]>;
  readonly places: ReadonlyMap<string, NodePlace>;
}

export class Problems {
  readonly list: Problem[] = [];

  add(error: ProblemCode, node: string | null, message: string): void {
    this.list.push({ error, node, message });
  }

  get any(): boolean {
    return this.list.length > 0;
  }
}

/** `id.port`; a bare name is port `out`. */
export function splitName(name: string): { id: string; port: string } {
  const dot = name.indexOf('.');
  return dot < 0 ? { id: name, port: 'out' } : { id: name.slice(0, dot), port: name.slice(dot + 1) };
}

export function isGlobal(node: NodeSpec): boolean {
  return !PER_EVENT.has(node.op);
}

/** Finds the arrows, the order and the places; what is wrong goes to `problems`, and then there is no wiring. */
export function wire(graph: GraphSpec, problems: Problems): Wiring | undefined {
  checkNames(graph, problems);
  const arrows = new Map(graph.nodes.map((node) => [node.id, arrowsOf(node, graph, problems)]));
  if (problems.any) return undefined;
  const order = inOrder(graph.nodes, arrows, problems);
  if (!order) return undefined;
  const places = placesOf(order, arrows, problems);
  return problems.any ? undefined : { order, arrows, places };
}

function checkNames(graph: GraphSpec, problems: Problems): void {
  const seen = new Set<string>();
  for (const name of [...graph.sources.map((source) => source.name), ...graph.nodes.map((node) => node.id)]) {
    if (seen.has(name)) problems.add('duplicate-id', name, `the name ${name} is used twice`);
    seen.add(name);
  }
  for (const { id, op } of graph.nodes) {
    if (!PER_EVENT.has(op) && !OPERATIONS.has(op))
      problems.add(
        'unknown-op',
        id,
        `there is no operation ${op}; there are Map, Filter, ${[...OPERATIONS.keys()].join(', ')}`,
      );
  }
}

function arrowsOf(node: NodeSpec, graph: GraphSpec, problems: Problems): readonly Arrow[] {
  const arrows: Arrow[] = [];
  for (const [role, from] of Object.entries(node.in)) {
    const source = graph.sources.find(({ name }) => name === from);
    const { id, port } = splitName(from);
    if (source) arrows.push({ role, origin: { kind: 'source', source } });
    else if (graph.nodes.some((other) => other.id === id)) arrows.push({ role, origin: { kind: 'node', id, port } });
    else problems.add('unknown-input', node.id, `input ${role} reads ${from}, which is neither a source nor a node`);
  }
  return arrows;
}

/** As written, as far as every node stands behind those it reads. */
function inOrder(
  nodes: readonly NodeSpec[],
  arrows: ReadonlyMap<string, readonly Arrow[]>,
  problems: Problems,
): readonly NodeSpec[] | undefined {
  const order: NodeSpec[] = [];
  const placed = new Set<string>();
  let left = [...nodes];
  while (left.length > 0) {
    const ready = left.find(({ id }) =>
      (arrows.get(id) ?? []).every(({ origin }) => origin.kind === 'source' || placed.has(origin.id)),
    );
    if (!ready) {
      const names = left.map(({ id }) => id);
      problems.add('cycle', names[0] ?? null, `these nodes read each other in a circle: ${names.join(', ')}`);
      return undefined;
    }
    placed.add(ready.id);
    order.push(ready);
    left = left.filter((node) => node !== ready);
  }
  return order;
}

function placesOf(
  order: readonly NodeSpec[],
  arrows: ReadonlyMap<string, readonly Arrow[]>,
  problems: Problems,
): ReadonlyMap<string, NodePlace> {
  const places = new Map<string, NodePlace>();
  const perEvent = ({ origin }: Arrow) => origin.kind === 'source' || places.get(origin.id) === 'worker';
  for (const node of order) {
    const inputs = arrows.get(node.id) ?? [];
    const values = inputs.filter(perEvent);
    if (values.length === inputs.length) places.set(node.id, isGlobal(node) ? 'split' : 'worker');
    else places.set(node.id, 'globalCollector');
    if (values.length > 0 && values.length < inputs.length) {
      const names = values.map(({ role }) => `${role} (${node.in[role]})`).join(', ');
      problems.add(
        'needs-event-value',
        node.id,
        `runs on the global side, where there are no events, but reads ${names} of every event; put a node {op: Latest} in between`,
      );
    }
  }
  return places;
}
