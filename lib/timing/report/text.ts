import type { Machine } from '../machine.ts';
import { GROUPS } from '../partition.ts';
import { pairIndex } from '../rule/phase.ts';
import type { GroupStatistics, Verdict } from '../verdict.ts';

const DECIDED = { OK: 'I', VIOLATION: 'E', UNPROVED: 'W' } as const;

/** The verdict for people, one fact per line, in a stable order (spec timing 14.2); without the last line. */
export function textLines(verdict: Verdict, machine: Machine): string[] {
  return [
    ...headLines(verdict, machine),
    ...groupLines(verdict, machine),
    ...coincidenceLines(verdict),
    ...violationLines(verdict),
    ...siteLines(verdict, machine),
    ...verdict.hints.map((hint) => `hint       ${hint}`),
  ];
}

/** The last line of every run: what process managers and log scanners look at. */
export function verdictLine(verdict: Verdict): string {
  const { window, violations, accepted } = verdict;
  const counted = window.transientCounted ? [violations.transient, violations.steady] : [violations.steady];
  let found = counted.reduce((sum, v) => sum + v.pulses.certain, 0);
  let first = counted.map((v) => v.first).find((pulse) => pulse !== null);
  let kind = 'violations';
  if (found === 0 && accepted !== null) {
    const refused = window.transientCounted
      ? [accepted.violations.transient, accepted.violations.steady]
      : [accepted.violations.steady];
    const sum = refused.reduce((n, v) => n + v.pulses.certain, 0);
    if (sum > 0) {
      [found, kind] = [sum, 'acceptedViolations'];
      first = refused.map((v) => v.first).find((pulse) => pulse !== null);
    }
  }
  const possible = counted.reduce((sum, v) => sum + v.pulses.possible, 0);
  const slots = Object.values(violations.steady.groups).reduce((sum, g) => sum + (g.acSlots ?? 0), 0);
  const parts = [
    `<${DECIDED[verdict.verdict]}> rog-validate: ${verdict.verdict} common=${verdict.common}`,
    `groups=${Object.keys(verdict.groups).join(',')} pulses=${verdict.pulses}`,
    `warmup=${window.warmup} period=${window.superPeriod ?? 'none'} ${kind}=${found}`,
  ];
  if (possible > found) parts.push(`possible=${possible}`);
  if (slots > 0) parts.push(`acSlots=${slots}`);
  if (verdict.verdict === 'VIOLATION' && first !== undefined) parts.push(`first=${first}`);
  return parts.join(' ');
}

function headLines(verdict: Verdict, machine: Machine): string[] {
  const { window } = verdict;
  const lines = [
    `machine    ${machine.name}: ${machine.period} ticks of ${(1e6 / machine.tickHz).toFixed(6)} us per machine period`,
  ];
  if (window.superPeriod === null) lines.push(`window     ${verdict.pulses} recorded pulses`);
  else {
    const end = window.complete ? 'then it repeats' : 'the limit: it does not repeat within that';
    lines.push(`window     ${window.warmup} machine periods of start-up, ${window.superPeriod} steady, ${end}`);
  }
  for (const [engine, report] of Object.entries(window.engines)) {
    const life =
      report.halt === null || report.halt === undefined
        ? `period ${report.superPeriod}`
        : `halts at tick ${report.halt}`;
    lines.push(`engine     ${engine}: ${report.known ? `start-up ${report.warmup}, ${life}` : 'unknown'}`);
  }
  return lines;
}

function groupLines(verdict: Verdict, machine: Machine): string[] {
  const rows = [['group', 'select', 'detectors', 'sum', 'rate Hz', 'first', 'last', 'min', 'max']];
  const periods = verdict.window.superPeriod;
  const ticks = periods === null ? verdict.pulses : periods * machine.period;
  for (const [g, group] of Object.entries(verdict.groups)) {
    const steady = group.steady;
    const name = Number(g) === verdict.common ? `${g} common` : g;
    const rate = group.known ? ((steady.sum * machine.tickHz) / Math.max(1, ticks)).toPrecision(7) : '-';
    rows.push([
      name,
      group.select,
      group.detectors.join(',') || '-',
      sumText(steady, group.known),
      rate,
      ...spacing(steady),
    ]);
  }
  return columns(rows);
}

