/** A graph over a source in one process: dealer, workers and collectors side by side (spec graph.md 5, graph-run). */

import type { Balance } from '../../cli/balance.ts';
import type { CompiledGraph } from '../compile/compiled.ts';
import type { EventSource, EventTaker } from '../source/types.ts';
import { LocalCluster } from './cluster.ts';
import { CLOSING, Dealer, type Period } from './dealer.ts';
import type { HeartbeatRecord } from './global-side.ts';
import type { FailureReport } from './worker.ts';

export interface InProcessOptions {
  readonly period: Period;
  readonly depth: number;
  readonly onFailure: (report: FailureReport) => void;
  /** Gets each record, in order. */
  readonly onRecord: (record: HeartbeatRecord) => void;
  /** Sends what has been given to `onRecord`; called between blocks of events. */
  readonly drain: () => Promise<void> | undefined;
}

export class InProcessRun implements EventTaker {
  readonly #cluster: LocalCluster;
  readonly #dealer: Dealer;
  readonly #options: InProcessOptions;
  #included = 0;
  #records = 0;
  #failed = 0;

  constructor(graph: CompiledGraph, options: InProcessOptions) {
    const { depth, onFailure } = options;
    this.#cluster = new LocalCluster(graph, { depth, onFailure });
    this.#dealer = new Dealer(
      this.#cluster.workers.map(({ id }) => id),
      options.period,
    );
    this.#options = options;
  }

  balance(): Balance {
    const dealt = this.#dealer.events;
    return {
      in: dealt,
      out: this.#included,
      losses: { 'in-open-heartbeat': dealt - this.#included },
      info: { heartbeats: this.#records, 'failed-nodes': this.#failed },
    };
  }

  /** Failures of nodes, over all events. */
  get failed(): number {
    return this.#failed;
  }

  async run(source: EventSource): Promise<void> {
    // A source that is silent must not keep what it gave: the clock closes the heartbeat too.
    const { period } = this.#options;
    const clock = period.kind === 'seconds' ? setInterval(() => this.#issueIfAny(), period.seconds * 1000) : undefined;
    clock?.unref();
    try {
      await source.run(this);
    } finally {
      clearInterval(clock);
    }
    this.#issueIfAny();
    this.#put(this.#cluster.end());
    await this.#options.drain();
  }

  event(values: Parameters<EventTaker['event']>[0], time: number): undefined {
    if (this.#dealer.due(time)) this.#issue();
    const dealt = this.#dealer.deal(time);
    if (dealt) this.#cluster.event(dealt.number, dealt.worker, values);
    return undefined;
  }

  transition(name: string): undefined {
    if (!CLOSING.has(name)) return undefined;
    this.#issueIfAny();
    if (name === 'Configure') this.#cluster.configure();
    else this.#cluster.transition(name);
    return undefined;
  }

  turn(): Promise<void> | undefined {
    return this.#options.drain();
  }

  #issueIfAny(): void {
    if (this.#cluster.eventsSince > 0) this.#issue();
  }

  #issue(): void {
    const { heartbeat } = this.#dealer.issue();
    this.#cluster.issue(heartbeat);
    for (const { id } of this.#cluster.workers) this.#put(this.#cluster.deliver(heartbeat, id));
  }

  #put(records: readonly HeartbeatRecord[]): void {
    for (const record of records) {
      this.#records++;
      this.#included += record.included;
      for (const count of record.errors.values()) this.#failed += count;
      this.#options.onRecord(record);
    }
  }
}
