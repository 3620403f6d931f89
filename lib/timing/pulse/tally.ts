import { GROUPS } from '../partition.ts';
import { appendSpan, emptySpan, type Span } from './spacing.ts';

/** A violating pulse and its mask. */
export interface Site {
  readonly pulse: number;
  readonly mask: number;
}

/** Violating pulses kept for people. */
export const SITES = 10;

/** What was counted over a run of pulses; every number of a phase follows from it. */
export class Tally {
  /** Pulses by mask value. */
  readonly bins = new Float64Array(256);
  /** First pulse with each mask value, or -1. */
  readonly firstOf = new Float64Array(256).fill(-1);
  readonly spans: readonly Span[] = Array.from({ length: GROUPS }, emptySpan);
  readonly sites: Site[] = [];

  /** Adds what was counted on later pulses. */
  append(later: Tally): void {
    for (let v = 0; v < 256; v++) {
      this.bins[v] = (this.bins[v] as number) + (later.bins[v] as number);
      if ((this.firstOf[v] as number) < 0) this.firstOf[v] = later.firstOf[v] as number;
    }
    this.spans.forEach((span, g) => {
      appendSpan(span, later.spans[g] as Span, 0);
    });
    this.sites.push(...later.sites.slice(0, SITES - this.sites.length));
  }

  /** Notes the first pulse of mask values not seen before. */
  noteFirst(mask: Uint8Array, counts: Float64Array, offset: number): void {
    for (let v = 0; v < 256; v++) {
      if ((counts[v] as number) > 0 && (this.firstOf[v] as number) < 0) this.firstOf[v] = offset + mask.indexOf(v);
    }
  }

  /** Notes violating pulses while there is room. `violating`: non-zero for mask values that violate. */
  noteSites(mask: Uint8Array, ticks: number, counts: Float64Array, violating: Uint8Array, offset: number): void {
    if (this.sites.length >= SITES) return;
    let expected = 0;
    for (let v = 0; v < 256; v++) if (violating[v]) expected += counts[v] as number;
    for (let p = 0; p < ticks && expected > 0 && this.sites.length < SITES; p++) {
      const v = mask[p] as number;
      if (!violating[v]) continue;
      expected--;
      this.sites.push({ pulse: offset + p, mask: v });
    }
  }
}
