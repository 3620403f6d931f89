import { GROUPS } from '../partition.ts';
import { countMasks } from '../pulse/bins.ts';
import { appendSpan, type Span, spansOf } from '../pulse/spacing.ts';
import { Tally } from '../pulse/tally.ts';
import { plainTable } from '../rule/states.ts';

/** Pulses counted at a time: half of a typical second-level cache. */
export const BLOCK = 1 << 20;

/** Counts a stream of group masks, one byte per pulse, block by block. */
export class MaskTally {
  readonly tally = new Tally();
  pulses = 0;
  readonly #violating: Uint8Array;
  readonly #bins = new Float64Array(256);

  /** `groups`: bits that count; a pulse without the `common` bit but with another violates. */
  constructor(common: number, groups: number) {
    this.#violating = plainTable(common, groups).certain;
  }

  /** Counts the first `count` masks of a block whose length is a multiple of four; the rest of the block is cleared. */
  add(block: Uint8Array, count: number): void {
    block.fill(0, count);
    const words = new Uint32Array(block.buffer, block.byteOffset, (count + 3) >> 2);
    const bins = this.#bins.fill(0);
    countMasks(words, count, bins);
    for (let v = 0; v < 256; v++) this.tally.bins[v] = (this.tally.bins[v] as number) + (bins[v] as number);
    this.tally.noteFirst(block, bins, this.pulses);
    this.tally.noteSites(block, count, bins, this.#violating, this.pulses);
    this.#space(words, count, bins);
    this.pulses += count;
  }

  #space(words: Uint32Array, count: number, bins: Float64Array): void {
    let partial = 0;
    for (let g = 0; g < GROUPS; g++) {
      let fired = 0;
      for (let v = 0; v < 256; v++) if ((v >> g) & 1) fired += bins[v] as number;
      const span = this.tally.spans[g] as Span;
      // A group that fires on every pulse of the block needs no look at the pulses.
      if (fired === count && count > 1) appendSpan(span, { first: 0, last: count - 1, min: 1, max: 1 }, this.pulses);
      else if (fired > 0) partial |= 1 << g;
    }
    spansOf(words, partial).forEach((span, g) => {
      appendSpan(this.tally.spans[g] as Span, span, this.pulses);
    });
  }
}
