import { DEFAULT_MAX_PERIODS, GROUPS, type Group, type Partition, type Warning } from './partition.ts';
import { makePlan, type Plan } from './pulse/plan.ts';
import { findSources, type Sources } from './pulse/source.ts';
import type { Tally } from './pulse/tally.ts';
import { PulseWalk } from './pulse/walk.ts';
import { selectText } from './report/select-text.ts';
import { type AcceptedTallies, acceptedPass } from './rule/accepted.ts';
import { crossCheck } from './rule/cross-check.ts';
import { hintsFor } from './rule/hint.ts';
import { lintPartition, lintResult } from './rule/lint.ts';
import { coincidences, groupStatistics, type Judge, violations } from './rule/phase.ts';
import { mainsSlotsOutside, plainTable, ruleTable } from './rule/states.ts';
import { finish, type Steps } from './steps.ts';
import {
  type AcceptedReport,
  type EngineReport,
  EXIT_OF,
  type GroupStatistics,
  type Phases,
  type Verdict,
  type VerdictWord,
  type Violations,
} from './verdict.ts';

export { DEFAULT_MAX_PERIODS };

/**
 * Decides for every pulse of the joint period of all sources whether the common group fires whenever another group of the partition
 * does (spec timing 10 and 13). Pure: no files, no clock.
 *
 * Throws `DaqError` with code `timing-program` when a sequence program cannot run, and `cross-check` when the independent recount
 * differs, which means that this program is wrong and has no answer.
 */
export function validate(partition: Partition): Verdict {
  return finish(validateSteps(partition));
}

/** `validate`, pausing after each machine period. */
export function* validateSteps(partition: Partition): Steps<Verdict> {
  const sources = yield* findSources(partition);
  const plan = makePlan(partition, sources);
  const judge = judgeOf(plan);
  const walk = new PulseWalk(plan, judge.table.possible);
  const transient = yield* walk.phase(0, sources.warmup);
  const steady = yield* walk.phase(sources.warmup, sources.warmup + sources.superPeriod);
  const accepted = wantsAccepted(plan) ? yield* acceptedPass(plan) : null;
  const verdict = assemble(plan, judge, { transient, steady }, accepted);
  return { ...verdict, crossCheck: { comparisons: crossCheck(plan, verdict) } };
}

function judgeOf(plan: Plan): Judge {
  const slotsOutside = new Map<number, number>();
  for (let g = 0; g < GROUPS; g++) {
    const outside = g === plan.partition.common ? undefined : mainsSlotsOutside(plan, g);
    if (outside !== undefined) slotsOutside.set(g, outside);
  }
  return { table: ruleTable(plan), inUse: plan.inUse, known: plan.known, common: plan.partition.common, slotsOutside };
}

/** Inhibits matter only on pulses that are known; an unknown own select of an automatic common group makes them unknown as well. */
function wantsAccepted(plan: Plan): boolean {
  const { inhibits, common, autoCommon } = plan.partition;
  if (inhibits.size === 0 || (plan.inUse & ~plan.known) !== 0) return false;
  return !autoCommon || plan.ownKnown || !inhibits.has(common);
}

function assemble(plan: Plan, judge: Judge, tallies: Phases<Tally>, accepted: AcceptedTallies | null): Verdict {
  const { partition, sources } = plan;
  const found = phases(tallies, (tally) => violations(tally, judge));
  const acceptedReport = accepted === null ? null : reportAccepted(plan, accepted);
  const transientCounted = countsTransient(partition, sources);
  const word = decide(plan, found, acceptedReport, transientCounted);
  const groups: Record<string, Verdict['groups'][string]> = {};
  for (const group of partition.groups) {
    groups[group.index] = {
      select: selectText(group, partition),
      detectors: group.detectors,
      known: ((plan.known >> group.index) & 1) === 1,
      ...phases(tallies, (tally) => groupStatistics(tally, judge, group.index)),
    };
  }
  const verdict: Verdict = {
    tool: 'rog-validate',
    format: 'rog-validate/1',
    verdict: word,
    exit: EXIT_OF[word],
    machine: { name: partition.machine.name, period: partition.machine.period },
    common: partition.common,
    autoCommon: partition.autoCommon,
    window: { ...windowOf(sources), transientCounted, engines: reportEngines(sources) },
    groups,
    coinc: phases(tallies, (tally) => coincidences(tally, judge)),
    violations: found,
    accepted: acceptedReport,
    warnings: [],
    sites: sitesOf(tallies, judge, transientCounted, accepted),
    hints: [],
    crossCheck: { comparisons: 0 },
    pulses: (sources.warmup + sources.superPeriod) * plan.period,
  };
  const warnings = [...partition.warnings, ...lintPartition(plan), ...lintResult(verdict)];
  return { ...verdict, warnings: once(warnings), hints: word === 'OK' ? [] : hintsFor(plan, verdict) };
}

