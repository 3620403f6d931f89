/** What `meb-route build` counts, its closed balance of monitored events, and the summary (spec teb.md, 10 to 12). */

import { type Balance, imbalance } from '../../cli/balance.ts';
import type { BuilderCounts } from '../building/counts.ts';
import { REJECTIONS } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';

export class RouteCounts {
  /** Monitored events that were built, and transitions. */
  events = 0;
  transitions = 0;
  noClient = 0;
  tooBig = 0;
  /** Events with a buffer that was not announced, or of another monitor. */
  strays = 0;
  badFrames = 0;
  /** Events by readout group. */
  groups: number[] = Array<number>(LIMIT.groups).fill(0);
  lost: string[] = [];
}

/** The buffers of one monitor (I18). */
export interface Buffers {
  meb: number;
  all: number;
  idle: number;
  announced: number;
  held: number;
}

export interface RouteState {
  counts: RouteCounts;
  builder: BuilderCounts;
  clients: { delivered: number; lost: number; transitions: number };
  connected: number;
  held: Readonly<Record<string, number>>;
  buffers: readonly Buffers[];
  announced: number;
  disagreements: number;
}

/** Events built = delivered + each way to lose one + what clients have not taken yet. */
export function routeBalance({ counts, builder, clients, held, disagreements }: RouteState): Balance {
  const { rogs_mismatch, ...rejected } = builder.rejected;
  return {
    in: counts.events,
    out: clients.delivered,
    losses: {
      no_client: counts.noClient,
      too_big: counts.tooBig,
      stray: counts.strays,
      client_left: clients.lost,
      held: Object.values(held).reduce((sum, count) => sum + count, 0),
    },
    info: {
      transitions: counts.transitions,
      fixed_up: builder.fixedUp,
      ...rejected,
      rogs_mismatch,
      disagreements,
      bad_frame: counts.badFrames,
    },
  };
}

export type RouteEnding = 'clean' | 'rejected' | 'connection-lost';

/** How it ended, and why (section 11). Events that nobody took are normal. */
export function routeEnding(state: RouteState): { kind: RouteEnding; why: string } {
  const { counts, builder, buffers } = state;
  if (counts.lost.length > 0) return { kind: 'connection-lost', why: counts.lost.join(', ') };
  const wrong: [string, number][] = [
    ...REJECTIONS.map((reason): [string, number] => [reason, builder.rejected[reason]]),
    ['bad_frame', counts.badFrames],
    ['unaccounted', imbalance(routeBalance(state))],
    ['buffers astray', buffers.reduce((sum, { all, idle, announced, held }) => sum + all - idle - announced - held, 0)],
  ];
  const why = wrong.filter(([, count]) => count !== 0).map(([name, count]) => `${count} ${name}`);
  return why.length === 0 ? { kind: 'clean', why: '' } : { kind: 'rejected', why: why.join(', ') };
}

/** The object that is printed at the end. */
export function routeSummary(state: RouteState): Record<string, unknown> {
  const { counts, builder, clients, buffers } = state;
  return {
    events: counts.events,
    transitions: counts.transitions,
    delivered: clients.delivered,
    no_client: counts.noClient,
    too_big: counts.tooBig,
    stray: counts.strays,
    client_left: clients.lost,
    groups: counts.groups,
    fixed_up: builder.fixedUp,
    missing: builder.missing,
    rejected: builder.rejected,
    contributions: builder.contributions,
    disagreements: state.disagreements,
    announced: state.announced,
    buffers,
    bad_frame: counts.badFrames,
    lost: counts.lost,
  };
}
