/** The map of a scan file: as it is posted, or in the short form `{events: 1000, streams: [det], batch: 10}`. */

import type { Place } from './yaml-place.ts';

const MOST_EVENTS = 1e8;

/** @param known streams of the file. @returns JSON text that keeps the order of streams and parts. @throws InputError */
export function mapText(place: Place, known: readonly string[]): string {
  const given = place.mapping(undefined, 'map is a file, {events: N}, or parts and sequence');
  if (given.has('parts')) return orderedText(place.value);
  const form = place.mapping(['events', 'streams', 'batch', 'tags'], 'map has events, or parts and sequence');
  const events = (form.get('events') ?? place.fail('how many events? {events: N}')).whole(1, MOST_EVENTS);
  const streams = form.get('streams');
  const names = streams?.names() ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) streams?.fail(`there is no stream ${unknown}; there are ${known.join(', ')}`);
  return shortForm(events, names, form.get('batch')?.whole(1, MOST_EVENTS) ?? 1, form.get('tags')?.names());
}

/** A part is a batch, whose events meet on one worker; it is used as often as there are batches. */
function shortForm(events: number, streams: readonly string[], batch: number, tags: readonly string[] | undefined) {
  const entry = { constraint: 0, ...(tags ? { tags } : {}) };
  const part = (length: number) =>
    new Map(streams.map((stream) => [stream, Array.from({ length }, () => [new Map(Object.entries(entry))])]));
  const whole = Math.floor(events / batch);
  const rest = events % batch;
  const parts = new Map([
    ...(whole > 0 ? [['batch', part(batch)] as const] : []),
    ...(rest > 0 ? [['rest', part(rest)] as const] : []),
  ]);
  const sequence = [...Array.from({ length: whole }, () => 'batch'), ...(rest > 0 ? ['rest'] : [])];
  return orderedText(
    new Map<string, unknown>([
      ['parts', parts],
      ['sequence', sequence],
    ]),
  );
}

/** JSON of a Map keeps its order also where names look like integers. */
function orderedText(value: unknown): string {
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${JSON.stringify(String(key))}:${orderedText(item)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(orderedText).join(',')}]`;
  return JSON.stringify(value ?? null);
}
