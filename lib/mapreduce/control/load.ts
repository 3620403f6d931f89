/** How busy workers are, from the times in their reports (spec mapreduce.md 11: load). Time comes in as argument. */

import type { ProcessingTimes } from '../redis/reports.ts';

export interface Load {
  /** Seconds of work and waiting. */
  total: number;
  /** Seconds of work. */
  active: number;
  events: number;
}

interface Bucket extends Load {
  readonly number: number;
}

const BUCKET_MS = 100;
/** Longer intervals are answered with what is there. */
const LONGEST_SECONDS = 60;
/** How busy workers should be for `wantWorkers`. */
const COMFORTABLE = 0.7;

interface WorkerLoad {
  readonly buckets: Bucket[];
  readonly scan: Load;
  lastEvent: number;
}

export class LoadTable {
  readonly #workers = new Map<string, WorkerLoad>();

  get workers(): readonly string[] {
    return [...this.#workers.keys()];
  }

  lastEvent(worker: string): number {
    return this.#workers.get(worker)?.lastEvent ?? 0;
  }

  /** @param now milliseconds */
  add(worker: string, events: readonly number[], times: ProcessingTimes | null, now: number): void {
    let load = this.#workers.get(worker);
    if (!load) {
      load = { buckets: [], scan: { total: 0, active: 0, events: 0 }, lastEvent: 0 };
      this.#workers.set(worker, load);
    }
    load.lastEvent = events.at(-1) ?? load.lastEvent;
    if (!times) return;
    const { assemble_event, custom_code, send_result, get_assignments, get_messages, no_events } = times;
    const active = assemble_event + custom_code + send_result;
    const more = { active, total: active + get_assignments + get_messages, events: no_events };
    addTo(load.scan, more);
    const number = Math.floor(now / BUCKET_MS);
    let bucket = load.buckets.at(-1);
    if (bucket?.number !== number) {
      bucket = { number, total: 0, active: 0, events: 0 };
      load.buckets.push(bucket);
      const oldest = number - (LONGEST_SECONDS * 1000) / BUCKET_MS;
      while (load.buckets[0]!.number < oldest) load.buckets.shift();
    }
    addTo(bucket, more);
  }

  /** Of the last `seconds`, or of the whole scan. */
  of(worker: string, seconds: number | 'scan', now: number): Load {
    const load = this.#workers.get(worker);
    const sum = { total: 0, active: 0, events: 0 };
    if (!load) return sum;
    if (seconds === 'scan') return { ...load.scan };
    const from = Math.floor(now / BUCKET_MS) - (seconds * 1000) / BUCKET_MS;
    for (const bucket of load.buckets) if (bucket.number > from) addTo(sum, bucket);
    return sum;
  }

  /** How many workers would do the work of the last 10 s without hurry; 0 while nothing runs. */
  wantWorkers(now: number): number {
    const seconds = 10;
    const busy = this.workers.reduce((sum, worker) => sum + this.of(worker, seconds, now).active, 0) / seconds;
    return Math.ceil(busy / COMFORTABLE);
  }
}

function addTo(sum: Load, { total, active, events }: Load): void {
  sum.total += total;
  sum.active += active;
  sum.events += events;
}
