/**
 * Order of the output = order of the input. Batches enter when their first dgram is dealt out and leave from the front when they
 * are complete; what is early waits.
 */

import type { Batch } from './batch.ts';

export class ReorderWindow {
  private readonly batches: Batch[] = [];

  enter(batch: Batch): void {
    this.batches.push(batch);
  }

  /** True if a batch can leave. */
  get ready(): boolean {
    return this.batches[0]?.complete ?? false;
  }

  /** The next complete batch at the front, or undefined. */
  leave(): Batch | undefined {
    return this.ready ? this.batches.shift() : undefined;
  }

  get size(): number {
    return this.batches.length;
  }

  /** Dgrams inside. */
  get dgrams(): number {
    return this.batches.reduce((sum, batch) => sum + batch.entries.length, 0);
  }
}