function sumText(statistics: GroupStatistics, known: boolean): string {
  return known ? String(statistics.sum) : `${statistics.sum}..${statistics.sumMax}`;
}

function spacing({ first, last, minIntv, maxIntv }: GroupStatistics): string[] {
  return [first, last, minIntv, maxIntv].map((value) => (value === null ? '-' : String(value)));
}

/** The upper triangle over the groups in use, as the live counters show it. */
function coincidenceLines(verdict: Verdict): string[] {
  const used = Array.from({ length: GROUPS }, (_, g) => g).filter((g) => verdict.groups[g] !== undefined);
  const rows = [['coinc', ...used.map(String)]];
  for (const i of used) {
    const cells = used.map((j) => (j < i ? '' : String(verdict.coinc.steady[pairIndex(i, j)] ?? '?')));
    rows.push([String(i), ...cells]);
  }
  return columns(rows);
}

function violationLines(verdict: Verdict): string[] {
  const lines: string[] = [];
  for (const [phase, found] of [
    ['steady', verdict.violations.steady],
    ['start-up', verdict.violations.transient],
    ['accepted', verdict.accepted?.violations.steady],
  ] as const) {
    for (const [g, v] of Object.entries(found?.groups ?? {})) {
      if (v.possible === 0 && (v.acSlots ?? 0) === 0) continue;
      const sum = phase === 'steady' ? (verdict.groups[g]?.steady.sum ?? 0) : 0;
      const share = sum > 0 ? ` of ${sum} (${((100 * v.certain) / sum).toPrecision(4)} %)` : '';
      const open = v.possible > v.certain ? `, up to ${v.possible} possible` : '';
      const slots = v.acSlots ? `, ${v.acSlots} mains slots outside` : '';
      const from = v.first ?? v.firstPossible;
      lines.push(
        `violation  group ${g} ${phase}: ${v.certain}${share}${open}${slots}${from === null ? '' : `, first at ${from}`}`,
      );
    }
  }
  return lines;
}

function siteLines(verdict: Verdict, machine: Machine): string[] {
  return verdict.sites.map(({ pulse, mask, certain }) => {
    const where =
      verdict.window.superPeriod === null
        ? ''
        : ` = period ${Math.floor(pulse / machine.period)} bucket ${pulse % machine.period}`;
    const seconds = (pulse / machine.tickHz).toFixed(6);
    const others = Object.keys(verdict.groups).filter((g) => Number(g) !== verdict.common && (mask >> Number(g)) & 1);
    const groups = others.length === 1 ? `group ${others[0]} fires` : `groups ${others.join(',')} fire`;
    const verb = certain ? 'does not' : 'may not';
    const why = `${groups}${certain ? '' : ' perhaps'}, common ${verdict.common} (${verdict.groups[verdict.common]?.select}) ${verb}`;
    return `pulse      ${pulse}${where} (${seconds} s) mask 0x${mask.toString(16).padStart(2, '0')}: ${why}`;
  });
}

/** Rows as aligned text; the first row is the heading. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => (row[c] ?? '').length)));
  const numeric = widths.map((_, c) => rows.slice(1).every((row) => /^[\d.?-]*$/.test(row[c] ?? '')));
  return rows.map((row) =>
    row
      .map((text, c) =>
        numeric[c] && c > 0 ? text.padStart(widths[c] ?? 0) : text.padEnd(c === 0 ? 10 : (widths[c] ?? 0)),
      )
      .join(' ')
      .trimEnd(),
  );
}
