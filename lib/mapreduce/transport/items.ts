/** Work and feed as JSON (spec mapreduce.md 5.2), and the common stream of the reference. */

import { BadRecord, type Fields, fieldsOf, number, optionalText, text, texts } from '../redis/fields.ts';
import type { Feed, FeedNews, Passed, Run, Work } from './types.ts';

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

/**
 * An entry of a worker's own stream, without what was given to another process of its name.
 * @throws BadRecord
 */
export function readWork(json: string, service: string): Work[] {
  const items = list(json).map((fields) => ({ work: workOf(fields), to: optionalText(fields, 'service_uuid') }));
  return items.flatMap(({ work, to }) => (to === null || to === service ? [work] : []));
}

/** Also an entry of the common stream. @throws BadRecord */
export function readFeed(json: string): Feed[] {
  return list(json).map(feedOf);
}

/** An entry of an ingester's own stream: events, and `over` of those whose frames can go. @throws BadRecord */
export function readNews(json: string): FeedNews {
  const items = list(json);
  return {
    events: items.filter(({ over }) => over === undefined).map(feedOf),
    over: items.flatMap(({ over }) => runsIn(over)),
    spare: items.flatMap(({ spare }) => runsIn(spare)),
  };
}

/** @throws BadRecord */
export function runsIn(value: unknown): readonly Run[] {
  if (value === undefined) return [];
  const isRun = (run: unknown) =>
    Array.isArray(run) && run.length === 2 && run.every(Number.isSafeInteger) && run[0] >= 0 && run[1] >= run[0];
  if (!Array.isArray(value) || !value.every(isRun)) throw new BadRecord('there is no list of runs');
  return value as Run[];
}

/** @throws BadRecord */
export function passedOf(value: unknown): Passed | undefined {
  if (value === undefined) return undefined;
  const fields = fieldsOf(value, 'passed');
  const places = fieldsOf(fields.places, 'places');
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) >= 0;
  if (!isCount(fields.before) || !Object.values(places).every(isCount)) throw new BadRecord('passed has no counts');
  return { before: fields.before as number, places: places as Passed['places'] };
}

/** Several entries as one. */
export function joinNews(news: readonly FeedNews[]): FeedNews {
  return {
    events: news.flatMap(({ events }) => events),
    over: news.flatMap(({ over }) => over),
    spare: news.flatMap(({ spare }) => spare),
  };
}

/**
 * Takes out what is done: nobody waits for it, and a worker of the reference would be confused by it. The event stays, because its frames take
 * their places.
 */
export function withoutDone(
  events: readonly Feed[],
  over: readonly Run[],
  done: ReadonlyMap<number, ReadonlySet<string>>,
): readonly Feed[] {
  return events.flatMap((feed) => {
    const { event_number: event, assignments, origin } = feed;
    const isOver = over.some(([first, last]) => event >= first && event <= last);
    const reported = done.get(event);
    // What is given again may be for a process whose name has reported the event before. A worker that joins late wants the start event, which
    // may be over for all others.
    if (origin !== null) return isOver && event !== 0 ? [] : [feed];
    if (!isOver && !reported) return [feed];
    const left = (workers: readonly string[]) => (isOver ? [] : workers.filter((worker) => !reported?.has(worker)));
    const byStream = Object.entries(assignments).map(([stream, workers]) => [stream, left(workers)] as const);
    return [{ ...feed, assignments: Object.fromEntries(byStream) }];
  });
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
