/** What the controller answers about a map (spec mapreduce.md 11). */

import { Intervals } from '../../intervals.ts';
import type { Share } from '../assign/ledger.ts';
import type { Controller } from './controller.ts';
import { totalsOf } from './totals.ts';

/** Events that are named unless all are asked for. */
const SHOWN_EVENTS = 1000;

export function progress({ run, phase }: Controller): object {
  if (!run)
    return {
      last_assigned: 0,
      completed_events: 0,
      total_events: 0,
      finished: true,
      damaged: 0,
      incomplete: 0,
      open: false,
      waiting: [],
      phase,
    };
  const { assigner, ending } = run.formation;
  const { damaged, incomplete } = totalsOf(run.formation);
  return {
    last_assigned: assigner.front,
    completed_events: assigner.ledger.complete,
    total_events: assigner.events.total,
    finished: phase === 'finished',
    damaged,
    incomplete,
    open: assigner.open,
    waiting: assigner.workers.waiting.map(({ name }) => name),
    uuid: run.uuid,
    phase,
    reason: ending ?? null,
    unfinished: ending === undefined ? [] : run.unfinished,
  };
}

/** @param all also of events that are long done */
export function status({ run, phase }: Controller, all: boolean): object {
  if (!run)
    return {
      work_completed: {},
      last_assigned: 0,
      assignment: [],
      completed_events: [],
      finished: true,
      processing_times: {},
    };
  const { assigner, load } = run.formation;
  const { front, ledger, events } = assigner;
  const from = all ? 0 : Math.max(0, front - SHOWN_EVENTS);
  const done: Record<string, readonly string[]> = {};
  const completed: number[] = [];
  for (let event = from; event < front; event++) {
    const shares = ledger.shares(event);
    done[event] = shares.filter(({ state }) => state === 'done').map(({ origin, reporter }) => reporter ?? origin);
    if (shares.every(({ state }) => state !== 'out' && state !== 'orphan')) completed.push(event);
  }
  const shown = events.instances.filter(({ end }) => end > from);
  const assignment = (all ? shown : shown.slice(0, SHOWN_EVENTS)).map(({ laid, holders }) =>
    Object.fromEntries(
      laid.constraints.flatMap(({ name }, i) => {
        const holder = holders[i]!;
        return holder < 0 ? [] : [[String(name), assigner.workers.byNumber(holder).name] as const];
      }),
    ),
  );
  return {
    work_completed: done,
    last_assigned: front,
    assignment,
    completed_events: completed,
    finished: phase === 'finished',
    processing_times: Object.fromEntries(load.workers.map((worker) => [worker, load.of(worker, 'scan', 0)])),
  };
}

/** @param intervals seconds */
export function loads({ run }: Controller, intervals: readonly number[], scan: boolean, now: number): object {
  if (!run) return {};
  const { load } = run.formation;
  return Object.fromEntries(
    load.workers.map((worker) => {
      const spans: (number | 'scan')[] = [...intervals, ...(scan ? (['scan'] as const) : [])];
      const byInterval = spans.map((span) => [String(span), load.of(worker, span, now)] as const);
      return [worker, { last_event: load.lastEvent(worker), intervals: Object.fromEntries(byInterval) }];
    }),
  );
}

/** Events that are over and not as they should be, by what happened: first and last of each run. */
export function damagedEvents({ run }: Controller): object {
  const runs = (events: Iterable<number>) => {
    const found = new Intervals();
    for (const event of events) found.add(event);
    return found.ends;
  };
  if (!run) return { lost: [], failed: [], incomplete: [] };
  const { assigner, failed, incomplete } = run.formation;
  return { lost: runs(assigner.ledger.damaged), failed: runs(failed), incomplete: incomplete.ends };
}

/** Where an event is, and why. */
export function eventStatus({ run }: Controller, event: number): object | undefined {
  if (!run || event >= run.formation.assigner.events.total) return undefined;
  const { assigner, failed, incomplete } = run.formation;
  const instance = assigner.events.instance(event);
  const laid = instance.event(event);
  const where = { event_number: event, part: instance.laid.part.name, streams: laid.streams };
  if (event >= assigner.front) {
    const constraints = laid.constraints.map((constraint) => {
      const holder = instance.holders[constraint]!;
      return holder >= 0 ? assigner.workers.byNumber(holder).name : holder === -1 ? null : 'held for a successor';
    });
    const lists = assigner.listed.get(event) ?? [];
    return {
      ...where,
      state: 'not-published',
      front: assigner.front,
      constraints,
      listed: lists.map((list) => [...list]),
    };
  }
  const shares = assigner.ledger.shares(event);
  const open = shares.some(({ state }) => state === 'out' || state === 'orphan');
  const damaged = assigner.ledger.damaged.includes(event) || failed.has(event);
  const state = open ? 'published' : damaged ? 'damaged' : incomplete.has(event) ? 'incomplete' : 'complete';
  return { ...where, state, shares: shares.map((share) => shareStatus(share, assigner.ledger.isOutstanding(share))) };
}

function shareStatus({ origin, state, attempt, reporter, hasResult }: Share, awaitsResult: boolean): object {
  return {
    origin,
    state,
    attempt,
    reporter: reporter ?? null,
    has_result: hasResult,
    result_outstanding: awaitsResult,
  };
}
