import { gcd } from '../arithmetic.ts';
import { PeriodMasks } from '../pulse/masks.ts';
import type { Plan } from '../pulse/plan.ts';
import type { Verdict } from '../verdict.ts';
import { pairIndex } from './phase.ts';

/** Longest window that is walked again for a hint. */
const HINT_PERIODS = 32;

/** What would make the partition right or provable, in words; no part of the proof. */
export function hintsFor(plan: Plan, verdict: Verdict): string[] {
  const { partition, sources } = plan;
  const hints = [...containment(plan, verdict), ...commonByGroup(plan, verdict), ...commonByMarker(plan, verdict)];
  if (!sources.complete) {
    hints.push(
      `The joint pattern does not repeat within ${partition.maxPeriods} machine periods: raise --max-periods to prove it.`,
    );
  }
  if (plan.unknownRates.size > 0) {
    const names = [...plan.unknownRates.keys()].join(', ');
    hints.push(`Unknown: ${names}. Give the program (--seq E:FILE) or the pattern table (--ctrl) that makes them.`);
  }
  const gated = partition.groups.some((group) => group.destinations !== null);
  if (partition.beam.kind === 'unknown' && gated)
    hints.push('The beam is unknown: --beam FILE, --beam none or --beam DESTINATION settles it.');
  const accepted = verdict.accepted?.violations.steady;
  if (accepted && accepted.pulses.certain > 0 && verdict.violations.steady.pulses.certain === 0) {
    hints.push(
      'The patterns overlap; the inhibits of the common group refuse pulses that others accept. Relax them or give them to all groups.',
    );
  }
  return hints;
}

/** How each violating group relates to the common group. */
function containment(plan: Plan, verdict: Verdict): string[] {
  const hints: string[] = [];
  const common = verdict.groups[verdict.common];
  for (const [g, found] of Object.entries(verdict.violations.steady.groups)) {
    const group = verdict.groups[g];
    if (!group || !common || found.certain === 0 || group.steady.sum === 0) continue;
    const share = found.certain === group.steady.sum ? 'every' : ratio(found.certain, group.steady.sum);
    hints.push(
      `Group ${g} (${group.select}) is not contained in group ${verdict.common} (${common.select}): ${share} pulse${share.startsWith('one') ? 's' : ''} is outside.`,
    );
  }
  for (const [g, found] of Object.entries(verdict.violations.steady.groups)) {
    if ((found.acSlots ?? 0) > 0)
      hints.push(`Group ${g} uses ${found.acSlots} mains slots of 720 that the common group does not.`);
  }
  return plan.partition.autoCommon ? [] : hints;
}

function ratio(part: number, whole: number): string {
  return whole % part === 0
    ? `every ${whole / part}${ordinal(whole / part)}`
    : `one in ${(whole / part).toPrecision(3)}`;
}

function ordinal(n: number): string {
  const tens = n % 100;
  if (tens >= 11 && tens <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][n % 10] ?? 'th';
}

/** Another group of the partition that contains all of them. */
function commonByGroup(plan: Plan, verdict: Verdict): string[] {
  const indices = plan.partition.groups.map((group) => group.index);
  const counts = verdict.coinc.steady;
  const contains = (h: number, g: number): boolean => {
    const both = counts[pairIndex(Math.min(g, h), Math.max(g, h))];
    return (
      both !== null && both !== undefined && both === verdict.groups[g]?.steady.sum && verdict.groups[g]?.known === true
    );
  };
  return indices
    .filter((h) => h !== verdict.common && verdict.groups[h]?.known && indices.every((g) => g === h || contains(h, g)))
    .map((h) => `Group ${h} (${verdict.groups[h]?.select}) contains all groups.`);
}

/** The slowest marker that contains everything the other groups may do. */
function commonByMarker(plan: Plan, verdict: Verdict): string[] {
  const { machine, autoCommon, common } = plan.partition;
  if (autoCommon || plan.sources.superPeriod > HINT_PERIODS || verdict.violations.steady.pulses.possible === 0)
    return [];
  const others = plan.inUse & ~(1 << common);
  let step = machine.period;
  const masks = new PeriodMasks(plan);
  const { warmup, superPeriod } = plan.sources;
  masks.enter(warmup);
  for (let k = warmup; k < warmup + superPeriod && step > 1; k++) {
    const mask = masks.paint(k);
    for (let p = 0; p < plan.period && step > 1; p++) {
      if ((mask[p] as number) & others && p % step !== 0) step = gcd(step, p);
    }
  }
  const fits = machine.markers.filter((marker) => step % marker.interval === 0).sort((a, b) => b.interval - a.interval);
  const slowest = fits[0];
  return slowest ? [`${slowest.name} is the slowest marker that contains all other groups.`] : [];
}
