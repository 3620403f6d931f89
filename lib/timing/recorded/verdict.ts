import type { Machine } from '../machine.ts';
import { GROUPS, type Warning } from '../partition.ts';
import { Tally } from '../pulse/tally.ts';
import { coincidences, groupStatistics, type Judge, violations } from '../rule/phase.ts';
import { plainTable } from '../rule/states.ts';
import { EXIT_OF, type Verdict } from '../verdict.ts';

export interface RecordedOptions {
  readonly machine: Machine;
  readonly common: number;
  /** Groups that count; default: those that occur, and the common one. */
  readonly groups?: number;
  readonly detectors?: ReadonlyMap<number, readonly string[]>;
  readonly warnings?: readonly Warning[];
}

/** The verdict on masks that were seen rather than predicted: everything is known, and all pulses are the steady phase (spec timing 13.6). */
export function recordedVerdict(tally: Tally, pulses: number, options: RecordedOptions): Verdict {
  const { common, machine } = options;
  const inUse = (options.groups ?? groupsSeen(tally)) | (1 << common);
  const judge: Judge = { table: plainTable(common, inUse), inUse, known: inUse, common, slotsOutside: new Map() };
  const none = new Tally();
  const found = { transient: violations(none, judge), steady: violations(tally, judge) };
  const verdict = found.steady.pulses.certain > 0 ? 'VIOLATION' : 'OK';
  const groups: Record<string, Verdict['groups'][string]> = {};
  for (let g = 0; g < GROUPS; g++) {
    if (!((inUse >> g) & 1)) continue;
    groups[g] = {
      select: 'as recorded',
      detectors: options.detectors?.get(g) ?? [],
      known: true,
      transient: groupStatistics(none, judge, g),
      steady: groupStatistics(tally, judge, g),
    };
  }
  return {
    tool: 'rog-validate',
    format: 'rog-validate/1',
    verdict,
    exit: EXIT_OF[verdict],
    machine: { name: machine.name, period: machine.period },
    common,
    autoCommon: false,
    window: { warmup: 0, superPeriod: null, complete: true, transientCounted: false, engines: {} },
    groups,
    coinc: { transient: coincidences(none, judge), steady: coincidences(tally, judge) },
    violations: found,
    accepted: null,
    warnings: options.warnings ?? [],
    sites: tally.sites.map((site) => ({ ...site, certain: true })),
    hints: [],
    crossCheck: { comparisons: 0 },
    pulses,
  };
}

function groupsSeen(tally: Tally): number {
  let bits = 0;
  for (let v = 0; v < 256; v++) if ((tally.bins[v] as number) > 0) bits |= v;
  return bits;
}
