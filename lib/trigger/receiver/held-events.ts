/** Where the events lie that wait for their decisions: a ring of places in slabs, oldest first. */

import type { Slab } from './pebble.ts';

export class HeldEvents {
  private readonly slabs: (Slab | undefined)[];
  private readonly starts: Float64Array;
  private readonly sizes: Float64Array;
  private first = 0;
  private count = 0;

  /** @param capacity most events that are held at once */
  constructor(capacity: number) {
    this.slabs = Array<Slab | undefined>(capacity).fill(undefined);
    this.starts = new Float64Array(capacity);
    this.sizes = new Float64Array(capacity);
  }

  /** Of the oldest: its slab, and the place of its dgram. */
  get slab(): Slab {
    return this.slabs[this.first]!;
  }
  get start(): number {
    return this.starts[this.first]!;
  }
  get size(): number {
    return this.sizes[this.first]!;
  }

  push(slab: Slab, start: number, size: number): void {
    const at = (this.first + this.count++) % this.slabs.length;
    this.slabs[at] = slab;
    this.starts[at] = start;
    this.sizes[at] = size;
  }

  shift(): void {
    this.slabs[this.first] = undefined;
    this.first = (this.first + 1) % this.slabs.length;
    this.count--;
  }
}
