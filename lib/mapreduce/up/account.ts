/** One balance over all roles of an ensemble (spec mapreduce.md 12). Pure. */

import { type Balance, formatBalance, imbalance } from '../../cli/balance.ts';
import type { Damaged, Progress } from '../http/client.ts';
import type { UpRole } from './types.ts';

/** What one process said at its end. */
export interface RoleEnd {
  readonly id: string;
  readonly role: UpRole;
  /** undefined: it was killed, or has never run. */
  readonly status: number | undefined;
  readonly restarts: number;
  /** Its last balance; undefined if it told none. */
  readonly balance: Balance | undefined;
  /** Of an ingester, `det: received 8 = sent 8`. */
  readonly streams: readonly string[];
}

/** Runs of events that are named of each kind. */
const MOST_RUNS = 20;

export interface Account {
  readonly lines: readonly string[];
  /** Everything is accounted for, and nothing was lost. */
  readonly clean: boolean;
}

/** `lost 5, 9 to 12`: which events, by what happened. */
export function damagedWords(damaged: Damaged): string {
  const runs = Object.entries(damaged).filter(([, list]) => list.length > 0);
  const text = ([from, to]: readonly [number, number]) => (from === to ? `${from}` : `${from} to ${to}`);
  return runs
    .map(
      ([why, list]) =>
        `${why} ${list.slice(0, MOST_RUNS).map(text).join(', ')}${list.length > MOST_RUNS ? ', ...' : ''}`,
    )
    .join('; ');
}

/**
 * @param events of the last map, from the controller; undefined if no map was posted
 */
export function accountOf(ends: readonly RoleEnd[], events: Progress | undefined, damaged?: Damaged): Account {
  const of = (role: UpRole) => ends.filter((one) => one.role === role);
  const restarted = ends.filter(({ restarts }) => restarts > 0);
  const eventBalance = events && events.total_events > 0 ? eventsOf(events) : undefined;
  const results = resultsOf(of('worker'), of('reducer'));
  const bad = ends.filter(({ status, role }) => role !== 'redis' && status !== 0);
  const lines = [
    ...(eventBalance ? [`events: ${words(eventBalance, 'total', 'complete')}`] : []),
    ...(damaged && damagedWords(damaged) !== '' ? [damagedWords(damaged)] : []),
    ...of('ingester').flatMap(({ streams }) => streams),
    ...(results ? [`results: ${words(results, 'sent', 'accepted')}`] : []),
    ...restarted.map(({ id, restarts, role }) => `${id}: started again ${times(restarts)}${gone(role)}`),
    ...bad.map(({ id, status }) => `${id}: ${status === undefined ? 'has told no end' : `ended with ${status}`}`),
  ];
  const lost = eventBalance !== undefined && (imbalance(eventBalance) !== 0 || eventBalance.in !== eventBalance.out);
  return { lines, clean: !lost && bad.length === 0 };
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`);

/** Whose counts went with the process. What the controller counts stands in Redis. */
const gone = (role: UpRole) =>
  role === 'control' || role === 'redis' || role === 'other' ? '' : '; it counts from then on';

function eventsOf({ total_events: total, completed_events: done, damaged, incomplete = 0 }: Progress): Balance {
  return { in: total, out: done - damaged - incomplete, losses: { damaged, incomplete, unfinished: total - done } };
}

/** Sent by workers, received by the reducer: what was on its way when a process died is missing, and was sent again. */
function resultsOf(workers: readonly RoleEnd[], reducers: readonly RoleEnd[]): Balance | undefined {
  const balance = reducers[0]?.balance;
  if (balance === undefined) return undefined;
  const known = workers.filter((one) => one.balance !== undefined);
  const whole = [...workers, ...reducers].every(({ restarts, balance: own }) => restarts === 0 && own !== undefined);
  const count = (name: string) => known.reduce((sum, { balance: own }) => sum + (own?.info?.[name] ?? 0), 0);
  const sent = whole ? count('results') + count('sent-again') : balance.in;
  return { in: sent, out: balance.out, losses: balance.losses, info: { ...balance.info } };
}

/** The balance in the words of the thing it counts. */
function words(balance: Balance, total: string, good: string): string {
  return formatBalance(balance).replace(/^in (\d+) = out (\d+)/, `${total} $1 = ${good} $2`);
}

/** The events of a map that runs. */
export function eventsLine(events: Progress): string {
  return `events: ${words(eventsOf(events), 'total', 'complete')}`;
}

/** `events 120 of 1002, 35/s, 0 damaged, 4 workers`: one line for a terminal. */
export function upLine(progress: Progress, rate: number, workers: number): string {
  const { completed_events: done, total_events: total, damaged, incomplete = 0, phase } = progress;
  const bad = `${damaged} damaged${incomplete > 0 ? `, ${incomplete} incomplete` : ''}`;
  return `${phase}: ${done} of ${total} events, ${Math.round(rate)}/s, ${bad}, ${workers} worker${workers === 1 ? '' : 's'}`;
}
