import { modulo } from '../arithmetic.ts';
import type { Ticks } from '../machine.ts';
import type { Pattern } from '../partition.ts';

/** True when the pattern looks the same in every machine period. */
export function isPeriodic(pattern: Pattern, period: Ticks): boolean {
  return period % pattern.period === 0;
}

/** ORs `bits` into every tick of machine period k at which the pattern fires. */
export function paintPattern(mask: Uint8Array, pattern: Pattern, k: number, period: Ticks, bits: number): void {
  forResidues(pattern, k, period, (first) => {
    for (let p = first; p < period; p += pattern.period) mask[p] = (mask[p] as number) | bits;
  });
}

/** Writes `value` instead, so that the pattern painted last wins. */
export function stampPattern(mask: Uint8Array, pattern: Pattern, k: number, period: Ticks, value: number): void {
  forResidues(pattern, k, period, (first) => {
    for (let p = first; p < period; p += pattern.period) mask[p] = value;
  });
}

/** First bucket of each residue in machine period k; residues without one are left out. */
function forResidues(pattern: Pattern, k: number, period: Ticks, visit: (first: Ticks) => void): void {
  const shift = modulo(k * period, pattern.period);
  if ('at' in pattern) {
    for (const residue of pattern.at) {
      const first = modulo(residue - shift, pattern.period);
      if (first < period) visit(first);
    }
    return;
  }
  for (let i = 0, residue = pattern.start; i < pattern.count; i++, residue += pattern.step) {
    const first = modulo(residue - shift, pattern.period);
    if (first < period) visit(first);
  }
}

/** The pattern as a sorted list of different residues. */
export function residuesOf(pattern: Pattern): Ticks[] {
  const list =
    'at' in pattern
      ? [...pattern.at]
      : Array.from({ length: pattern.count }, (_, i) => pattern.start + i * pattern.step);
  return [...new Set(list)].sort((a, b) => a - b);
}

/** Ticks in [from, to) that are congruent to `residue`. */
export function countResidue(residue: Ticks, period: Ticks, from: Ticks, to: Ticks): number {
  const upTo = (limit: Ticks): number => Math.floor((limit - 1 - residue) / period) + 1;
  return upTo(to) - upTo(from);
}
