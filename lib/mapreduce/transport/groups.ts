/**
 * Work and feed on the wire of the credits: items in a row that differ in nothing but the event are written once, with `events` in place of
 * `event_number`. With small events most are alike, and writing and reading them costs more than anything else the controller does. Pure.
 */

import { type Fields, wholes } from '../redis/fields.ts';
import type { Feed, Work } from './types.ts';

interface Group<T> {
  readonly first: T;
  readonly events: number[];
}

function groups<T extends Feed | Work>(items: readonly T[], isLike: (a: T, b: T) => boolean): Group<T>[] {
  const found: Group<T>[] = [];
  for (const item of items) {
    const last = found.at(-1);
    const like = last && last.first.attempt === item.attempt && last.first.origin === item.origin;
    if (like && isLike(last.first, item)) last.events.push(item.event_number);
    else found.push({ first: item, events: [item.event_number] });
  }
  return found;
}

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one, i) => one === b[i]);

export function groupWork(items: readonly Work[]): object[] {
  const isLike = (a: Work, b: Work) => isSame(a.streams_from, b.streams_from);
  return groups(items, isLike).map(({ first: { streams_from, attempt, origin }, events }) => {
    return { events, streams_from, attempt, origin };
  });
}

export function groupFeed(items: readonly Feed[]): object[] {
  const isLike = ({ assignments: a }: Feed, { assignments: b }: Feed) => {
    const streams = Object.keys(a);
    return isSame(streams, Object.keys(b)) && streams.every((stream) => isSame(a[stream]!, b[stream]!));
  };
  return groups(items, isLike).map(({ first: { assignments, attempt, origin }, events }) => {
    return { events, assignments, attempt, origin };
  });
}

/**
 * One item per event; what is no group is one already.
 * @param read an item
 * @throws BadRecord
 */
export function ungrouped<T extends Feed | Work>(fields: Fields, read: (fields: Fields) => T): readonly T[] {
  if (fields.events === undefined) return [read(fields)];
  const common = read({ ...fields, event_number: 0 });
  return wholes(fields, 'events').map((event_number) => ({ ...common, event_number }));
}
