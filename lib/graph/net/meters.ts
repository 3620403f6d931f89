/** Metrics of the processes of a cluster. */

import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import type { CollectorProcess } from './collector-process.ts';
import type { GlobalProcess } from './global-process.ts';
import type { LocalProcess } from './local-process.ts';
import type { ManagerProcess } from './manager-process.ts';
import type { WorkerProcess } from './worker-process.ts';

type Values = Record<string, number>;

function byName<T>(items: Iterable<readonly [string | number, T]>, value: (item: T) => number): Values {
  return Object.fromEntries([...items].map(([name, item]) => [String(name), value(item)]));
}

/** dealt = answered + unanswered, by worker. */
export function managerBalance({ manager }: ManagerProcess): Balance {
  const { ledger } = manager;
  const unanswered = (ledger?.workers ?? []).map(({ dealt, answered }, id) => [
    `unanswered-worker-${id}`,
    dealt - answered,
  ]);
  return {
    in: ledger?.dealt ?? 0,
    out: ledger?.answered ?? 0,
    losses: Object.fromEntries(unanswered),
    info: {
      heartbeats: ledger?.records ?? 0,
      'late-events': ledger?.late ?? 0,
      'failed-nodes': ledger?.failures ?? 0,
    },
  };
}

export function managerMeters(running: ManagerProcess): Meter[] {
  const { manager } = running;
  const workers = () => (manager.ledger?.workers ?? []).entries();
  return [
    gauge('open_heartbeats', 'Heartbeats issued and not closed', () => manager.ledger?.openHeartbeats ?? 0),
    gauge(
      'oldest_open_seconds',
      'Age of the oldest open heartbeat',
      () => (manager.ledger?.age(performance.now()) ?? 0) / 1000,
    ),
    {
      ...gauge('latency_seconds', 'From issue to record, of the last heartbeats', () => latency(running)),
      label: 'quantile',
    },
    { ...counter('late_events_total', 'Events in records of later heartbeats', () => manager.ledger?.late ?? 0) },
    {
      ...counter('waited_seconds_total', 'Time that events waited, by reason', () =>
        byName(Object.entries(running.waited), (ms) => ms / 1000),
      ),
      label: 'reason',
    },
    {
      ...counter('worker_dealt_total', 'Events dealt', () => byName(workers(), ({ dealt }) => dealt)),
      label: 'worker',
    },
    {
      ...counter('worker_answered_total', 'Events in records', () => byName(workers(), ({ answered }) => answered)),
      label: 'worker',
    },
    {
      ...counter('worker_missed_total', 'Heartbeats that closed without the worker', () =>
        byName(workers(), ({ missed }) => missed),
      ),
      label: 'worker',
    },
    {
      ...gauge('worker_queue_bytes', 'Events on their way', () =>
        byName(
          manager.sessions.of('worker').map((session) => [session.id, session] as const),
          ({ outstanding }) => outstanding,
        ),
      ),
      label: 'worker',
    },
    {
      ...gauge('worker_expected', '1 if it has a part in the open heartbeat', () => byName(workers(), () => 0)),
      label: 'worker',
      value: () =>
        Object.fromEntries([...workers()].map(([id]) => [String(id), manager.members.isExpected(id) ? 1 : 0])),
    },
    gauge('graph_version', 'Version of the graph in force', () => running.version),
    counter('garbage_total', 'Messages that made no sense', () => running.garbage),
  ];
}

function latency({ manager }: ManagerProcess): Values {
  return byName(Object.entries(manager.ledger?.latency() ?? {}), (ms) => ms / 1000);
}

export function workerBalance({ events, gathered, abandoned }: WorkerProcess): Balance {
  return {
    in: events,
    out: events - gathered - abandoned,
    losses: { 'in-open-heartbeat': gathered, 'never-issued': abandoned },
  };
}

export function workerMeters(running: WorkerProcess): Meter[] {
  return [
    gauge('queue_messages', 'Messages that wait', () => running.queued),
    counter('answers_total', 'Heartbeats answered', () => running.answered),
  ];
}

function collectorMeters(running: CollectorProcess): Meter[] {
  return [
    gauge('open_heartbeats', 'Heartbeats issued and not closed', () => running.openHeartbeats),
    gauge('late_parts', 'Answers that wait for the next heartbeat to close', () => running.waiting),
    counter('garbage_total', 'Messages that made no sense', () => running.garbage),
  ];
}

export function localBalance({ included, heartbeats }: LocalProcess): Balance {
  return { in: included, out: included, losses: {}, info: { heartbeats } };
}

export function localMeters(running: LocalProcess): Meter[] {
  return [...collectorMeters(running), gauge('unsent_answers', 'Answers not taken yet', () => running.unsent)];
}

/** Events of closed heartbeats: dealt = included + unanswered. Late events count for the heartbeat that they are in. */
export function globalBalance({ counts, outdated }: GlobalProcess): Balance {
  const { dealt, included, records, late, failures } = counts;
  return {
    in: dealt,
    out: included,
    losses: { unanswered: dealt - included },
    info: { heartbeats: records, 'late-events': late, 'failed-nodes': failures, 'outdated-states': outdated },
  };
}

/** Used, failed and not used, by node: together the events included. */
export function globalMeters(running: GlobalProcess): Meter[] {
  const nodes = () => running.nodes;
  return [
    ...collectorMeters(running),
    { ...counter('node_used_total', 'Events used', () => byName(nodes(), ({ used }) => used)), label: 'node' },
    { ...counter('node_failed_total', 'Events failed', () => byName(nodes(), ({ failed }) => failed)), label: 'node' },
  ];
}

function gauge(name: string, help: string, value: Meter['value']): Meter {
  return { name, help, kind: 'gauge', value };
}

function counter(name: string, help: string, value: Meter['value']): Meter {
  return { name, help, kind: 'counter', value };
}
