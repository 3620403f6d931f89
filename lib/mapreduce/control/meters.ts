/** What a controller shows of itself: events = complete + damaged + incomplete + unfinished, summed over its maps (spec mapreduce.md 12). */

import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import type { Controller } from './controller.ts';
import { NO_EVENTS, sumOf, totalsOf } from './totals.ts';

/** Nothing counts while no map was posted. */
export function controlBalance({ run, past, watch, credits }: Controller): Balance {
  const sum = run ? sumOf(past, totalsOf(run.formation)) : past;
  return {
    in: sum.events,
    out: sum.whole,
    losses: { damaged: sum.damaged, incomplete: sum.incomplete, unfinished: sum.unfinished },
    info: {
      'shares-lost': sum.lostShares,
      duplicates: sum.duplicates,
      refused: sum.refused,
      stray: sum.stray,
      'reports-repeated': sum.repeatedReports,
      strange: credits?.strange ?? 0,
      unreadable: watch.unreadable + (credits?.unreadable ?? 0) + (run?.unreadable ?? 0),
    },
  };
}

export function controlMeters(controller: Controller): Meter[] {
  return [...eventMeters(controller), ...workerMeters(controller)];
}

function eventMeters(controller: Controller): Meter[] {
  const formation = () => controller.run?.formation;
  const totals = () => (controller.run ? totalsOf(controller.run.formation) : NO_EVENTS);
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
      value: () => totals().damaged,
    },
    {
      name: 'map_incomplete',
      help: 'Events of which a frame was missing',
      kind: 'gauge',
      value: () => totals().incomplete,
    },
    {
      name: 'map_shares',
      help: 'Shares of events, by state',
      kind: 'gauge',
      label: 'state',
      value: () => ({ ...formation()?.assigner.ledger.counts }),
    },
  ];
}

function workerMeters(controller: Controller): Meter[] {
  const formation = () => controller.run?.formation;
  return [
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
