/**
 * Whether the operations of a graph merge (spec graph.md 3.2): sample events are dealt at random over 1 to 5 workers, the parts are merged
 * in any order and grouping, and the outputs must be those of one worker that saw everything in order.
 */

import type { CompiledGraph, CompiledNode } from '../compile/compiled.ts';
import { copyOf } from '../ops/sum.ts';
import { Worker } from '../run/worker.ts';
import type { Kernel, Problem } from '../types.ts';
import { isArray, type Value } from '../value.ts';
import { decodeFrame, encodeFrame } from '../wire/frame.ts';
import { differenceOf } from './near.ts';

export type SampleEvent = readonly (Value | undefined)[];

const TRIALS = 20;
const MOST_WORKERS = 5;

type Split = CompiledNode & { readonly kind: 'operation' };

/** How events are dealt. */
interface Dealing {
  workerOf(): number;
  /** Whether a worker closes its heartbeat now. */
  closes(): boolean;
  /** Inputs are overwritten behind the event: code that keeps a reference finds something else there. */
  readonly spoils: boolean;
}

const IN_ORDER: Dealing = { workerOf: () => 0, closes: () => false, spoils: false };

/**
 * @param random uniform numbers in [0, 1)
 * @returns `not-mergeable` for each node that breaks a law
 */
export function checkLaws(graph: CompiledGraph, events: readonly SampleEvent[], random: () => number): Problem[] {
  const nodes = graph.nodes.filter((node): node is Split => node.kind === 'operation' && node.place === 'split');
  const broken = new Map<string, string>();
  const attempt = ({ spec: { id } }: Split, problemOf: () => string | undefined) => {
    if (broken.has(id)) return;
    try {
      const problem = problemOf();
      if (problem !== undefined) broken.set(id, problem);
    } catch (error) {
      broken.set(id, `merging fails: ${(error as Error).message}`);
    }
  };
  const whole = partsOf(graph, events, IN_ORDER);
  const reference = ({ spec }: Split) => whole.get(spec.id)?.[0];
  for (const node of nodes) attempt(node, () => outputProblem(node, reference(node)));
  for (let trial = 0; trial < TRIALS; trial++) {
    const workers = 1 + Math.floor(random() * MOST_WORKERS);
    const parts = partsOf(graph, events, {
      workerOf: () => Math.floor(random() * workers),
      closes: () => random() < 0.1,
      spoils: true,
    });
    for (const node of nodes)
      attempt(node, () => mergeProblem(node, reference(node), parts.get(node.spec.id) ?? [], events.length, random));
  }
  return [...broken].map(([node, message]) => ({ error: 'not-mergeable', node, message }));
}

function outputProblem({ kernel }: Split, state: unknown): string | undefined {
  if (state === undefined) return undefined;
  const own = travelled(state);
  kernel.output(own);
  return encodeFrame(state).equals(encodeFrame(own)) ? undefined : 'output changes the state';
}

function mergeProblem(
  { kernel }: Split,
  reference: unknown,
  parts: readonly unknown[],
  events: number,
  random: () => number,
): string | undefined {
  const wanted = shown(kernel, reference, events);
  const got = shown(kernel, mergedAtRandom(kernel, parts, random), events);
  for (const [i, port] of kernel.ports.entries()) {
    const where = differenceOf(got[i], wanted[i]);
    if (where) return `dealt in ${parts.length} parts, ${port}${where}`;
  }
  return undefined;
}

/** States by node, one for each worker and heartbeat. */
function partsOf(
  graph: CompiledGraph,
  events: readonly SampleEvent[],
  { workerOf, closes, spoils }: Dealing,
): ReadonlyMap<string, readonly unknown[]> {
  const workers = Array.from({ length: MOST_WORKERS }, (_, id) => ({ worker: new Worker(id, graph), heartbeat: 1 }));
  const parts = new Map<string, unknown[]>();
  const issue = (one: (typeof workers)[number]) => {
    for (const [id, { state, used }] of one.worker.issue(one.heartbeat++).parts)
      if (used > 0) parts.set(id, [...(parts.get(id) ?? []), travelled(state)]);
  };
  for (const [number, values] of events.entries()) {
    const one = workers[workerOf()]!;
    const copies = values.map(copyOf);
    one.worker.event(number, copies);
    if (spoils) for (const value of copies) if (isArray(value)) value.data.fill(0);
    if (closes()) issue(one);
  }
  for (const one of workers) issue(one);
  return parts;
}

/** Any two parts are merged, in any order, until one is left; a neutral state is among them. */
function mergedAtRandom(kernel: Kernel<unknown>, parts: readonly unknown[], random: () => number): unknown {
  const left = [...parts, kernel.zero()];
  const takeOne = () => left.splice(Math.floor(random() * left.length), 1)[0];
  while (left.length > 1) {
    const state = travelled(takeOne());
    kernel.merge(state, travelled(takeOne()));
    left.push(state);
  }
  return left[0];
}

function shown(kernel: Kernel<unknown>, state: unknown, events: number): readonly (Value | undefined)[] {
  const own = state === undefined ? kernel.zero() : travelled(state);
  kernel.settle?.(own, { heartbeat: 1, dealtBefore: events });
  return kernel.output(own);
}

/** As between processes: nothing is shared. */
function travelled(state: unknown): unknown {
  return decodeFrame(encodeFrame(state));
}
