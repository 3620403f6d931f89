/** Puts events into batches and says which worker gets the next one. */

import type { Dgram } from '../xtc/dgram.ts';
import { SERVICE } from '../xtc/service.ts';
import { Batch } from './batch.ts';
import type { Counters } from './counters.ts';
import { INPUT_FLAG } from './protocol.ts';
import type { DrpOptions } from './types.ts';
import type { ReorderWindow } from './window.ts';
import type { Worker } from './worker.ts';

/** Bytes of a batch above which the next dgram starts another one: small enough to stay in the cache. */
const BATCH_BYTES = 256 * 1024;
/** A batch should not keep its worker longer than this, or the others wait at the next transition. */
const BATCH_MICROS = 5000;
/** Weight of the latest batch in the average. */
const WEIGHT = 0.2;
/** Less than this is not measured. */
const LEAST_MICROS = 0.1;
const KEEP_RAW_BIT = 1 << 22;

export class Dealer {
  private readonly options: DrpOptions;
  private readonly counters: Counters;
  private readonly workers: readonly Worker[];
  private readonly window: ReorderWindow;
  private open: Batch | undefined;
  private openEnd = 0;
  /** 0 until it has been measured. */
  private perEventMicros = 0;
  private eventNumber = 0;
  private turn = 0;

  constructor(options: DrpOptions, counters: Counters, workers: readonly Worker[], window: ReorderWindow) {
    this.options = options;
    this.counters = counters;
    this.workers = workers;
    this.window = window;
  }

  /** Copies an event into the open batch, or into a new one; false if there is no room now. */
  take(dgram: Dgram): boolean {
    if (this.open && !this.fits(dgram.size)) this.flush();
    const batch = this.open ?? this.openBatch();
    if (!batch) return false;
    dgram.bytes.copy(batch.memory, this.openEnd, dgram.start, dgram.end);
    batch.add({ offset: this.openEnd, size: dgram.size, flags: this.rawFlag(dgram.env) });
    this.openEnd += dgram.size;
    if (batch.entries.length >= this.mostEntries(batch)) this.flush();
    return true;
  }

  /** Sends what has been collected, full or not. */
  flush(): void {
    const batch = this.open;
    if (!batch) return;
    this.open = undefined;
    this.workers[batch.worker]!.send(batch, SERVICE.L1Accept);
  }

  /** A worker took `micros` for `events` events. */
  measured(micros: number, events: number): void {
    if (events === 0) return;
    const each = Math.max(LEAST_MICROS, micros / events);
    this.perEventMicros = this.perEventMicros === 0 ? each : this.perEventMicros * (1 - WEIGHT) + each * WEIGHT;
  }

  private fits(size: number): boolean {
    return this.openEnd + size <= Math.min(this.open!.memory.length, BATCH_BYTES);
  }

  /**
   * A slot's worth, but no more than keeps the worker busy for a few milliseconds. One while nothing is known: --timeout is meant for
   * one event, and the first ones often take longest.
   */
  private mostEntries(batch: Batch): number {
    const limit = this.perEventMicros > 0 ? Math.max(1, Math.floor(BATCH_MICROS / this.perEventMicros)) : 1;
    return Math.min(this.options.batch, this.workers[batch.worker]!.link.perSlot, limit);
  }

  private openBatch(): Batch | undefined {
    const { workers } = this;
    let best: Worker | undefined;
    for (let k = 0; k < workers.length; k++) {
      const worker = workers[(this.turn + k) % workers.length]!;
      if (worker.free.length === 0 || worker.state === 'down') continue;
      if (!best || rank(worker) < rank(best)) best = worker;
    }
    if (!best) return undefined;
    this.turn = (best.index + 1) % workers.length;
    const slot = best.free.pop()!;
    this.open = new Batch(best.index, slot, best.link.input(slot));
    this.openEnd = best.link.payloadOffset;
    this.window.enter(this.open);
    return this.open;
  }

  private rawFlag(env: number): number {
    const every = this.options.prescaleRaw;
    if (every === 0) return 0;
    const keep = this.eventNumber++ % every === 0 || (env & KEEP_RAW_BIT) !== 0;
    if (keep) this.counters.rawKept++;
    return keep ? INPUT_FLAG.keepRaw : 0;
  }
}

/** Who gets the next batch: a worker that runs, with the least to do. */
function rank(worker: Worker): number {
  return (worker.state === 'up' ? 0 : 1000) + worker.queue.length;
}
