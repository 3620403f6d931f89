/** Workers, local collectors and the global one in one process, without wires: what graph-run does, and what case files drive. Pure. */

import type { CompiledGraph } from '../compile/compiled.ts';
import type { Value } from '../value.ts';
import type { Answer } from './answer.ts';
import { type Closing, Collector } from './collector.ts';
import { type Dealt, GlobalSide, type HeartbeatRecord } from './global-side.ts';
import { LocalSide } from './local-side.ts';
import { type FailureReport, Worker } from './worker.ts';

interface Local {
  readonly id: number;
  readonly collector: Collector;
  readonly side: LocalSide;
}

export interface ClusterOptions {
  readonly depth: number;
  readonly onFailure?: (report: FailureReport) => void;
}

export class LocalCluster {
  readonly workers: readonly Worker[];
  readonly #locals: readonly Local[];
  readonly #global: Collector;
  readonly #globalSide: GlobalSide;
  readonly #dealt = new Map<number, Dealt>();
  /** Answers of workers that have not been delivered, by worker and heartbeat. */
  readonly #answers = new Map<string, Answer>();
  readonly #perLocal: number;
  #eventsSince = 0;
  #highest = -1;
  #issued = 0;

  constructor(graph: CompiledGraph, { depth, onFailure }: ClusterOptions) {
    const { workers, collectors } = graph.cluster;
    this.#perLocal = workers / collectors;
    this.workers = Array.from({ length: workers }, (_, id) => new Worker(id, graph, onFailure));
    this.#locals = Array.from({ length: collectors }, (_, id) => ({
      id,
      collector: new Collector(
        this.#workersOf(id).map((worker) => ({ id: worker, workers: [worker] })),
        depth,
      ),
      side: new LocalSide(graph, 0, onFailure),
    }));
    this.#global = new Collector(
      this.#locals.map(({ id }) => ({ id, workers: this.#workersOf(id) })),
      depth,
    );
    this.#globalSide = new GlobalSide(graph, onFailure);
  }

  #workersOf(local: number): number[] {
    return Array.from({ length: this.#perLocal }, (_, i) => local * this.#perLocal + i);
  }

  /** Events since the last heartbeat was issued. */
  get eventsSince(): number {
    return this.#eventsSince;
  }

  /** States that came too late for their node or run. */
  get outdated(): number {
    return this.#globalSide.outdated;
  }

  event(number: number, worker: number, values: readonly (Value | undefined)[]): void {
    this.#eventsSince++;
    this.#highest = Math.max(this.#highest, number);
    this.workers[worker]?.event(number, values);
  }

  /** Every worker closes heartbeat `k`; answers wait until they are delivered. */
  issue(k: number): void {
    this.#dealt.set(k, { events: this.#eventsSince, before: this.#highest + 1 });
    this.#eventsSince = 0;
    this.#issued = k;
    for (const worker of this.workers) this.#answers.set(`${worker.id}/${k}`, worker.issue(k));
    for (const { collector } of this.#locals) collector.issued(k);
    this.#global.issued(k);
  }

  /** The answer of a worker reaches its local collector. */
  deliver(k: number, worker: number): readonly HeartbeatRecord[] {
    const key = `${worker}/${k}`;
    const answer = this.#answers.get(key);
    const local = this.#locals[Math.floor(worker / this.#perLocal)];
    if (!answer || !local) return [];
    this.#answers.delete(key);
    return this.#passOn(local, local.collector.answer(worker, answer));
  }

  deadline(k: number): readonly HeartbeatRecord[] {
    const records = this.#locals.flatMap((local) => this.#passOn(local, local.collector.deadline(k)));
    return [...records, ...this.#records(this.#global.deadline(k))];
  }

  end(): readonly HeartbeatRecord[] {
    const records = this.#locals.flatMap((local) => this.#passOn(local, local.collector.end()));
    return [...records, ...this.#records(this.#global.end())];
  }

  configure(): void {
    for (const worker of this.workers) worker.configure();
    for (const { side } of this.#locals) side.configure(this.#issued);
    this.#globalSide.configure(this.#issued);
  }

  /** BeginRun, BeginStep and the like, for user code. */
  transition(name: string): void {
    for (const worker of this.workers) worker.transition(name);
    for (const { side } of this.#locals) side.transition(name, this.#issued);
    this.#globalSide.transition(name, this.#issued);
  }

  change(graph: CompiledGraph, from: number): void {
    for (const worker of this.workers) worker.change(graph, from);
    for (const { side } of this.#locals) side.change(graph, from);
    this.#globalSide.change(graph, from);
  }

  #passOn({ id, side }: Local, closings: readonly Closing[]): HeartbeatRecord[] {
    return closings.flatMap((closing) => this.#records(this.#global.answer(id, side.close(closing))));
  }

  #records(closings: readonly Closing[]): HeartbeatRecord[] {
    return closings.map((closing) => this.#globalSide.close(closing, this.#dealt.get(closing.heartbeat)));
  }
}
