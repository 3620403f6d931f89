/** What the manager knows of events and heartbeats: dealt = answered + unanswered, by worker; latency (spec graph.md 2.12). Pure. */

import { total } from '../run/answer.ts';
import type { Marker } from '../run/dealer.ts';
import type { ClosedReport } from './messages.ts';

/** Latencies that percentiles are taken of. */
const SAMPLES = 4096;

export interface WorkerAccount {
  readonly dealt: number;
  readonly answered: number;
  /** Heartbeats that closed without it. */
  readonly missed: number;
}

export class Ledger {
  readonly #accounts: { dealt: number; answered: number; missed: number }[];
  /** When each open heartbeat was issued. */
  readonly #issued = new Map<number, number>();
  readonly #latencies: number[] = [];
  #sampled = 0;
  #closed = 0;
  late = 0;
  failures = 0;
  records = 0;

  constructor(workers: number, closed: number) {
    this.#accounts = Array.from({ length: workers }, () => ({ dealt: 0, answered: 0, missed: 0 }));
    this.#closed = closed;
  }

  get workers(): readonly WorkerAccount[] {
    return this.#accounts;
  }

  get dealt(): number {
    return this.#accounts.reduce((sum, { dealt }) => sum + dealt, 0);
  }

  get answered(): number {
    return this.#accounts.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Issued and not closed. */
  get openHeartbeats(): number {
    return this.#issued.size;
  }

  /** Every heartbeat up to this one is closed. */
  get closedThrough(): number {
    return this.#closed;
  }

  dealtTo(worker: number): void {
    this.#accounts[worker]!.dealt++;
  }

  issued({ heartbeat }: Marker, now: number): void {
    this.#issued.set(heartbeat, now);
  }

  closed({ heartbeat, included, late, missing, failures }: ClosedReport, now: number): void {
    for (const [worker, events] of included) if (this.#accounts[worker]) this.#accounts[worker].answered += events;
    for (const worker of missing) if (this.#accounts[worker]) this.#accounts[worker].missed++;
    this.late += late;
    this.failures += failures;
    this.records++;
    const at = this.#issued.get(heartbeat);
    if (at !== undefined) this.#latencies[this.#sampled++ % SAMPLES] = now - at;
    for (const k of this.#issued.keys()) if (k <= heartbeat) this.#issued.delete(k);
    this.#closed = Math.max(this.#closed, heartbeat);
  }

  /** Age of the oldest open heartbeat. */
  age(now: number): number {
    const [oldest] = this.#issued.values();
    return oldest === undefined ? 0 : now - oldest;
  }

  /** From issue to report, of the last heartbeats: `{p50, p99, max}`. */
  latency(): Readonly<Record<'p50' | 'p99' | 'max', number>> {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
  }

  /** Events of which nothing is known, by worker, for people. */
  unanswered(): readonly string[] {
    return this.#accounts.flatMap(({ dealt, answered, missed }, id) =>
      dealt === answered && missed === 0
        ? []
        : [
            `worker ${id}: dealt ${dealt} = answered ${answered} + unanswered ${dealt - answered}; missed ${missed} heartbeats`,
          ],
    );
  }
}

/** Sum of what was dealt in a heartbeat. */
export function dealtIn({ dealt }: Pick<Marker, 'dealt'>): number {
  return total(dealt);
}