function phases<A, B>(of: Phases<A>, make: (phase: A) => B): Phases<B> {
  return { transient: make(of.transient), steady: make(of.steady) };
}

function windowOf(sources: Sources): { warmup: number; superPeriod: number; complete: boolean } {
  const { warmup, superPeriod, complete } = sources;
  return { warmup, superPeriod, complete };
}

/** Finite programs are the measurement itself; endless ones are normally started long before a run (spec timing 13.5). */
function countsTransient(partition: Partition, sources: Sources): boolean {
  if (partition.transient !== 'auto') return partition.transient === 'check';
  return sources.engines.some((engine) => engine.steady.halt !== null);
}

function decide(
  plan: Plan,
  found: Phases<Violations>,
  accepted: AcceptedReport | null,
  transientCounted: boolean,
): VerdictWord {
  const looked = transientCounted ? [found.transient, found.steady] : [found.steady];
  if (accepted !== null)
    looked.push(accepted.violations.steady, ...(transientCounted ? [accepted.violations.transient] : []));
  const outside = (group: Group): boolean =>
    group.destinations === null && (found.steady.groups[group.index]?.acSlots ?? 0) > 0;
  if (looked.some((v) => v.pulses.certain > 0) || plan.partition.groups.some(outside)) return 'VIOLATION';
  const open =
    looked.some((v) => v.pulses.possible > 0) ||
    !plan.sources.complete ||
    accepted?.window.complete === false ||
    (accepted === null && plan.partition.inhibits.has(plan.partition.common));
  return open ? 'UNPROVED' : 'OK';
}

function reportAccepted(plan: Plan, accepted: AcceptedTallies): AcceptedReport {
  const judge: Judge = {
    table: plainTable(plan.partition.common, plan.inUse),
    inUse: plan.inUse,
    known: plan.inUse,
    common: plan.partition.common,
    slotsOutside: new Map(),
  };
  const groups: Record<string, Phases<GroupStatistics>> = {};
  for (const { index } of plan.partition.groups) {
    groups[index] = phases<Tally, GroupStatistics>(accepted, (tally) => groupStatistics(tally, judge, index));
  }
  return {
    window: { warmup: accepted.warmup, superPeriod: accepted.superPeriod, complete: accepted.complete },
    groups,
    coinc: phases(accepted, (tally) => coincidences(tally, judge)),
    violations: phases(accepted, (tally) => violations(tally, judge)),
  };
}

function reportEngines(sources: Sources): Record<string, EngineReport> {
  const engines: Record<string, EngineReport> = {};
  for (const engine of sources.unknownEngines) engines[engine] = { known: false };
  for (const { engine, steady } of sources.engines) {
    engines[engine] = { known: true, warmup: steady.warmup, superPeriod: steady.superPeriod, halt: steady.halt };
  }
  return engines;
}

function sitesOf(
  tallies: Phases<Tally>,
  judge: Judge,
  transientCounted: boolean,
  accepted: AcceptedTallies | null,
): Verdict['sites'] {
  const counted = transientCounted ? [tallies.transient, tallies.steady] : [tallies.steady];
  const sites = counted
    .flatMap((tally) => tally.sites)
    .map((site) => ({ ...site, certain: (judge.table.certain[site.mask] as number) !== 0 }));
  if (sites.length > 0 || accepted === null) return sites.slice(0, 10);
  const refused = transientCounted ? [...accepted.transient.sites, ...accepted.steady.sites] : accepted.steady.sites;
  return refused.slice(0, 10).map((site) => ({ ...site, certain: true }));
}

/** Drops repeated findings; the first text of a code and group stays. */
function once(warnings: readonly Warning[]): Warning[] {
  const seen = new Set<string>();
  return warnings.filter(({ code, group, text }) => {
    const key = `${code} ${group} ${text}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
