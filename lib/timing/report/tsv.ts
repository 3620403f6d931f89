import type { GroupStatistics, GroupViolations, Verdict, Violations } from '../verdict.ts';

const HEADING = [
  'pass',
  'phase',
  'group',
  'select',
  'detectors',
  'known',
  'sum',
  'sumMax',
  'first',
  'last',
  'minIntv',
  'maxIntv',
  'certain',
  'possible',
  'firstViolation',
];

/** One line per pass, phase and group, with a heading; empty where there is nothing. */
export function tsvLines(verdict: Verdict): string[] {
  const lines = [HEADING.join('\t')];
  for (const phase of ['transient', 'steady'] as const) {
    for (const [g, group] of Object.entries(verdict.groups)) {
      lines.push(row(verdict, ['fires', phase, g], group[phase], verdict.violations[phase]));
      const accepted = verdict.accepted;
      if (accepted?.groups[g])
        lines.push(row(verdict, ['accepted', phase, g], accepted.groups[g][phase], accepted.violations[phase]));
    }
  }
  return lines;
}

function row(
  verdict: Verdict,
  [pass, phase, g]: [string, string, string],
  statistics: GroupStatistics,
  found: Violations,
): string {
  const group = verdict.groups[g];
  const v: GroupViolations | undefined = found.groups[g];
  const { sum, sumMax, first, last, minIntv, maxIntv } = statistics;
  const cells = [
    pass,
    phase,
    g,
    group?.select,
    group?.detectors.join(','),
    group?.known,
    sum,
    sumMax,
    first,
    last,
    minIntv,
    maxIntv,
    v?.certain,
    v?.possible,
    v?.first,
  ];
  return cells.map((cell) => (cell === null || cell === undefined ? '' : String(cell))).join('\t');
}
