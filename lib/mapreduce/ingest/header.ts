/** The header of a message to a worker (spec mapreduce.md 6.1): the reference's, or ours with more fields. */

import type { Message } from './ingester.ts';

/** Writes headers; messages of one event to several workers mostly have the same. */
export class Headers {
  readonly map: string;
  #last: Message | undefined;
  #lastOurs = false;
  #text = '';

  /** @param map uuid, so that workers recognise old messages */
  constructor(map: string) {
    this.map = map;
  }

  /** @param ours the worker is one of ours; to a reference's worker goes what the reference writes */
  text(message: Message, ours: boolean, createdAt: string): string {
    if (this.#last === undefined || this.#lastOurs !== ours || !sameHeader(this.#last, message)) {
      this.#last = message;
      this.#lastOurs = ours;
      this.#text = this.#write(message, ours, createdAt);
    }
    return this.#text;
  }

  #write({ event, attempt, origin, streams }: Message, ours: boolean, createdAt: string): string {
    const common = `"event_number":${event},"streams":${streamsText(streams)},"created_at":"${createdAt}"`;
    if (!ours) return `{${common}}`;
    const from = origin === null ? '' : `,"origin":${JSON.stringify(origin)}`;
    return `{${common},"map":"${this.map}","attempt":${attempt}${from}}`;
  }
}

/** What parts of a message belong to which stream. */
export function streamsText(streams: Message['streams']): string {
  const parts = streams.map(
    ({ name, data }) => `${JSON.stringify(name)}:{"typ":${JSON.stringify(data.typ)},"length":${data.frames.length}}`,
  );
  return `{${parts.join(',')}}`;
}

function sameHeader(a: Message, b: Message): boolean {
  return (
    a.of === b.of &&
    a.attempt === b.attempt &&
    a.streams.length === b.streams.length &&
    a.streams.every(({ name, data }, i) => name === b.streams[i]!.name && data === b.streams[i]!.data)
  );
}
