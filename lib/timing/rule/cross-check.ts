import { DaqError } from '../../errors.ts';
import { gcd, lcm, modulo } from '../arithmetic.ts';
import type { Ticks } from '../machine.ts';
import { GROUPS, type Group, LAST_CODE } from '../partition.ts';
import { residuesOf } from '../pulse/pattern.ts';
import type { Plan } from '../pulse/plan.ts';
import { type KnownEngine, sourceOfCode } from '../pulse/source.ts';
import type { Verdict } from '../verdict.ts';
import { pairIndex } from './phase.ts';

/** A set of pulses that is a union of residue classes of one period. */
interface ResidueSet {
  readonly period: Ticks;
  readonly residues: readonly Ticks[];
}

/** Residues above which a set is left to the brute force alone. */
const MOST_RESIDUES = 100_000;

/**
 * Counts the steady phase again from residue classes (spec timing 14.3): sums, coincidences and violations of every pair of groups that are
 * such sets, and the rules that hold without simulation. Returns the number of comparisons.
 * Throws `cross-check` at the first difference: the program contradicts itself.
 */
export function crossCheck(plan: Plan, verdict: Verdict): number {
  const sets = plan.partition.groups.map((group) => ({ g: group.index, set: residueSet(plan, group) }));
  const ticks = plan.sources.superPeriod * plan.period;
  const checker = new Checker();
  for (const { g, set } of sets) {
    if (set === null || ticks % set.period !== 0) continue;
    const sum = (ticks / set.period) * set.residues.length;
    checker.same(`sum of group ${g}`, verdict.groups[g]?.steady.sum, sum);
    for (const { g: h, set: other } of sets) {
      if (h < g || other === null || ticks % lcm(set.period, other.period) !== 0) continue;
      const both = coincidence(set, other, ticks);
      checker.same(`coincidence of groups ${g} and ${h}`, verdict.coinc.steady[pairIndex(g, h)], both);
      checkViolations(checker, verdict, [g, set, h, other], ticks, both);
    }
  }
  checkRules(checker, plan, verdict);
  return checker.comparisons;
}

class Checker {
  comparisons = 0;

  same(what: string, counted: number | null | undefined, computed: number): void {
    this.comparisons++;
    if (counted === computed) return;
    throw new DaqError(
      'cross-check',
      `The ${what} was counted as ${counted} and computed as ${computed}: do not trust this result.`,
    );
  }
}

/** A group's violations are its pulses without the coincidences with the common group. */
function checkViolations(
  checker: Checker,
  verdict: Verdict,
  pair: [number, ResidueSet, number, ResidueSet],
  ticks: Ticks,
  both: number,
): void {
  const [g, set, h, other] = pair;
  if (verdict.autoCommon || g === h) return;
  for (const [group, pulses, partner] of [
    [g, set, h],
    [h, other, g],
  ] as const) {
    if (partner !== verdict.common) continue;
    const sum = (ticks / pulses.period) * pulses.residues.length;
    checker.same(`violations of group ${group}`, verdict.violations.steady.groups[group]?.certain, sum - both);
  }
}

/** Ticks of a whole joint period that are in both sets: compatible residues meet once per common multiple. */
function coincidence(a: ResidueSet, b: ResidueSet, ticks: Ticks): number {
  const common = gcd(a.period, b.period);
  const classes = new Map<number, number>();
  for (const residue of a.residues) classes.set(residue % common, (classes.get(residue % common) ?? 0) + 1);
  let compatible = 0;
  for (const residue of b.residues) compatible += classes.get(residue % common) ?? 0;
  return compatible * (ticks / lcm(a.period, b.period));
}

/** The group's pulses in the steady phase as residues, or null when they are not such a set, not known, or too many. */
function residueSet(plan: Plan, group: Group): ResidueSet | null {
  const { partition, sources } = plan;
  const { select } = group;
  if (partition.autoCommon && group.index === partition.common) return null;
  if (group.destinations !== null || select === null) return null;
  if (select.kind === 'fixed') return { period: select.interval, residues: [0] };
  if (select.kind !== 'code' || select.code > LAST_CODE) return null;
  const source = sourceOfCode(partition, sources, select.code);
  if (source.kind === 'engine') return engineSet(plan, source.source, source.bit);
  if (source.kind !== 'pattern') return null;
  const [only, ...more] = source.patterns;
  if (only === undefined || more.length > 0) return null;
  const residues = residuesOf(only);
  return residues.length > MOST_RESIDUES ? null : { period: only.period, residues };
}

function engineSet(plan: Plan, known: KnownEngine, bit: number): ResidueSet | null {
  const cycle = known.steady.cycle;
  const from = plan.sources.warmup * plan.period;
  if (cycle === null || cycle.origin > from) return null;
  const residues: Ticks[] = [];
  cycle.offsets.forEach((offset, i) => {
    if (((cycle.words[i] as number) >> bit) & 1) residues.push(modulo(cycle.origin + offset, cycle.length));
  });
  return { period: cycle.length, residues };
}

/** Rules that prove containment without any counting: such a pair must not have a possible violation. */
function checkRules(checker: Checker, plan: Plan, verdict: Verdict): void {
  const { partition } = plan;
  const common = partition.groups.find((group) => group.index === partition.common);
  if (partition.autoCommon || !common) return;
  for (const group of partition.groups) {
    if (group.index === partition.common || group.index >= GROUPS) continue;
    if (!containedBySelect(group, common) && !containedByMains(plan, group, common)) continue;
    checker.same(
      `possible violations of group ${group.index}`,
      verdict.violations.steady.groups[group.index]?.possible,
      0,
    );
  }
}

/** Same code, and every destination of the group is one of the common group. */
function containedBySelect(group: Group, common: Group): boolean {
  if (group.select?.kind !== 'code' || common.select?.kind !== 'code' || group.select.code !== common.select.code)
    return false;
  if (common.destinations === null) return true;
  return group.destinations !== null && (group.destinations & ~common.destinations) === 0;
}

/** Mains slots are released only on multiples of the boundary, where the common group always fires. */
function containedByMains(plan: Plan, group: Group, common: Group): boolean {
  if (group.select?.kind !== 'mains' || common.select?.kind !== 'fixed' || common.destinations !== null) return false;
  return plan.partition.machine.mainsBoundary % common.select.interval === 0;
}
