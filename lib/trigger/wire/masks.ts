/** Masks of up to 64 sources as two int32 words. */

import type { SourceMask } from '../types.ts';

export const NO_SOURCES: SourceMask = { low: 0, high: 0 };

/** Mask of some source numbers 0..63. */
export function maskOf(sources: Iterable<number>): SourceMask {
  let low = 0;
  let high = 0;
  for (const source of sources) {
    if (source < 32) low |= 1 << source;
    else high |= 1 << (source - 32);
  }
  return { low, high };
}

/** Source numbers of a mask, ascending. */
export function sourcesOf(low: number, high: number): number[] {
  const sources: number[] = [];
  for (let rest = low; rest !== 0; rest &= rest - 1) sources.push(lowestBit(rest));
  for (let rest = high; rest !== 0; rest &= rest - 1) sources.push(32 + lowestBit(rest));
  return sources;
}

/** Number of the lowest bit that is set; the word must not be 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

export function hasSource(low: number, high: number, source: number): boolean {
  return ((source < 32 ? low >>> source : high >>> (source - 32)) & 1) === 1;
}

/** How many sources a mask has. */
export function countSources(low: number, high: number): number {
  return bitCount(low) + (high === 0 ? 0 : bitCount(high));
}

function bitCount(word: number): number {
  let rest = word - ((word >>> 1) & 0x5555_5555);
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
