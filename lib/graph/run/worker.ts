/** The per-event part of a graph: what one worker runs (spec graph.md 2). Pure. */

import type { CompiledGraph, CompiledNode } from '../compile/compiled.ts';
import { copyOf } from '../ops/sum.ts';
import type { EventInfo, Outcome, Row } from '../types.ts';
import { isArray, type Value } from '../value.ts';
import type { Answer, Part } from './answer.ts';
import { computed, stationOf } from './place.ts';
import { levelsOf, takesMany } from './stages.ts';
import type { Station } from './station.ts';

/** A node that fails on so many used events in a row is switched off (spec 2.7). */
export const FAILURES_IN_A_ROW = 1000;

/** Events, or bytes of their arrays, that are kept at most for one call of user code in another process. */
const KEPT_EVENTS = 512;
const KEPT_BYTES = 8 << 20;

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

/** What waits for one call of user code per node, and what runs for each event behind it. */
interface Stage {
  readonly many: readonly Step[];
  readonly behind: readonly Step[];
}

/** An event that waits. */
interface Kept {
  readonly number: number;
  readonly slots: (Value | undefined)[];
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
  /** Those of `#steps` that run at once. */
  #now: readonly Step[] = [];
  #stages: readonly Stage[] = [];
  /** Slots that stages read. */
  #read: readonly number[] = [];
  #kept: Kept[] = [];
  #keptBytes = 0;
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
    for (const step of this.#now) this.#run1(step, slots, info);
    if (this.#stages.length > 0) this.#keep(number, slots);
  }

  /** Values are views that end with the event: what waits has copies. */
  #keep(number: number, slots: readonly (Value | undefined)[]): void {
    const kept = new Array<Value | undefined>(slots.length);
    for (const slot of this.#read) {
      const value = copyOf(slots[slot]);
      kept[slot] = value;
      if (isArray(value)) this.#keptBytes += value.data.byteLength;
    }
    this.#kept.push({ number, slots: kept });
    if (this.#kept.length >= KEPT_EVENTS || this.#keptBytes >= KEPT_BYTES) this.flush();
  }

  /** Events that wait for user code in another process are given to it, and run to their end. */
  flush(): void {
    const kept = this.#kept;
    if (kept.length === 0) return;
    this.#kept = [];
    this.#keptBytes = 0;
    const info = this.#info;
    for (const { many, behind } of this.#stages) {
      for (const step of many) this.#runMany(step, kept);
      for (const { number, slots } of behind.length > 0 ? kept : []) {
        info.event = number;
        for (const step of behind) this.#run1(step, slots, info);
      }
    }
  }

  #runMany(step: Step, kept: readonly Kept[]): void {
    const { node, from, to, station } = step;
    if (step.off) return;
    const users: Kept[] = [];
    const rows: Row[] = [];
    for (const event of kept) {
      const inputs = Array.from(from, (slot) => event.slots[slot]);
      if (inputs.includes(undefined)) continue;
      users.push(event);
      rows.push({ inputs: inputs as Value[], info: { ...this.#info, event: event.number } });
    }
    if (rows.length === 0) return;
    const outcomes: readonly Outcome<Value | boolean | undefined>[] | undefined =
      node.kind === 'map' ? node.many?.(rows) : station?.addMany?.(rows);
    outcomes?.forEach((outcome, i) => {
      const { number, slots } = users[i]!;
      if ('failure' in outcome) {
        this.#failed(step, number, outcome.failure, outcome.off);
        return;
      }
      step.inARow = 0;
      if (to >= 0) slots[to] = outcome.result;
      else if (outcome.result === true) step.used++;
    });
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
      } else slots[to] = computed(step.node, inputs, info);
      step.inARow = 0;
    } catch (error) {
      this.#failed(step, info.event, error instanceof Error ? error.message : String(error));
    }
  }

  #failed(step: Step, event: number, message: string, off = false): void {
    step.failed++;
    step.inARow++;
    const switched = !step.off && (off || step.inARow >= FAILURES_IN_A_ROW);
    step.off ||= switched;
    this.#onFailure({ node: step.node.spec.id, event, message, off: switched });
  }

  /** Closes heartbeat `k`: what has gathered since the last one. */
  issue(k: number): Answer {
    this.flush();
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
    this.flush();
    this.#run++;
    for (const step of this.#steps) {
      if (step.node.spec.reset === 'run') step.station?.reset();
      step.inARow = 0;
      step.off = false;
    }
  }

  /** A transition other than Configure, for user code. */
  transition(name: string): void {
    this.flush();
    for (const step of this.#steps) {
      try {
        step.station?.transition?.(name);
      } catch (error) {
        this.#failed(step, this.#info.event, `at ${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** Unchanged nodes keep their state: they run on the same station. */
  #install(graph: CompiledGraph): void {
    this.flush();
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
    this.#arrange(steps);
    this.#slots = new Array(slotOf.size).fill(undefined);
  }

  /** Without user code in another process everything runs at once. */
  #arrange(steps: readonly Step[]): void {
    const levels = levelsOf(steps.map(({ node }) => node));
    const level = ({ node }: Step) => levels.get(node.spec.id) ?? 0;
    const many = steps.filter(({ node }) => takesMany(node));
    const waits = (step: Step) => level(step) > 0 || many.includes(step);
    const count = many.reduce((most, step) => Math.max(most, level(step) + 1), 0);
    this.#now = steps.filter((step) => !waits(step));
    this.#stages = Array.from({ length: count }, (_, n) => ({
      many: many.filter((step) => level(step) === n),
      behind: steps.filter((step) => level(step) === n + 1 && !many.includes(step)),
    }));
    this.#read = [...new Set(steps.filter(waits).flatMap(({ from }) => [...from]))];
  }
}
