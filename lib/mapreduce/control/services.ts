import type { Configs } from '../redis/configs.ts';

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
