/** What a controller shows of itself: events = complete + damaged + unfinished, summed over its maps (spec mapreduce.md 12). */

import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import type { Controller } from './controller.ts';

/** Nothing counts while no map was posted. */
export function controlBalance({ run, watch, credits }: Controller): Balance {
  const unreadable = { unreadable: watch.unreadable + (credits?.unreadable ?? 0) + (run?.unreadable ?? 0) };
  if (!run) return { in: 0, out: 0, losses: { damaged: 0, unfinished: 0 }, info: unreadable };
  const { assigner, damaged, counts } = run.formation;
  const { ledger, events, workers } = assigner;
  // An event may be known as damaged while another of its shares is still out.
  const damagedAndComplete = damaged.filter((event) => isComplete(run, event)).length;
  return {
    in: events.total,
    out: ledger.complete - damagedAndComplete,
    losses: { damaged: damagedAndComplete, unfinished: events.total - ledger.complete },
    info: {
      'shares-lost': ledger.counts.lost,
      duplicates: ledger.duplicates,
      refused: counts.refused,
      incomplete: counts.incomplete,
      stray: workers.stray,
      'reports-repeated': counts.repeated,
      ...unreadable,
    },
  };
}

function isComplete({ formation }: NonNullable<Controller['run']>, event: number): boolean {
  const { assigner } = formation;
  if (event >= assigner.front) return false;
  return assigner.ledger.shares(event).every(({ state }) => state !== 'out' && state !== 'orphan');
}

export function controlMeters(controller: Controller): Meter[] {
  const formation = () => controller.run?.formation;
  return [
    {
      name: 'map_events',
      help: 'Events of the map',
      kind: 'gauge',
      value: () => formation()?.assigner.events.total ?? 0,
    },
    {
      name: 'map_published',
      help: 'Events that are published',
      kind: 'gauge',
      value: () => formation()?.assigner.front ?? 0,
    },
    {
      name: 'map_complete',
      help: 'Events that are complete',
      kind: 'gauge',
      value: () => formation()?.assigner.ledger.complete ?? 0,
    },
    {
      name: 'map_damaged',
      help: 'Events that are damaged',
      kind: 'gauge',
      value: () => formation()?.damaged.length ?? 0,
    },
    {
      name: 'map_shares',
      help: 'Shares of events, by state',
      kind: 'gauge',
      label: 'state',
      value: () => ({ ...formation()?.assigner.ledger.counts }),
    },
    { name: 'map_workers', help: 'Live workers', kind: 'gauge', value: () => controller.watch.configs.workers.length },
    {
      name: 'map_workers_waiting',
      help: 'Workers without work',
      kind: 'gauge',
      value: () => formation()?.assigner.workers.waiting.length ?? 0,
    },
    {
      name: 'map_want_workers',
      help: 'Workers that would do the work of the last 10 s without hurry',
      kind: 'gauge',
      value: () => formation()?.load.wantWorkers(Date.now()) ?? 0,
    },
    {
      name: 'map_worker_busy',
      help: 'Share of the last 10 s that a worker worked',
      kind: 'gauge',
      label: 'worker',
      value: () => {
        const load = formation()?.load;
        const busy = (worker: string) => (load?.of(worker, 10, Date.now()).active ?? 0) / 10;
        return Object.fromEntries((load?.workers ?? []).map((worker) => [worker, busy(worker)]));
      },
    },
  ];
}
