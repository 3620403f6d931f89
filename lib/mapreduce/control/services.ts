import type { Configs } from '../redis/configs.ts';
import type { Report } from '../redis/reports.ts';

/** All services that are there. */
export function servicesOf({ ingesters, workers, reducer }: Configs) {
  return [...ingesters, ...workers, ...(reducer ? [reducer] : [])];
}

/** Streams to whose ingester every worker is connected. */
export function connectedStreams({ ingesters, workers }: Configs): ReadonlySet<string> {
  const whole = ingesters.filter(({ connected_workers }) => {
    const connected = new Set(Object.values(connected_workers).map(({ service_uuid }) => service_uuid));
    return workers.every(({ service_uuid }) => connected.has(service_uuid));
  });
  return new Set(whole.flatMap(({ streams }) => streams));
}

/** Who has sent a report: `worker w1`, `ingester det`, `reducer`. */
export function reporterOf(report: Report): string {
  if (report.source === 'worker') return `worker ${report.worker}`;
  return report.source === 'ingester' ? `ingester ${report.ingester}` : 'reducer';
}

/** Names of those with a role, of services named like that. */
export function namesIn(services: ReadonlySet<string>, role: 'worker' | 'ingester'): string[] {
  return [...services].filter((name) => name.startsWith(`${role} `)).map((name) => name.slice(role.length + 1));
}
