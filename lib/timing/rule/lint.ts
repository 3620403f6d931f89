import { firstCode, type Group, type Inhibit, LAST_CODE, type Partition, type Warning } from '../partition.ts';
import type { Plan } from '../pulse/plan.ts';
import { sourceOfCode } from '../pulse/source.ts';
import { lintProgram, lintSteadyState } from '../sequence/lint.ts';
import { decodeProgram } from '../sequence/program.ts';
import type { Verdict } from '../verdict.ts';

const L0_DELAY_MAX = 99;
const KEEP_RAW_MIN = 0.8679;
const KEEP_RAW_MAX = 910000;

/** Findings that never change the verdict (spec timing 14.4) and follow from the partition alone. */
export function lintPartition(plan: Plan): Warning[] {
  const { partition } = plan;
  const warnings = partition.groups.flatMap((group) => [...lintSelect(group), ...lintSettings(partition, group)]);
  warnings.push(...lintCodeSources(plan), ...lintCodeMap(plan), ...lintInhibits(partition), ...lintPrograms(plan));
  return warnings;
}

/** Findings that follow from the counts. */
export function lintResult(verdict: Verdict): Warning[] {
  const warnings: Warning[] = [];
  for (const [g, group] of Object.entries(verdict.groups)) {
    if (group.steady.sumMax !== 0) continue;
    const index = Number(g);
    const code = index === verdict.common ? 'common-never-fires' : 'never-fires';
    warnings.push({ code, group: index, text: `Group ${g} (${group.select}) never fires in the steady phase.` });
  }
  if (verdict.window.transientCounted) return warnings;
  for (const [what, found] of [
    ['pulses', verdict.violations.transient],
    ['accepted pulses', verdict.accepted?.violations.transient],
  ] as const) {
    if (found === undefined || found.pulses.certain === 0) continue;
    const text = `${found.pulses.certain} ${what} of the start-up violate the rule, the first at ${found.first}; not counted.`;
    warnings.push({ code: 'transient-violation', group: null, text });
  }
  return warnings;
}

function lintSelect(group: Group): Warning[] {
  const { select, index } = group;
  if (select?.kind === 'code' && select.code > LAST_CODE) {
    return [
      {
        code: 'code-out-of-range',
        group: index,
        text: `Group ${index}: code ${select.code} does not exist and never fires.`,
      },
    ];
  }
  if (select?.kind === 'mains' && select.slots.length === 0) {
    return [{ code: 'ac-slots-empty', group: index, text: `Group ${index}: mains select without a slot never fires.` }];
  }
  if (select?.kind === 'undefinedMarker') {
    return [
      {
        code: 'marker-undefined',
        group: index,
        text: `Group ${index}: marker ${select.index} is not defined; taken as unknown.`,
      },
    ];
  }
  return [];
}

function lintSettings(partition: Partition, group: Group): Warning[] {
  const warnings: Warning[] = [];
  const { index, l0Delay, keepRawRate } = group;
  const limit = partition.autoCommon && index !== partition.common ? L0_DELAY_MAX - 1 : L0_DELAY_MAX;
  if (l0Delay !== undefined && l0Delay > limit) {
    warnings.push({
      code: 'l0delay-range',
      group: index,
      text: `Group ${index}: L0Delay ${l0Delay} is above ${limit}.`,
    });
  }
  if (keepRawRate !== undefined && (keepRawRate < KEEP_RAW_MIN || keepRawRate > KEEP_RAW_MAX)) {
    const text = `Group ${index}: keepRawRate ${keepRawRate} Hz is outside ${KEEP_RAW_MIN}..${KEEP_RAW_MAX}; the register overflows silently.`;
    warnings.push({ code: 'keepraw-range', group: index, text });
  }
  return warnings;
}

/** A code nobody makes is a gap in the proof, except when every group uses the same one. */
function lintCodeSources(plan: Plan): Warning[] {
  const { partition, sources } = plan;
  const codes = partition.groups.map((group) => (group.select?.kind === 'code' ? group.select.code : -1));
  if (codes.every((code) => code === codes[0])) return [];
  return partition.groups.flatMap((group, i): Warning[] => {
    const code = codes[i] as number;
    if (code < 0 || code > LAST_CODE || sourceOfCode(partition, sources, code).kind !== 'unknown') return [];
    return [
      {
        code: 'code-without-source',
        group: group.index,
        text: `Group ${group.index}: nothing given here makes code ${code}.`,
      },
    ];
  });
}

function lintCodeMap(plan: Plan): Warning[] {
  const { partition, sources } = plan;
  const other = partition.engines === 8 ? 4 : 8;
  const warnings: Warning[] = [];
  for (const engine of partition.programs.keys()) {
    if (partition.engines === 4 && engine >= 4) {
      warnings.push({ code: 'code-map-old', group: null, text: `Engine ${engine} does not exist with four engines.` });
    }
  }
  for (const { index, select } of partition.groups) {
    if (select?.kind !== 'code' || select.code > LAST_CODE) continue;
    const { code } = select;
    const elsewhere = [...partition.programs.keys()].find(
      (e) => code >= firstCode(other, e) && code < firstCode(other, e) + 4,
    );
    const unknown = sourceOfCode(partition, sources, code).kind === 'unknown';
    if (unknown && elsewhere !== undefined) {
      const text = `Group ${index}: code ${code} would come from engine ${elsewhere} with ${other} engines.`;
      warnings.push({ code: 'code-map-old', group: index, text });
    } else if (partition.engines === 4 && code >= firstCode(4, 0)) {
      const text = `Group ${index}: code ${code} is read in the numbering of four engines (before 2023-11).`;
      warnings.push({ code: 'code-map-old', group: index, text });
    }
  }
  return warnings;
}

function lintInhibits(partition: Partition): Warning[] {
  const warnings: Warning[] = [];
  for (const [group, inhibits] of partition.inhibits) {
    if (inhibits.some((inhibit) => inhibit.interval === 1)) {
      const text = `Group ${group}: an inhibit interval of 1 wraps in the hardware (about 4096 ticks of pause); taken as no effect.`;
      warnings.push({ code: 'inhibit-interval-1', group, text });
    }
  }
  const common = partition.inhibits.get(partition.common) ?? [];
  for (const { index } of partition.groups) {
    if (
      index === partition.common ||
      !common.some((inhibit) => isStricter(inhibit, partition.inhibits.get(index) ?? []))
    )
      continue;
    const text = `The common group has an inhibit that is stricter than those of group ${index}.`;
    warnings.push({ code: 'common-stricter-inhibit', group: index, text });
  }
  return warnings;
}

/** True when no inhibit of the others allows as little. */
function isStricter(inhibit: Inhibit, others: readonly Inhibit[]): boolean {
  return inhibit.interval > 1 && !others.some((o) => o.interval >= inhibit.interval && o.limit <= inhibit.limit);
}

function lintPrograms(plan: Plan): Warning[] {
  const { partition, sources } = plan;
  const warnings: Warning[] = [];
  for (const [engine, sequence] of partition.programs) {
    const name = `Engine ${engine}${sequence.origin === undefined ? '' : ` (${sequence.origin})`}`;
    const known = sources.engines.find((e) => e.engine === engine);
    const program = known?.program ?? decodeProgram(sequence.words, partition.machine, sequence.markerIntervals);
    warnings.push(...lintProgram(program, partition.machine.tickHz, name));
    if (known) warnings.push(...lintSteadyState(program, known.steady, name));
    if (sequence.start === 'any') {
      warnings.push({ code: 'forcereset-start', group: null, text: `${name}: the start phase is arbitrary.` });
    }
  }
  return warnings;
}
