import { lowerBound, modulo } from '../arithmetic.ts';
import type { Partition } from '../partition.ts';
import { PeriodMasks } from '../pulse/masks.ts';
import { makePlan } from '../pulse/plan.ts';
import { findSources } from '../pulse/source.ts';
import { ruleTable } from '../rule/states.ts';
import { finish } from '../steps.ts';
import type { RecordedEvent } from './events.ts';

/** How a recorded run compares with what the pattern says (spec timing 14.1). */
export type Comparison =
  | { readonly comparable: false; readonly why: string }
  | {
      readonly comparable: true;
      /** Pulses between the first and the last event on which some group certainly fires. */
      readonly predicted: number;
      /** Of these, those that no file has. */
      readonly missing: number;
      /** The first of them. */
      readonly firstMissing: readonly { readonly pulseId: bigint; readonly groups: number }[];
      /** Events on pulses where no group could fire. */
      readonly unexpected: number;
    };

const FIRST_MISSING = 10;

/**
 * Compares events with the steady phase of a partition. Needs pulse IDs, one event on a slow marker to know the phase, and a pattern that repeats
 * every machine period: beyond that the phase of a longer pattern cannot be told from a recording.
 */
export function compareWithPattern(partition: Partition, events: readonly RecordedEvent[]): Comparison {
  const timed = events.filter((event) => event.pulseId !== null);
  const anchor = timed.find((event) => event.slowMarker);
  if (timed.length < events.length)
    return incomparable('not every event has a pulse ID (give the file with the timing detector as well)');
  if (!anchor || anchor.pulseId === null) return incomparable('no event is on a slow marker, so the phase is unknown');
  const sources = finish(findSources(partition));
  if (!sources.complete || sources.superPeriod > 1)
    return incomparable('the pattern is longer than one machine period');
  const plan = makePlan(partition, sources);
  const masks = new PeriodMasks(plan);
  masks.enter(sources.warmup);
  return compare(masks.paint(sources.warmup), ruleTable(plan), plan.period, timed, anchor.pulseId);
}

function incomparable(why: string): Comparison {
  return { comparable: false, why };
}

function compare(
  mask: Uint8Array,
  table: ReturnType<typeof ruleTable>,
  period: number,
  events: readonly RecordedEvent[],
  anchor: bigint,
): Comparison {
  const buckets: number[] = [];
  for (let p = 0; p < period; p++) if (table.fires[mask[p] as number]) buckets.push(p);
  // Ticks relative to the anchor, a slow marker: small enough for doubles.
  const ticks = events.map((event) => Number((event.pulseId as bigint) - anchor)).sort((a, b) => a - b);
  const [first, last] = [ticks[0] as number, ticks[ticks.length - 1] as number];
  const countBelow = (tick: number): number =>
    Math.floor(tick / period) * buckets.length + lowerBound(buckets, modulo(tick, period));
  const predicted = countBelow(last + 1) - countBelow(first);
  const seen = new Set(ticks);
  let met = 0;
  let unexpected = 0;
  for (const tick of seen) {
    const candidates = mask[modulo(tick, period)] as number;
    if (table.fires[candidates]) met++;
    if (!table.mayFire[candidates]) unexpected++;
  }
  const firstMissing: { pulseId: bigint; groups: number }[] = [];
  for (let i = countBelow(first); firstMissing.length < Math.min(FIRST_MISSING, predicted - met); i++) {
    const tick = Math.floor(i / buckets.length) * period + (buckets[modulo(i, buckets.length)] as number);
    const groups = table.fires[mask[modulo(tick, period)] as number] as number;
    if (!seen.has(tick)) firstMissing.push({ pulseId: anchor + BigInt(tick), groups });
  }
  return { comparable: true, predicted, missing: predicted - met, firstMissing, unexpected };
}
