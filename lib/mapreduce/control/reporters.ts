import type { Report } from '../redis/reports.ts';

/** Who has sent a report: `worker w1`, `ingester det`, `reducer`. */
export function reporterOf(report: Report): string {
  if (report.source === 'worker') return `worker ${report.worker}`;
  return report.source === 'ingester' ? `ingester ${report.ingester}` : 'reducer';
}

/** Names of the reporters with a role. */
export function namesIn(reporters: ReadonlySet<string>, role: 'worker' | 'ingester'): string[] {
  return [...reporters].filter((name) => name.startsWith(`${role} `)).map((name) => name.slice(role.length + 1));
}
