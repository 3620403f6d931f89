/** Work and feed as JSON (spec mapreduce.md 5.2), and the common stream of the reference. */

import { BadRecord, type Fields, fieldsOf, number, optionalText, text, texts } from '../redis/fields.ts';
import type { Feed, Work } from './types.ts';

function list(json: string): readonly Fields[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new BadRecord('an assignment is no JSON');
  }
  return (Array.isArray(value) ? value : [value]).map((item) => fieldsOf(item, 'an assignment'));
}

function eventNumber(fields: Fields): number {
  const event = number(fields, 'event_number', -1);
  if (!Number.isSafeInteger(event) || event < 0) throw new BadRecord('event_number is no event number');
  return event;
}

/** @throws BadRecord */
export function workOf(fields: Fields): Work {
  const streams_from = texts(fields, 'streams_from');
  return {
    event_number: eventNumber(fields),
    streams_from,
    attempt: number(fields, 'attempt', 1),
    origin: text(fields, 'origin'),
  };
}

/** @throws BadRecord */
export function feedOf(fields: Fields): Feed {
  const assignments = fieldsOf(fields.assignments, 'assignments');
  for (const stream of Object.keys(assignments)) texts(assignments, stream);
  return {
    event_number: eventNumber(fields),
    assignments: assignments as Feed['assignments'],
    attempt: number(fields, 'attempt', 1),
    origin: optionalText(fields, 'origin'),
  };
}

/** @throws BadRecord */
export function readWork(json: string): Work[] {
  return list(json).map(workOf);
}

/** Also an entry of the common stream. @throws BadRecord */
export function readFeed(json: string): Feed[] {
  return list(json).map(feedOf);
}

/** What an entry of the common stream means for one worker. */
export function workFrom(
  feed: readonly Feed[],
  worker: string,
  ingesterOf: (stream: string) => string | undefined,
): Work[] {
  return feed.flatMap(({ event_number, assignments }) => {
    const streams = Object.keys(assignments).filter((stream) => assignments[stream]!.includes(worker));
    if (streams.length === 0) return [];
    const ingesters = streams.map(ingesterOf).filter((name) => name !== undefined);
    return [{ event_number, streams_from: [...new Set(ingesters)].sort(), attempt: 1, origin: worker }];
  });
}

/** What it means for an ingester of these streams. */
export function feedFor(feed: readonly Feed[], streams: ReadonlySet<string>): Feed[] {
  return feed.flatMap(({ assignments, ...rest }) => {
    const own = Object.entries(assignments).filter(([stream]) => streams.has(stream));
    return own.length === 0 ? [] : [{ ...rest, assignments: Object.fromEntries(own) }];
  });
}
