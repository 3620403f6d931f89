/** Stations of a collector, by version of the graph and run of the data. Pure. */

import type { CompiledGraph, CompiledNode } from '../compile/compile.ts';
import type { Place } from '../types.ts';
import type { Answer } from './answer.ts';
import { stationOf } from './place.ts';
import type { Station } from './station.ts';

export interface MergedNode {
  readonly node: CompiledNode & { kind: 'operation' };
  readonly station: Station;
  /** Of the heartbeat at hand. */
  used: number;
  failed: number;
  /** Since it began. */
  readonly totals: { used: number; failed: number };
}

/** What a node holds, as it is saved. */
export interface SavedNode {
  readonly id: string;
  readonly fingerprint: string;
  readonly state: unknown;
  readonly totals: { readonly used: number; readonly failed: number };
}

export class Merging {
  readonly #place: Place;
  readonly #pending: { graph: CompiledGraph; from: number }[] = [];
  readonly #configures: number[] = [];
  #graph: CompiledGraph;
  #nodes = new Map<string, MergedNode>();
  #run: number;
  #replaced = 0;

  /** @param run runs that have begun before */
  constructor(graph: CompiledGraph, place: Place, run = 0) {
    this.#place = place;
    this.#graph = graph;
    this.#run = run;
    this.#install(graph);
  }

  /** States as they are now: encode them before anything else is merged. */
  save(): readonly SavedNode[] {
    return [...this.#nodes.values()].map(({ node, station, totals }) => {
      return { id: node.spec.id, fingerprint: node.fingerprint, state: station.save(), totals };
    });
  }

  /** Takes up what `save` gave; nodes that have changed since start from zero. */
  restore(saved: readonly SavedNode[]): void {
    for (const { id, fingerprint, state, totals } of saved) {
      const merged = this.#nodes.get(id);
      if (merged?.node.fingerprint !== fingerprint) continue;
      merged.station.restore(state);
      Object.assign(merged.totals, totals);
    }
  }

  get graph(): CompiledGraph {
    return this.#graph;
  }

  /** Configures that have taken effect. */
  get run(): number {
    return this.#run;
  }

  get nodes(): Iterable<MergedNode> {
    return this.#nodes.values();
  }

  /** States that came too late: of a node that has been replaced, or of an earlier run. */
  get outdated(): number {
    return this.#replaced;
  }

  node(id: string): MergedNode | undefined {
    return this.#nodes.get(id);
  }

  change(graph: CompiledGraph, from: number): void {
    this.#pending.push({ graph, from });
  }

  /** A run begins behind heartbeat `after`. */
  configure(after: number): void {
    this.#configures.push(after);
  }

  /** Before heartbeat `k` is merged: changes and runs that begin with it. */
  begin(k: number): void {
    while (this.#pending[0] && this.#pending[0].from <= k) this.#install(this.#pending.shift()!.graph);
    while (this.#configures[0] !== undefined && this.#configures[0] < k) this.#reset();
    for (const node of this.#nodes.values()) {
      node.used = 0;
      node.failed = 0;
      node.station.begin();
    }
  }

  /** After heartbeat `k`: a run that ends with it need not wait for the next one. */
  end(k: number): void {
    while (this.#configures[0] !== undefined && this.#configures[0] <= k) this.#reset();
  }

  #reset(): void {
    this.#configures.shift();
    this.#run++;
    for (const { node, station } of this.#nodes.values()) if (node.spec.reset === 'run') station.reset();
  }

  merge({ parts, run }: Answer): void {
    for (const [id, part] of parts) {
      const merged = this.#nodes.get(id);
      const foreign = !merged || merged.node.fingerprint !== part.fingerprint;
      if (foreign || (run !== this.#run && merged.node.spec.reset === 'run')) {
        if (part.used > 0) this.#replaced++;
        continue;
      }
      merged.station.merge(part.state);
      merged.used += part.used;
      merged.failed += part.failed;
      merged.totals.used += part.used;
      merged.totals.failed += part.failed;
    }
  }

  #install(graph: CompiledGraph): void {
    const nodes = new Map<string, MergedNode>();
    for (const node of graph.nodes) {
      if (node.kind !== 'operation' || node.place !== 'split') continue;
      const old = this.#nodes.get(node.spec.id);
      const same = old?.node.fingerprint === node.fingerprint ? old : undefined;
      const { station, totals } = same ?? {
        station: stationOf(node, this.#place),
        totals: { used: 0, failed: 0 },
      };
      nodes.set(node.spec.id, { node, station, used: 0, failed: 0, totals });
    }
    this.#graph = graph;
    this.#nodes = nodes;
  }
}
