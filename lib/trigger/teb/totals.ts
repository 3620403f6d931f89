/** What teb-decide counts beside its event builder, the summary at the end, and the closed balance of contributions (spec teb.md, 10 to 12). */

import type { Balance } from '../../cli/balance.ts';
import type { BuilderCounts } from '../building/counts.ts';
import type { DeciderCounts } from '../decide/types.ts';
import { LIMIT } from '../wire/layout.ts';

type Tally = Record<string, number>;

/** What is counted when the fate of an event is settled, and what happened around it. */
export interface TebTotals {
  /** L1Accepts, and everything else; also those of other deciders. */
  events: number;
  transitions: number;
  /** Contributions in them: decided here, or left to another decider. */
  decided: number;
  ofOthers: number;
  fixedUp: number;
  /** By source number. */
  missing: Tally;
  /** Closed by age or skew. */
  timedOut: number;
  results: number;
  persisted: number;
  prescaled: number;
  bypassed: number;
  forced: number;
  /** By number of the MEB. */
  monitored: number[];
  monDenied: number;
  badFrames: number;
  /** Words of the free-buffer stream that announce nothing of ours. */
  badWords: number;
  lostSources: number;
  restarts: number;
  staleAnswers: number;
  failures: Tally;
  primBad: Tally;
  missingKeys: Tally;
}

export function zeroTotals(): TebTotals {
  return {
    events: 0,
    transitions: 0,
    decided: 0,
    ofOthers: 0,
    fixedUp: 0,
    missing: {},
    timedOut: 0,
    results: 0,
    persisted: 0,
    prescaled: 0,
    bypassed: 0,
    forced: 0,
    monitored: new Array<number>(LIMIT.mebs).fill(0),
    monDenied: 0,
    badFrames: 0,
    badWords: 0,
    lostSources: 0,
    restarts: 0,
    staleAnswers: 0,
    failures: {},
    primBad: {},
    missingKeys: {},
  };
}

/** Adds what a decider has counted. */
export function addDecider(totals: TebTotals, counts: DeciderCounts): TebTotals {
  totals.restarts += counts.restarts;
  totals.staleAnswers += counts.staleAnswers;
  addTo(totals.failures, counts.failures);
  addTo(totals.primBad, counts.primBad);
  addTo(totals.missingKeys, counts.missingKeys);
  return totals;
}

function addTo(total: Tally, more: Readonly<Tally>): void {
  for (const [name, count] of Object.entries(more)) total[name] = (total[name] ?? 0) + count;
}

/** Everything at one moment. */
export interface TebCounts extends TebTotals {
  /** Contributions that came; markers are not among them. */
  contributions: number;
  markers: number;
  rejected: BuilderCounts['rejected'];
}

/** Contributions that were not taken, by reason. */
export function rejections({ rejected }: Pick<TebCounts, 'rejected'>): Tally {
  const { rogs_mismatch, ...reasons } = rejected;
  return reasons;
}

/** Contributions in = decided here + those of other deciders + each rejection + those that wait. */
export function tebBalance(counts: TebCounts): Balance {
  const { decided, ofOthers, contributions } = counts;
  const lost = rejections(counts);
  const waiting = Object.values(lost).reduce((left, count) => left - count, contributions - decided - ofOthers);
  return {
    in: contributions,
    out: decided,
    losses: { ...lost, 'for-other-deciders': ofOthers, waiting },
    info: {
      events: counts.events,
      transitions: counts.transitions,
      'fixed-up': counts.fixedUp,
      rogs_mismatch: counts.rejected.rogs_mismatch,
      persisted: counts.persisted,
      prescaled: counts.prescaled,
      monitored: counts.monitored.reduce((sum, count) => sum + count, 0),
      'mon-denied': counts.monDenied,
      forced: counts.forced,
      restarts: counts.restarts,
      'bad-frames': counts.badFrames,
      'lost-sources': counts.lostSources,
    },
  };
}

/** The object that is printed at the end, with the names of section 10. @param mebs numbers of the monitors */
export function tebSummary(counts: TebCounts, mebs: readonly number[]): Record<string, unknown> {
  return {
    events: counts.events,
    transitions: counts.transitions,
    fixed_up: counts.fixedUp,
    rejected: counts.rejected,
    missing: counts.missing,
    forced: counts.forced,
    restarts: counts.restarts,
    monitored: mebs.map((meb) => counts.monitored[meb]!),
    mon_denied: counts.monDenied,
    contributions: counts.contributions,
    markers: counts.markers,
    decided: counts.decided,
    for_other_deciders: counts.ofOthers,
    results: counts.results,
    persisted: counts.persisted,
    prescaled: counts.prescaled,
    bypassed: counts.bypassed,
    timed_out: counts.timedOut,
    bad_frame: counts.badFrames,
    bad_word: counts.badWords,
    lost_source: counts.lostSources,
    stale_answer: counts.staleAnswers,
    failures: counts.failures,
    prim_bad: counts.primBad,
    missing_keys: counts.missingKeys,
  };
}

/** What was counted between two moments. */
export function difference(now: TebCounts, before: TebCounts): TebCounts {
  return minus(now as unknown as Numbers, before as unknown as Numbers) as unknown as TebCounts;
}

type Numbers = { readonly [name: string]: number | readonly number[] | Numbers };

function minus(now: Numbers, before: Numbers): Numbers {
  return Object.fromEntries(
    Object.entries(now).map(([name, value]) => {
      const base = before[name];
      if (typeof value === 'number') return [name, value - Number(base ?? 0)];
      if (Array.isArray(value)) return [name, value.map((count: number, i) => count - (base as number[])[i]!)];
      return [name, minus(value as Numbers, (base ?? {}) as Numbers)];
    }),
  );
}
