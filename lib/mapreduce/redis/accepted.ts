/** Keys of results that the reducer has accepted, for a reducer that was restarted (spec mapreduce.md 3.4 and 5.2). */

import { Intervals } from '../../intervals.ts';
import { BadRecord, fieldsOf, number, parseFields, text } from './fields.ts';
import { reportsIn } from './log.ts';
import type { Registry } from './registry.ts';
import { acceptedKeys, type Report } from './reports.ts';
import { entriesOf } from './stream.ts';

/**
 * First and last event of each interval, by origin. Of events that are over (nothing of them is ever done again) all keys are among them, so
 * that there are no more intervals than work in flight; a result of theirs that comes all the same is a duplicate.
 */
export type AcceptedIntervals = Readonly<Record<string, readonly (readonly [number, number])[]>>;

/** What the controller writes with each snapshot: everything up to the log entry `through`. */
export interface Reduced {
  readonly through: string;
  readonly accepted: AcceptedIntervals;
  /** Keys that were accepted indeed. */
  readonly results: number;
}

/** By origin. */
export interface Accepted {
  readonly keys: ReadonlyMap<string, Intervals>;
  /** Keys that were accepted indeed; `keys` may hold more. */
  readonly results: number;
}

function readReduced(json: string): Reduced {
  const fields = parseFields(json, 'accepted keys');
  const accepted = fieldsOf(fields.accepted, 'accepted');
  const isInterval = (ends: unknown) => Array.isArray(ends) && ends.length === 2 && ends.every(Number.isSafeInteger);
  for (const ends of Object.values(accepted))
    if (!Array.isArray(ends) || !ends.every(isInterval)) throw new BadRecord('accepted has no list of intervals');
  const byOrigin = accepted as AcceptedIntervals;
  const kept = [...intervalsOf(byOrigin).values()].reduce((sum, { count }) => sum + count, 0);
  return { through: text(fields, 'through'), accepted: byOrigin, results: number(fields, 'results', kept) };
}

const intervalsOf = (accepted: AcceptedIntervals) =>
  new Map(Object.entries(accepted).map(([origin, ends]) => [origin, new Intervals(ends)]));

const NOTHING = { accepted: {}, results: 0 };

/**
 * Keys that were accepted up to the controller's last snapshot, about a second ago. Costs less than `readAcceptedKeys`: the log is not read.
 * @throws BadRecord if what is kept cannot be read
 */
export async function readAcceptedBefore({ redis, keys }: Registry, map: string): Promise<Accepted> {
  const snapshot = await redis.get(keys.reduced(map));
  const { accepted, results } = snapshot === null ? NOTHING : readReduced(snapshot);
  return { keys: intervalsOf(accepted), results };
}

/**
 * All keys of a map that were ever reported as accepted, by origin.
 * @throws BadRecord if what is kept cannot be read
 */
export async function readAcceptedKeys({ redis, keys }: Registry, map: string): Promise<Accepted> {
  // Both at once: the controller trims the log in the step in which it writes the snapshot.
  const answers = await redis.multi().get(keys.reduced(map)).xrange(keys.ready(map), '-', '+').exec();
  const [snapshot, entries] = (answers ?? []).map(([, value]) => value) as [string | null, [string, string[]][]];
  const before = snapshot === null ? NOTHING : readReduced(snapshot);
  const found = intervalsOf(before.accepted);
  let { results } = before;
  for (const { data } of entriesOf(entries)) {
    for (const [event, origin] of reportsOrNone(data).flatMap((report) =>
      report.source === 'reducer' ? acceptedKeys(report) : [],
    )) {
      const own = found.get(origin) ?? new Intervals();
      found.set(origin, own);
      if (own.add(event)) results++;
    }
  }
  return { keys: found, results };
}

/** The controller has counted what cannot be read. */
function reportsOrNone(data: string): readonly Report[] {
  try {
    return reportsIn(data);
  } catch (error) {
    if (!(error instanceof BadRecord)) throw error;
    return [];
  }
}
