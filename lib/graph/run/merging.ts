/** Stations of a collector, by version of the graph and run of the data. Pure. */

import type { CompiledGraph, CompiledNode } from '../compile/compiled.ts';
import type { Place } from '../types.ts';
import type { Answer } from './answer.ts';
import { stationOf } from './place.ts';
import type { Station } from './station.ts';
import type { FailureReport } from './worker.ts';

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
  /** Transitions, and the heartbeat behind which each came. */
  readonly #transitions: { name: string; after: number }[] = [];
  readonly #onFailure: (report: FailureReport) => void;
  /** Transitions that have acted, for nodes behind; whoever reads them takes them out. */
  readonly passed: string[] = [];
  /** Failures while merging, of the heartbeat at hand. */
  readonly errors = new Map<string, number>();
  #graph: CompiledGraph;
  #nodes = new Map<string, MergedNode>();
  #run: number;
  #replaced = 0;

  /** @param run runs that have begun before */
  constructor(graph: CompiledGraph, place: Place, run = 0, onFailure: (report: FailureReport) => void = () => {}) {
    this.#place = place;
    this.#onFailure = onFailure;
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
    this.transition('Configure', after);
  }

  /** User code hears of transitions; a Configure begins a run. */
  transition(name: string, after: number): void {
    this.#transitions.push({ name, after });
  }

  /** Before heartbeat `k` is merged: changes and runs that begin with it. */
  begin(k: number): void {
    while (this.#pending[0] && this.#pending[0].from <= k) this.#install(this.#pending.shift()!.graph);
    this.#pass(k - 1);
    this.errors.clear();
    for (const node of this.#nodes.values()) {
      node.used = 0;
      node.failed = 0;
      node.station.begin();
    }
  }

  /** After heartbeat `k`: a run that ends with it need not wait for the next one. */
  end(k: number): void {
    this.#pass(k);
  }

  /** Transitions that came behind heartbeat `k` or an earlier one. */
  #pass(k: number): void {
    while (this.#transitions[0] !== undefined && this.#transitions[0].after <= k) {
      const { name } = this.#transitions.shift()!;
      if (name === 'Configure') this.#run++;
      else this.passed.push(name);
      for (const { node, station } of this.#nodes.values()) {
        if (name !== 'Configure') this.guard(node, k, 1, () => station.transition?.(name));
        else if (node.spec.reset === 'run') station.reset();
      }
    }
  }

  /**
   * Runs what user code may fail at, or data that do not fit together (arrays of two lengths): a failure of the node, and not of the
   * collector.
   * @param events how many are lost to the node then
   */
  guard(node: CompiledNode, heartbeat: number, events: number, run: () => void): boolean {
    try {
      run();
      return true;
    } catch (error) {
      const { id } = node.spec;
      this.errors.set(id, (this.errors.get(id) ?? 0) + events);
      const message = error instanceof Error ? error.message : String(error);
      this.#onFailure({ node: id, event: heartbeat, message: `${message} (on the ${this.#place})`, off: false });
      return false;
    }
  }

  merge({ parts, run, heartbeat }: Answer): void {
    for (const [id, part] of parts) {
      const merged = this.#nodes.get(id);
      const foreign = !merged || merged.node.fingerprint !== part.fingerprint;
      if (foreign || (run !== this.#run && merged.node.spec.reset === 'run')) {
        if (part.used > 0) this.#replaced++;
        continue;
      }
      const fits = this.guard(merged.node, heartbeat, part.used, () => merged.station.merge(part.state));
      const used = fits ? part.used : 0;
      const failed = part.failed + part.used - used;
      merged.used += used;
      merged.failed += failed;
      merged.totals.used += used;
      merged.totals.failed += failed;
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
