/**
 * The whole proof by brute force, tick by tick and state by state, from the definitions of spec timing 13. Slow, simple, and independent of
 * lib/timing/pulse and lib/timing/rule; it takes the raw partition object, not what our reader makes of it.
 */

import type { RawGroup, RawPartition } from './random-partition.ts';
import { type Accepted, acceptedReference } from './reference-accepted.ts';
import { BadProgram } from './reference-engine.ts';
import {
  type Found,
  groupKnown,
  type Known,
  known,
  phaseViolations,
  possibleMasks,
  statistics,
} from './reference-states.ts';

export interface Expected {
  readonly verdict: string;
  readonly window: { warmup: number; superPeriod: number; complete: boolean };
  readonly groups: Record<string, { known: boolean; transient: unknown; steady: unknown }>;
  readonly violations: { transient: unknown; steady: unknown };
  readonly accepted: unknown;
}

/** The expected result, or 'ERROR'. */
export function expectedVerdict(raw: RawPartition): Expected | 'ERROR' {
  let sources: Known;
  try {
    sources = known(raw);
  } catch (error) {
    if (error instanceof BadProgram) return 'ERROR';
    throw error;
  }
  const N = raw.machine.period;
  const memo = new Map<string, number[]>();
  const end = (sources.warmup + sources.superPeriod) * N;
  const pulses = Array.from({ length: end }, (_, p) => possibleMasks(raw, sources, p, memo));
  const split = sources.warmup * N;
  const indices = [...new Set([raw.common, ...Object.keys(raw.groups).map(Number)])];
  const isKnown = (g: number): boolean => {
    if (raw.autoCommon && g === raw.common) return indices.every((h) => h === g || isKnown(h));
    return groupKnown(raw, sources, raw.groups[g] as RawGroup);
  };
  const groups: Expected['groups'] = {};
  for (const g of indices) {
    const phase = (from: number, to: number) => groupPhase(raw, pulses, g, from, to, isKnown(g));
    groups[g] = { known: isKnown(g), transient: phase(0, split), steady: phase(split, end) };
  }
  const violations = {
    transient: phaseViolations(raw, indices, pulses, 0, split),
    steady: phaseViolations(raw, indices, pulses, split, end),
  };
  const allKnown = indices.every(isKnown);
  const inhibited = Object.keys(raw.inhibits).length > 0;
  const ownKnown =
    !raw.autoCommon || !raw.groups[raw.common] || groupKnown(raw, sources, raw.groups[raw.common] as RawGroup);
  const accepted =
    inhibited && allKnown && (ownKnown || !raw.inhibits[raw.common]) ? acceptedReference(raw, sources, indices) : null;
  const { warmup, superPeriod, complete } = sources;
  return {
    verdict: decide(raw, sources, violations, accepted),
    window: { warmup, superPeriod, complete },
    groups,
    violations,
    accepted,
  };
}

function groupPhase(
  raw: RawPartition,
  pulses: readonly number[][],
  g: number,
  from: number,
  to: number,
  isKnown: boolean,
) {
  const certain: number[] = [];
  let possible = 0;
  for (let p = from; p < to; p++) {
    const masks = pulses[p] as number[];
    const others = masks.reduce((all, mask) => all & mask, 255) & ~(1 << raw.common);
    const union = raw.autoCommon && g === raw.common;
    if (union ? others !== 0 : masks.every((mask) => (mask >> g) & 1)) certain.push(p);
    if (masks.some((mask) => (mask >> g) & 1)) possible++;
  }
  return statistics(certain, possible, isKnown);
}

function decide(
  raw: RawPartition,
  sources: Known,
  found: { transient: Found; steady: Found },
  accepted: Accepted | null,
): string {
  const finite = [...sources.engines.values()].some(
    (engine) => engine.halt !== null && engine.halt < raw.maxPeriods * raw.machine.period,
  );
  const counted = raw.transient === 'check' || (raw.transient === 'auto' && finite);
  const looked = [found.steady, ...(counted ? [found.transient] : [])];
  if (accepted) looked.push(accepted.violations.steady, ...(counted ? [accepted.violations.transient] : []));
  const slots = Object.entries(found.steady.groups).some(
    ([g, v]) => (v.acSlots ?? 0) > 0 && !(raw.groups[g as unknown as number]?.dest ?? []).length,
  );
  if (slots || looked.some((v) => v.pulses.certain > 0)) return 'VIOLATION';
  const unproved =
    !sources.complete ||
    accepted?.window.complete === false ||
    (accepted === null && raw.inhibits[raw.common] !== undefined);
  return unproved || looked.some((v) => v.pulses.possible > 0) ? 'UNPROVED' : 'OK';
}
