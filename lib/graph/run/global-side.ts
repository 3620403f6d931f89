/** What the global collector does with a closed heartbeat: merge, run the nodes behind, and put out a record. Pure. */

import type { CompiledGraph, CompiledNode } from '../compile/compiled.ts';
import type { Value } from '../value.ts';
import { addCounts, type Closed, total } from './answer.ts';
import type { Closing } from './collector.ts';
import { Merging, type SavedNode } from './merging.ts';
import { computed } from './place.ts';
import { Side } from './side.ts';
import { KernelStation, type Station } from './station.ts';
import { FAILURES_IN_A_ROW, type FailureReport } from './worker.ts';

/** One heartbeat's result (spec graph.md 5, output lines). */
export interface HeartbeatRecord {
  readonly heartbeat: number;
  readonly dealt: number;
  readonly included: number;
  readonly late: number;
  readonly missing: readonly number[];
  readonly closed: Closed;
  /** What was renewed in this heartbeat. */
  readonly outputs: ReadonlyMap<string, Value>;
  readonly errors: ReadonlyMap<string, number>;
}

/** What was dealt for a heartbeat. */
export interface Dealt {
  readonly events: number;
  /** All events before this number have been dealt. */
  readonly before: number;
}

interface Behind {
  readonly node: CompiledNode;
  readonly station: Station | undefined;
  /** `hold`: last values of the inputs. */
  readonly held: (Value | undefined)[];
  inARow: number;
  off: boolean;
}

/** The whole state of a global collector, as plain values (`--state`). */
export interface SavedSide {
  readonly run: number;
  readonly dealtBefore: number;
  readonly nodes: readonly SavedNode[];
  readonly behind: readonly {
    readonly id: string;
    readonly fingerprint: string;
    readonly state: unknown;
    readonly held: readonly (Value | undefined)[];
    readonly inARow: number;
    readonly off: boolean;
  }[];
}

const NOTHING_DEALT: Dealt = { events: 0, before: 0 };

export class GlobalSide extends Side {
  protected readonly merging: Merging;
  readonly #onFailure: (report: FailureReport) => void;
  #behind: readonly Behind[] = [];
  #graph: CompiledGraph;
  #run: number;
  #dealtBefore = 0;

  /** @param run runs that have begun before */
  constructor(graph: CompiledGraph, onFailure: (report: FailureReport) => void = () => {}, run = 0) {
    super();
    this.merging = new Merging(graph, 'globalCollector', run, onFailure);
    this.#onFailure = onFailure;
    this.#graph = graph;
    this.#run = run;
    this.#install(graph);
  }

