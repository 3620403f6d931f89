/** What `--metrics` shows of drp-python beside its balance; names as the existing system has them where it has them (procmgr.md, section 7). */

import type { Meter } from '../cli/metrics.ts';
import type { Counters } from './counters.ts';
import type { Pool } from './pool.ts';

/** @param pool undefined until the workers have been started */
export function drpMeters(counters: Counters, pool: () => Pool | undefined): Meter[] {
  const perWorker = (value: (worker: Pool['workers'][number]) => number) => () =>
    Object.fromEntries((pool()?.workers ?? []).map((worker) => [String(worker.index), value(worker)]));
  return [
    {
      name: 'drp_worker_events_total',
      help: 'events that a worker has answered',
      kind: 'counter',
      label: 'worker',
      value: perWorker(({ events }) => events),
    },
    {
      name: 'drp_py_app_seconds_total',
      help: "seconds in the user's code",
      kind: 'counter',
      label: 'worker',
      value: perWorker(({ micros }) => micros / 1e6),
    },
    {
      name: 'drp_worker_queue_depth',
      help: 'batches under way or waiting',
      kind: 'gauge',
      label: 'worker',
      value: perWorker(({ queue }) => queue.length),
    },
    {
      name: 'drp_worker_up',
      help: '1 while a worker takes events',
      kind: 'gauge',
      label: 'worker',
      value: perWorker(({ up }) => (up ? 1 : 0)),
    },
    { name: 'drp_restarts_total', help: 'workers that were replaced', kind: 'counter', value: () => counters.restarts },
    {
      name: 'drp_event_rate',
      help: 'events per second since the first one',
      kind: 'gauge',
      value: () => counters.eventRate ?? 0,
    },
  ];
}
