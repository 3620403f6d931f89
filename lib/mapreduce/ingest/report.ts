/** The balance of an ingester, as all commands show theirs (spec mapreduce.md 12). */

import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import type { Lane } from './lane.ts';
import type { IngestService } from './service.ts';

/** received = sent + discarded + dropped(reason) + held, over all streams. */
export function ingestBalance({ ingester, series, router, recorded, unpacker, ring }: IngestService): Balance {
  const lanes = [...ingester.lanes.values()];
  const sum = (value: (lane: Lane) => number) => lanes.reduce((total, lane) => total + value(lane), 0);
  const losses: Record<string, number> = {
    discarded: sum(({ counts }) => counts.discarded),
    held: sum(({ held }) => held),
  };
  for (const { counts } of lanes)
    for (const [reason, count] of Object.entries(counts.dropped))
      losses[`dropped-${reason}`] = (losses[`dropped-${reason}`] ?? 0) + count;
  const info: Record<string, number> = {
    ...unpacker?.counts,
    missing: sum(({ counts }) => counts.missing),
    recorded,
  };
  for (const counts of series.values())
    for (const reason of ['bad', 'before', 'after', 'skipped', 'unexpected'] as const)
      info[`messages-${reason}`] = (info[`messages-${reason}`] ?? 0) + counts[reason];
  const { full = 0, away = 0 } = router?.counts ?? {};
  return {
    in: sum(({ counts }) => counts.received),
    out: sum(({ counts }) => counts.sent),
    losses,
    info: {
      ...info,
      full,
      away,
      'events-repeated': ingester.oddities.repeated,
      'frames-gone': ingester.oddities.gone,
      'kept-bytes': ingester.keptBytes,
      'shared-bytes': ring?.used ?? 0,
      shared: ring?.placed ?? 0,
    },
  };
}

/** One line per stream: `det: received 8 = sent 7 + repeated 1; missing 1`. */
export function streamLines({ ingester }: IngestService): string[] {
  return [...ingester.lanes.values()].map(({ name, counts, held }) => {
    const parts = [
      ['sent', counts.sent],
      ['discarded', counts.discarded],
      ...Object.entries(counts.dropped),
      ['held', held],
    ];
    const shown = parts
      .filter(([word, count]) => word === 'sent' || count !== 0)
      .map(([word, count]) => `${word} ${count}`);
    return `${name}: received ${counts.received} = ${shown.join(' + ')}${counts.missing > 0 ? `; missing ${counts.missing}` : ''}`;
  });
}

/** Whether something was lost that a worker should have had. */
export function hasLoss({ ingester }: IngestService): boolean {
  return [...ingester.lanes.values()].some(({ counts }) => {
    const { late, queue, evicted, gap, unplaced } = counts.dropped;
    return counts.missing > 0 || [late, queue, evicted, gap, unplaced].some((count) => (count ?? 0) > 0);
  });
}

export function ingestMeters(service: IngestService): Meter[] {
  const lanes = () => [...service.ingester.lanes.values()];
  const byStream = (value: (lane: Lane) => number) => () =>
    Object.fromEntries(lanes().map((lane) => [lane.name, value(lane)]));
  const label = 'stream';
  return [
    {
      name: 'frames_received_total',
      help: 'Frames',
      kind: 'counter',
      label,
      value: byStream(({ counts }) => counts.received),
    },
    { name: 'frames_sent_total', help: 'Frames', kind: 'counter', label, value: byStream(({ counts }) => counts.sent) },
    {
      name: 'frames_missing_total',
      help: 'Events without',
      kind: 'counter',
      label,
      value: byStream(({ counts }) => counts.missing),
    },
    {
      name: 'frames_waiting',
      help: 'Without an event',
      kind: 'gauge',
      label,
      value: byStream(({ waiting }) => waiting),
    },
    {
      name: 'frames_gone_total',
      help: 'Asked for again when nobody had them any more',
      kind: 'counter',
      value: () => service.ingester.oddities.gone,
    },
    {
      name: 'events_repeated_total',
      help: 'Told as new a second time',
      kind: 'counter',
      value: () => service.ingester.oddities.repeated,
    },
    { name: 'kept_bytes', help: 'Kept until complete', kind: 'gauge', value: () => service.ingester.keptBytes },
    { name: 'shared_bytes', help: 'In shared memory', kind: 'gauge', value: () => service.ring?.used ?? 0 },
    { name: 'workers', help: 'Seen', kind: 'gauge', value: () => Object.keys(service.router?.workers ?? {}).length },
  ];
}
