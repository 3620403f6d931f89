/** The per-event part of a graph: what one worker runs (spec graph.md 2). Pure. */

import type { CompiledGraph, CompiledNode } from '../compile/compile.ts';
import type { EventInfo } from '../types.ts';
import type { Value } from '../value.ts';
import type { Answer, Part } from './answer.ts';
import { computed, stationOf } from './place.ts';
import type { Station } from './station.ts';

/** A node that fails on so many used events in a row is switched off (spec 2.7). */
export const FAILURES_IN_A_ROW = 1000;

interface Step {
  readonly node: CompiledNode;
  /** Slots of the inputs; inputs are gathered in `inputs`, which is used again for every event. */
  readonly from: Int32Array;
  readonly inputs: Value[];
  /** Slot of the result; -1 for operations. */
  readonly to: number;
  readonly station: Station | undefined;
  used: number;
  failed: number;
  inARow: number;
  off: boolean;
}

export interface FailureReport {
  readonly node: string;
  readonly event: number;
  readonly message: string;
  /** True when the node was switched off by this failure. */
  readonly off: boolean;
}

export class Worker {
  readonly id: number;
  readonly #onFailure: (report: FailureReport) => void;
  #graph: CompiledGraph;
  #steps: readonly Step[] = [];
  #slots: (Value | undefined)[] = [];
  #events = 0;
  #heartbeat = 1;
  #run = 0;
  readonly #pending: { graph: CompiledGraph; from: number }[] = [];
  readonly #info: EventInfo;

  /**
   * @param onFailure is told of every failure of a node
   * @param start heartbeat that gathers when the worker joins, and runs that have begun before
   */
  constructor(
    id: number,
    graph: CompiledGraph,
    onFailure: (report: FailureReport) => void = () => {},
    start: { readonly heartbeat: number; readonly run: number } = { heartbeat: 1, run: 0 },
  ) {
    this.id = id;
    this.#graph = graph;
    this.#onFailure = onFailure;
    this.#heartbeat = start.heartbeat;
    this.#run = start.run;
    this.#info = { event: 0, heartbeat: start.heartbeat, worker: id };
    this.#install(graph);
  }

  get graph(): CompiledGraph {
    return this.#graph;
  }

  /** Events since the last answer. */
  get gathered(): number {
    return this.#events;
  }

  /**
   * Runs the graph on one event.
   * @param values of the graph's sources, in their order; undefined where the detector is missing
   */
  event(number: number, values: readonly (Value | undefined)[]): void {
    const slots = this.#slots;
    for (let i = 0; i < values.length; i++) slots[i] = values[i];
    this.#events++;
    const info = this.#info;
    info.event = number;
    info.heartbeat = this.#heartbeat;
    for (const step of this.#steps) this.#run1(step, slots, info);
  }

  #run1(step: Step, slots: (Value | undefined)[], info: EventInfo): void {
    const { from, inputs, to } = step;
    if (to >= 0) slots[to] = undefined;
    if (step.off) return;
    for (let i = 0; i < from.length; i++) {
      const value = slots[from[i]!];
      if (value === undefined) return;
      inputs[i] = value;
    }
    try {
      if (step.station !== undefined) {
        if (step.station.add(inputs, info)) step.used++;
      } else slots[to] = computed(step.node, inputs);
      step.inARow = 0;
    } catch (error) {
      step.failed++;
      step.off = ++step.inARow >= FAILURES_IN_A_ROW;
      const message = error instanceof Error ? error.message : String(error);
      this.#onFailure({ node: step.node.spec.id, event: info.event, message, off: step.off });
    }
  }

  /** Closes heartbeat `k`: what has gathered since the last one. */
  issue(k: number): Answer {
    const parts = new Map<string, Part>();
    const errors = new Map<string, number>();
    for (const step of this.#steps) {
      const { node, station, used, failed } = step;
      if (failed > 0) errors.set(node.spec.id, failed);
      if (station) parts.set(node.spec.id, { used, failed, state: station.take(), fingerprint: node.fingerprint });
      step.used = 0;
      step.failed = 0;
    }
    const included = new Map([[this.id, this.#events]]);
    this.#events = 0;
    this.#heartbeat = k + 1;
    const answer: Answer = {
      heartbeat: k,
      run: this.#run,
      included,
      late: 0,
      missing: [],
      closed: 'complete',
      parts,
      errors,
    };
    this.#switch(k + 1);
    return answer;
  }

  /** Another graph is in force from heartbeat `from` on. */
  change(graph: CompiledGraph, from: number): void {
    this.#pending.push({ graph, from });
    this.#switch(this.#heartbeat);
  }

  #switch(heartbeat: number): void {
    while (this.#pending[0] && this.#pending[0].from <= heartbeat) this.#install(this.#pending.shift()!.graph);
  }

  /** Configure: a new run begins; operations start from zero unless they are told not to. */
  configure(): void {
    this.#run++;
    for (const step of this.#steps) {
      if (step.node.spec.reset === 'run') step.station?.reset();
      step.inARow = 0;
      step.off = false;
    }
  }

  /** Unchanged nodes keep their state: they run on the same station. */
  #install(graph: CompiledGraph): void {
    const old = new Map(this.#steps.map((step) => [step.node.fingerprint + step.node.spec.id, step]));
    const slotOf = new Map(graph.sources.map(({ name }, slot) => [name, slot]));
    const steps: Step[] = [];
    for (const node of graph.nodes) {
      if (node.place === 'globalCollector') continue;
      const from = Int32Array.from(
        node.arrows,
        ({ origin }) => slotOf.get(origin.kind === 'source' ? origin.source.name : origin.id) as number,
      );
      const to = node.place === 'worker' ? slotOf.size : -1;
      if (to >= 0) slotOf.set(node.spec.id, to);
      const same = old.get(node.fingerprint + node.spec.id);
      const station = node.kind === 'operation' ? (same?.station ?? stationOf(node, 'worker')) : undefined;
      steps.push({
        node,
        from,
        inputs: new Array(from.length),
        to,
        station,
        used: 0,
        failed: 0,
        inARow: 0,
        off: false,
      });
    }
    this.#graph = graph;
    this.#steps = steps;
    this.#slots = new Array(slotOf.size).fill(undefined);
  }
}
