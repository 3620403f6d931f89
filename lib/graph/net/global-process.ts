/** The global collector as a process: it makes a record of each heartbeat, and keeps its state in a file if it is told to. */

import { UsageError } from '../../errors.ts';
import type { GraphInForce } from '../output/results.ts';
import type { Closing, Contributor } from '../run/collector.ts';
import { type Dealt, GlobalSide, type HeartbeatRecord } from '../run/global-side.ts';
import type { FailureReport } from '../run/worker.ts';
import {
  type Beginning,
  CollectorProcess,
  type CollectorProcessOptions,
  type GatheringFactory,
} from './collector-process.ts';
import type { Gathering } from './gathering.ts';
import { dealtIn } from './ledger.ts';
import type { ClosedReport, Control, MembersMessage } from './messages.ts';
import { type RecordCounts, readState, type SavedState, writeState } from './saved-state.ts';

export interface GlobalProcessOptions extends CollectorProcessOptions {
  /** File of the state, if it is kept. */
  readonly state: string | undefined;
  readonly onFailure: (report: FailureReport) => void;
  /** Gets each record and the graph it was made with. */
  readonly onRecord: (record: HeartbeatRecord, inForce: GraphInForce) => void;
  /** Sends what was given to `onRecord`. */
  readonly drain: () => Promise<void> | undefined;
}

export class GlobalProcess extends CollectorProcess {
  protected readonly patience = 1.5;
  protected override readonly options: GlobalProcessOptions;
  readonly #saved: SavedState | undefined;
  readonly counts: RecordCounts;
  #side: GlobalSide | undefined;
  readonly #dealt = new Map<number, Dealt>();
  /** Closed since the last `flush`. */
  #records: { record: HeartbeatRecord; inForce: GraphInForce; report: ClosedReport }[] = [];

  /** @throws InputError, DataError if the state cannot be read */
  constructor(options: GlobalProcessOptions) {
    super(options);
    this.options = options;
    this.#saved = options.state === undefined ? undefined : readState(options.state);
    this.before = this.#saved?.before ?? 0;
    this.counts = { ...(this.#saved?.counts ?? { dealt: 0, included: 0, late: 0, records: 0, failures: 0 }) };
    if (this.#saved) options.say(`going on behind heartbeat ${this.#saved.closed}, as ${options.state} says`);
  }

  /** Used events and failures of the nodes whose states are merged. */
  get nodes(): ReadonlyMap<string, { readonly used: number; readonly failed: number }> {
    return this.#side?.totals ?? new Map();
  }

  /** included = used + not used + failed, by node, for people. */
  nodeLines(): readonly string[] {
    const { included } = this.counts;
    return [...this.nodes].map(([id, { used, failed }]) => {
      const rest = included - used - failed;
      return `node ${id}: included ${included} = used ${used} + not used ${rest} + failed ${failed}`;
    });
  }

  /** States that came too late for their node or run. */
  get outdated(): number {
    return this.#side?.outdated ?? 0;
  }

  protected override get closed(): number {
    return this.gathering?.closedThrough ?? this.#saved?.closed ?? 0;
  }

  protected override get knownIssued(): number {
    return this.#saved?.issued ?? 0;
  }

  protected override get knownRun(): number {
    return this.#saved?.side.run ?? 0;
  }

  protected begin({ graph, terms, closed, run }: Beginning, gather: GatheringFactory): Gathering {
    const saved = this.#saved;
    if (this.options.state !== undefined && terms.amiCompat)
      throw new UsageError('--state keeps exact states only; the manager works with --ami-compat');
    const known = saved?.side.run ?? run;
    const side = new GlobalSide(graph, this.options.onFailure, known);
    if (saved) side.restore(saved.side);
    this.#side = side;
    return gather(
      {
        change: (changed, from) => side.change(changed, from),
        transition: (name, after) => side.transition(name, after),
        close: (closing) => this.#close(side, closing),
      },
      saved?.closed ?? closed,
      known,
    );
  }

  #close(side: GlobalSide, closing: Closing): void {
    const dealt = this.#dealt.get(closing.heartbeat);
    this.#dealt.delete(closing.heartbeat);
    const record = side.close(closing, dealt);
    let failures = 0;
    for (const count of record.errors.values()) failures += count;
    this.counts.dealt += record.dealt;
    this.counts.included += record.included;
    this.counts.late += record.late;
    this.counts.failures += failures;
    this.counts.records++;
    const { heartbeat, included, late, missing } = closing;
    const report = { kind: 'closed', heartbeat, included, late, missing, locals: closing.heard, failures } as const;
    this.#records.push({ record, inForce: this.graphs.numbered(side.graph), report });
  }

  protected contributors(locals: MembersMessage['locals']): readonly Contributor[] {
    return [...locals].filter(([, workers]) => workers.length > 0).map(([id, workers]) => ({ id, workers }));
  }

  protected isContributor(local: number): boolean {
    return this.terms === undefined || local < this.terms.collectors;
  }

  protected override follow(entry: Control): void {
    if (entry.kind === 'marker') this.#dealt.set(entry.heartbeat, { events: dealtIn(entry), before: entry.before });
  }

  /** The state first: a record may be printed twice over, but nothing that was closed is lost. */
  protected async flush(): Promise<void> {
    const records = this.#records;
    if (records.length === 0) return;
    this.#records = [];
    this.#save();
    for (const { record, inForce } of records) this.options.onRecord(record, inForce);
    await this.options.drain();
    for (const { report } of records) this.link.post(report);
  }

  #save(): void {
    const { gathering } = this;
    if (this.options.state === undefined || !gathering || !this.#side) return;
    writeState(this.options.state, {
      closed: gathering.closedThrough,
      issued: gathering.issuedThrough,
      before: this.before,
      side: this.#side.save(),
      counts: this.counts,
    });
  }

  protected async finish(): Promise<void> {
    this.link.post({ kind: 'finished' });
  }
}
