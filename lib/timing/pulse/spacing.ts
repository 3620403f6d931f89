import type { Ticks } from '../machine.ts';

/** First, last and the smallest and largest step of a set of ticks; `first` < 0 when empty. */
export interface Span {
  first: Ticks;
  last: Ticks;
  min: Ticks;
  max: Ticks;
}

export function emptySpan(): Span {
  return { first: -1, last: -1, min: Number.POSITIVE_INFINITY, max: 0 };
}

/** Adds one later tick. */
export function extendSpan(span: Span, tick: Ticks): void {
  if (span.first < 0) span.first = tick;
  else {
    const step = tick - span.last;
    if (step < span.min) span.min = step;
    if (step > span.max) span.max = step;
  }
  span.last = tick;
}

/** Adds a later span, moved by `offset`. */
export function appendSpan(span: Span, later: Span, offset: Ticks): void {
  if (later.first < 0) return;
  extendSpan(span, later.first + offset);
  if (later.min < span.min) span.min = later.min;
  if (later.max > span.max) span.max = later.max;
  span.last = later.last + offset;
}

/** Span of the ticks whose mask has any of `bits`. */
export function spanOf(words: Uint32Array, bits: number): Span {
  const selected = Math.imul(bits, 0x01010101);
  const single = (bits & (bits - 1)) === 0;
  let first = -1;
  let last = -1;
  let min = 0x7fffffff;
  let max = 0;
  for (let i = 0; i < words.length; i++) {
    let v = (words[i] as number) & selected;
    if (v === 0) continue;
    // Each byte with any of the bits becomes its lowest bit, so that one loop serves both.
    if (!single) v = ((((v & 0x7f7f7f7f) + 0x7f7f7f7f) | v) >>> 7) & 0x01010101;
    for (; v !== 0; v &= v - 1) {
      const p = (i << 2) + ((31 - Math.clz32(v & -v)) >> 3);
      const step = p - last;
      last = p;
      if (first < 0) {
        first = p;
        continue;
      }
      if (step < min) min = step;
      if (step > max) max = step;
    }
  }
  return { first, last, min: max === 0 ? Number.POSITIVE_INFINITY : min, max };
}
