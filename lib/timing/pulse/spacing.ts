import type { Ticks } from '../machine.ts';
import { GROUPS } from '../partition.ts';

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

/** Spans of all groups in `bits` in one pass, set bit by set bit; quicker than a pass for each unless they are all dense. */
export function spansOf(words: Uint32Array, bits: number): Span[] {
  const first = new Int32Array(GROUPS).fill(-1);
  const last = new Int32Array(GROUPS);
  const min = new Int32Array(GROUPS).fill(0x7fffffff);
  const max = new Int32Array(GROUPS);
  if (bits !== 0) scanSpans(words, Math.imul(bits, 0x01010101), first, last, min, max);
  return Array.from({ length: GROUPS }, (_, g) => {
    if ((first[g] as number) < 0) return emptySpan();
    const several = (max[g] as number) > 0;
    return { first: first[g], last: last[g], min: several ? min[g] : Number.POSITIVE_INFINITY, max: max[g] } as Span;
  });
}

function scanSpans(
  words: Uint32Array,
  selected: number,
  first: Int32Array,
  last: Int32Array,
  min: Int32Array,
  max: Int32Array,
): void {
  for (let i = 0; i < words.length; i++) {
    for (let v = (words[i] as number) & selected; v !== 0; v &= v - 1) {
      const bit = 31 - Math.clz32(v & -v);
      const g = bit & 7;
      const p = (i << 2) + (bit >> 3);
      if ((first[g] as number) < 0) first[g] = p;
      else {
        const step = p - (last[g] as number);
        if (step < (min[g] as number)) min[g] = step;
        if (step > (max[g] as number)) max[g] = step;
      }
      last[g] = p;
    }
  }
}
