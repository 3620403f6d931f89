/** What `daq-top` knows of the processes that it asks. It is fed answers and failures; no sockets, clock or screen in here. */

import type { Sample } from './prometheus.ts';
import { Series } from './series.ts';

/** `gone`: it answered once and does not any more. `silent`: it never has. */
export type ProcessState = 'up' | 'gone' | 'silent';

export interface Count {
  readonly total: number;
  /** Per second; undefined until there have been two looks. */
  readonly rate: number | undefined;
}

export interface MeterRow {
  /** Without the prefix that all of ours have: `drp_worker_up`. */
  readonly name: string;
  /** `worker="0"`; empty without labels of its own. */
  readonly labels: string;
  readonly counter: boolean;
  readonly value: number;
  readonly rate: number | undefined;
  readonly history: readonly number[];
}

export interface ProcessRow {
  readonly address: string;
  /** Alias, or command, or the address while neither is known. */
  readonly name: string;
  readonly command: string;
  readonly state: ProcessState;
  /** Why it does not answer; empty while it does. */
  readonly reason: string;
  /** Seconds since its last answer; undefined if there was none. */
  readonly age: number | undefined;
  readonly in: Count;
  readonly out: Count;
  readonly lost: Count;
  /** By reason, those that are not 0. */
  readonly losses: Readonly<Record<string, Count>>;
  /** in - out - every loss: 0 unless something is wrong. */
  readonly unaccounted: number;
  /** All that has damage in its name. */
  readonly damage: Count;
  /** Sum of all depths of queues; undefined without queues. */
  readonly queue: number | undefined;
  /** By name, whether it is up. */
  readonly workers: Readonly<Record<string, boolean>>;
  /** Cores in use. */
  readonly cpu: number | undefined;
  readonly residentBytes: number;
  readonly uptime: number;
  /** Rate of what comes in, oldest first. */
  readonly history: readonly number[];
  readonly meters: readonly MeterRow[];
}

const PREFIX = /^daqpipe_/;
/** Said once per process, not on every line. */
const COMMON_LABELS = new Set(['command', 'alias']);

interface Metric {
  readonly sample: Sample;
  readonly name: string;
  readonly series: Series;
}

class Process {
  readonly address: string;
  name: string;
  command = '';
  state: ProcessState = 'silent';
  reason = '';
  answered: number | undefined;
  metrics = new Map<string, Metric>();

  constructor(address: string) {
    this.address = address;
    this.name = address;
  }

  take(samples: readonly Sample[], now: number): void {
    const before = this.metrics;
    this.metrics = new Map();
    for (const sample of samples) {
      const key = `${sample.name}${JSON.stringify(sample.labels)}`;
      const series = before.get(key)?.series ?? new Series(isCounter(sample));
      series.add(sample.value, now);
      this.metrics.set(key, { sample, name: sample.name.replace(PREFIX, ''), series });
      this.command = sample.labels.command ?? this.command;
      this.name = sample.labels.alias ?? sample.labels.command ?? this.name;
    }
    this.state = 'up';
    this.reason = '';
    this.answered = now;
  }

  private sum(wanted: (metric: Metric) => boolean): Count {
    let total = 0;
    let rate: number | undefined;
    for (const metric of this.metrics.values()) {
      if (!wanted(metric)) continue;
      total += metric.series.value;
      if (metric.series.rate !== undefined) rate = (rate ?? 0) + metric.series.rate;
    }
    // Who does not answer does nothing that we know of.
    return { total, rate: this.state === 'up' ? rate : undefined };
  }

  private find(name: string): Series | undefined {
    for (const metric of this.metrics.values()) if (metric.name === name) return metric.series;
    return undefined;
  }

  row(now: number): ProcessRow {
    const named = (name: string) => (metric: Metric) => metric.name === name;
    const all = [...this.metrics.values()];
    const reasons = all.filter(({ name, series }) => name === 'not_out_total' && series.value > 0);
    const depths = all.filter(({ name }) => name.endsWith('queue_depth'));
    const up = this.state === 'up';
    return {
      address: this.address,
      name: this.name,
      command: this.command,
      state: this.state,
      reason: this.reason,
      age: this.answered === undefined ? undefined : now - this.answered,
      in: this.sum(named('in_total')),
      out: this.sum(named('out_total')),
      lost: this.sum(named('not_out_total')),
      losses: Object.fromEntries(
        reasons.map(({ sample, series }) => [
          sample.labels.reason ?? '',
          { total: series.value, rate: up ? series.rate : undefined },
        ]),
      ),
      unaccounted: this.sum(named('unaccounted')).total,
      damage: this.sum(speaksOfDamage),
      queue: depths.length === 0 ? undefined : depths.reduce((sum, { series }) => sum + series.value, 0),
      workers: Object.fromEntries(
        all
          .filter(({ name }) => name.endsWith('worker_up'))
          .map(({ sample, series }) => [sample.labels.worker ?? '', up && series.value > 0]),
      ),
      cpu: up ? this.find('cpu_seconds_total')?.rate : undefined,
      residentBytes: this.find('resident_bytes')?.value ?? 0,
      uptime: this.find('uptime_seconds')?.value ?? 0,
      history: this.find('in_total')?.history ?? [],
      meters: all.map(({ sample, name, series }) => ({
        name,
        labels: labelText(sample),
        counter: series.counter,
        value: series.value,
        rate: up ? series.rate : undefined,
        history: series.history,
      })),
    };
  }
}

export class TopModel {
  private readonly processes = new Map<string, Process>();

  /** A process that shall be asked. @param name what to call it until it answers */
  expect(address: string, name?: string): void {
    const process = this.at(address);
    if (name !== undefined && process.state === 'silent') process.name = name;
  }

  /** @param now seconds, any origin */
  answered(address: string, samples: readonly Sample[], now: number): void {
    this.at(address).take(samples, now);
  }

  failed(address: string, reason: string): void {
    const process = this.at(address);
    process.state = process.answered === undefined ? 'silent' : 'gone';
    process.reason = reason;
  }

  /** Forgets those that do not answer. @returns their addresses */
  forgetGone(): string[] {
    const gone = [...this.processes.values()].filter(({ state }) => state === 'gone').map(({ address }) => address);
    for (const address of gone) this.processes.delete(address);
    return gone;
  }

  get addresses(): readonly string[] {
    return [...this.processes.keys()];
  }

  /** One row per process, in the order in which they came to be known. */
  rows(now: number): ProcessRow[] {
    return [...this.processes.values()].map((process) => process.row(now));
  }

  private at(address: string): Process {
    let process = this.processes.get(address);
    if (!process) this.processes.set(address, (process = new Process(address)));
    return process;
  }
}

/** All answer, and every balance closes. */
export function allWell(rows: readonly ProcessRow[]): boolean {
  return rows.every(({ state, unaccounted }) => state === 'up' && unaccounted === 0);
}

function isCounter({ name, kind }: Sample): boolean {
  return kind === 'counter' || (kind === 'untyped' && name.endsWith('_total'));
}

function speaksOfDamage({ name, sample, series }: Metric): boolean {
  const { reason = '', kind = '' } = sample.labels;
  return series.counter && /damage/i.test(`${name} ${reason} ${kind}`);
}

function labelText({ labels }: Sample): string {
  return Object.entries(labels)
    .filter(([name]) => !COMMON_LABELS.has(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ');
}
