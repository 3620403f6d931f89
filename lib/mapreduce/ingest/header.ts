/** The header of a message to a worker (spec mapreduce.md 6.1): the reference's, or ours with more fields. */

import { isPlaced, type PlacedData } from '../shared/ring.ts';
import type { Message } from './event-frames.ts';

/** Writes headers; messages of one event to several workers mostly have the same. */
export class Headers {
  readonly map: string;
  #last: Message | undefined;
  #lastTo = '';
  #text = '';

  /** @param map uuid, so that workers recognise old messages */
  constructor(map: string) {
    this.map = map;
  }

  /**
   * @param to what the worker understands: to one of the reference goes what the reference writes, to one that has our shared memory open the
   *   places of large parts
   */
  text(message: Message, to: 'reference' | 'ours' | 'shared', createdAt: string): string {
    if (this.#last === undefined || this.#lastTo !== to || !sameHeader(this.#last, message)) {
      this.#last = message;
      this.#lastTo = to;
      this.#text = this.#write(message, to, createdAt);
    }
    return this.#text;
  }

  #write({ event, attempt, origin, streams }: Message, to: string, createdAt: string): string {
    const common = `"event_number":${event},"streams":${streamsText(streams, to === 'shared')},"created_at":"${createdAt}"`;
    if (to === 'reference') return `{${common}}`;
    const from = origin === null ? '' : `,"origin":${JSON.stringify(origin)}`;
    return `{${common},"map":"${this.map}","attempt":${attempt}${from}}`;
  }
}

/** What parts of a message belong to which stream. @param shared places instead of the parts that have one */
export function streamsText(streams: Message['streams'], shared = false): string {
  const parts = streams.map(({ name, data }) => {
    const places = shared && isPlaced(data) ? `,"shared":${placesText(data)}` : '';
    return `${JSON.stringify(name)}:{"typ":${JSON.stringify(data.typ)},"length":${data.frames.length}${places}}`;
  });
  return `{${parts.join(',')}}`;
}

function placesText({ places }: PlacedData): string {
  return JSON.stringify(places.map(({ part, offset, bytes, slot, stamp }) => [part, offset, bytes, slot, stamp]));
}

function sameHeader(a: Message, b: Message): boolean {
  return (
    a.of === b.of &&
    a.attempt === b.attempt &&
    a.origin === b.origin &&
    a.streams.length === b.streams.length &&
    a.streams.every(({ name, data }, i) => name === b.streams[i]!.name && data === b.streams[i]!.data)
  );
}