  /** Between two heartbeats. Encode it before the next one is closed. */
  save(): SavedSide {
    const behind = this.#behind.map(({ node, station, held, inARow, off }) => {
      return { id: node.spec.id, fingerprint: node.fingerprint, state: station?.save(), held, inARow, off };
    });
    return { run: this.merging.run, dealtBefore: this.#dealtBefore, nodes: this.merging.save(), behind };
  }

  /** Takes up what `save` gave; made with the same `run`. Nodes that have changed since start from zero. */
  restore({ dealtBefore, nodes, behind }: SavedSide): void {
    this.#dealtBefore = dealtBefore;
    this.merging.restore(nodes);
    for (const { id, fingerprint, state, held, inARow, off } of behind) {
      const step = this.#behind.find(({ node }) => node.spec.id === id && node.fingerprint === fingerprint);
      if (!step) continue;
      step.station?.restore(state);
      Object.assign(step, { inARow, off });
      step.held.splice(0, step.held.length, ...held);
    }
  }

  /** Events used by each split node, and failures of it, since it began. */
  get totals(): ReadonlyMap<string, { readonly used: number; readonly failed: number }> {
    return new Map([...this.merging.nodes].map(({ node, totals }) => [node.spec.id, totals]));
  }

  /** The graph of the last record. */
  get graph(): CompiledGraph {
    return this.#graph;
  }

  /** Runs that have begun. */
  get run(): number {
    return this.merging.run;
  }

  close(closing: Closing, dealt: Dealt = NOTHING_DEALT): HeartbeatRecord {
    const { heartbeat, answers, included, late, missing, closed } = closing;
    this.#dealtBefore = Math.max(this.#dealtBefore, dealt.before);
    this.merging.begin(heartbeat);
    this.#follow(heartbeat);
    for (const answer of answers) this.merging.merge(answer);
    const errors = new Map<string, number>();
    addCounts(errors, closing.errors);
    const values = this.#splitValues(heartbeat);
    addCounts(errors, this.merging.errors);
    this.#runBehind(heartbeat, values, errors);
    const { outputs: names } = this.#graph;
    const outputs = new Map(
      names.flatMap((name) => (values.has(name) ? [[name, values.get(name) as Value] as const] : [])),
    );
    this.merging.end(heartbeat);
    return { heartbeat, dealt: dealt.events, included: total(included), late, missing, closed, outputs, errors };
  }

  /** A changed graph, or a run that has begun. */
  #follow(heartbeat: number): void {
    if (this.merging.graph !== this.#graph) this.#install(this.merging.graph);
    for (const name of this.merging.passed.splice(0))
      for (const { node, station } of this.#behind)
        this.merging.guard(node, heartbeat, 1, () => station?.transition?.(name));
    if (this.merging.run === this.#run) return;
    this.#run = this.merging.run;
    for (const step of this.#behind) {
      step.inARow = 0;
      step.off = false;
      if (step.node.spec.reset !== 'run') continue;
      step.station?.reset();
      step.held.fill(undefined);
    }
  }

  #splitValues(heartbeat: number): Map<string, Value> {
    const values = new Map<string, Value>();
    for (const { node, station, used } of this.merging.nodes) {
      this.merging.guard(node, heartbeat, 1, () => {
        // Groups can be completed by events that were used before: a window by dealt events closes with the dealing.
        station.settle({ heartbeat, dealtBefore: this.#dealtBefore });
        if (used > 0 || node.spec.of === 'dealt') put(values, node, station.output());
      });
    }
    return values;
  }

  #runBehind(heartbeat: number, values: Map<string, Value>, errors: Map<string, number>): void {
    for (const step of this.#behind) {
      const inputs = step.off ? undefined : inputsOf(step, values);
      if (!inputs) continue;
      const { node } = step;
      const info = { event: heartbeat, heartbeat, worker: -1 };
      try {
        if (step.station) {
          if (step.station.add(inputs, info)) {
            step.station.settle({ heartbeat, dealtBefore: heartbeat + 1 });
            put(values, node, step.station.output());
          }
        } else put(values, node, [computed(node, inputs, info)]);
        step.inARow = 0;
      } catch (error) {
        step.off = ++step.inARow >= FAILURES_IN_A_ROW;
        errors.set(node.spec.id, (errors.get(node.spec.id) ?? 0) + 1);
        const message = error instanceof Error ? error.message : String(error);
        this.#onFailure({ node: node.spec.id, event: heartbeat, message, off: step.off });
      }
    }
  }

  #install(graph: CompiledGraph): void {
    const old = new Map(this.#behind.map((step) => [step.node.spec.id + step.node.fingerprint, step]));
    this.#behind = graph.nodes
      .filter(({ place }) => place === 'globalCollector')
      .map((node) => {
        const same = old.get(node.spec.id + node.fingerprint);
        if (same) return same;
        const station = node.kind === 'operation' ? new KernelStation(node.kernel) : undefined;
        return { node, station, held: new Array(node.arrows.length).fill(undefined), inARow: 0, off: false };
      });
    this.#graph = graph;
  }
}

function put(values: Map<string, Value>, { spec, ports }: CompiledNode, output: readonly (Value | undefined)[]): void {
  ports.forEach((port, i) => {
    const value = output[i];
    if (value !== undefined) values.set(`${spec.id}.${port}`, value);
  });
}

/** All inputs renewed, or held ones and at least one renewed; undefined if the node does not run. */
function inputsOf({ node, held }: Behind, values: ReadonlyMap<string, Value>): readonly Value[] | undefined {
  let renewed = 0;
  const inputs = node.arrows.map(({ origin }, i) => {
    const value = origin.kind === 'node' ? values.get(`${origin.id}.${origin.port}`) : undefined;
    if (value === undefined) return node.spec.hold ? held[i] : undefined;
    renewed++;
    held[i] = value;
    return value;
  });
  return renewed > 0 && inputs.every((value) => value !== undefined) ? (inputs as Value[]) : undefined;
}
