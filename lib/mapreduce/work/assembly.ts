/**
 * Puts events together: one message from each ingester that takes part (spec mapreduce.md 1, 6.1). Pure: work, messages and times come in,
 * events come out in the order of the work.
 */

import type { StreamData } from '../frames/types.ts';
import type { Work } from '../transport/types.ts';

/** What one ingester sends for one event. */
export interface IngesterMessage {
  readonly event_number: number;
  /** Ours only; the reference gives an event once. */
  readonly attempt?: number;
  readonly origin?: string;
  /** uuid of the map. */
  readonly map?: string;
  readonly streams: ReadonlyMap<string, StreamData>;
}

export interface Assembled {
  readonly work: Work;
  readonly streams: ReadonlyMap<string, StreamData>;
  /** Why it cannot be had; undefined: it is whole. */
  readonly problem?: string;
}

interface Event {
  readonly work: Work;
  readonly messages: Map<string, IngesterMessage>;
  /** Ingesters whose message is not here. */
  missing: number;
  /** Ingesters that are gone and owe their message, and when that is given up. */
  readonly owed: Map<string, number>;
  problem: string | undefined;
}

/** Messages of ingesters that were of no use. */
export interface MessageCounts {
  /** Of other maps. */
  stale: number;
  /** Came twice, or from an ingester that does not take part. */
  repeated: number;
  /** Of events that nobody has asked for by the end of the map. */
  unasked: number;
}

/** Messages of our own map that nobody has asked for are kept, because work and messages travel on different ways. */
const MOST_EARLY = 10_000;

export class Assembly {
  readonly #map: string;
  readonly #name: string;
  /** In order of the work. */
  #line: Event[] = [];
  #first = 0;
  readonly #byKey = new Map<string, Event>();
  readonly #early = new Map<string, Map<string, IngesterMessage>>();
  /** Ingesters that are not there, and when what they owe is given up. */
  readonly #gone = new Map<string, number>();
  #earlyCount = 0;
  #ended = false;
  readonly counts: MessageCounts;

  /**
   * @param name of this worker: origin of what does not say so
   * @param counts of all maps
   */
  constructor(map: string, name: string, counts: MessageCounts = { stale: 0, repeated: 0, unasked: 0 }) {
    this.#map = map;
    this.#name = name;
    this.counts = counts;
  }

  /** Events that are waited for. */
  get waiting(): number {
    return this.#line.length - this.#first;
  }

  expect(work: Work): void {
    const missing = work.streams_from.length;
    const event: Event = { work, messages: new Map(), missing, owed: new Map(), problem: undefined };
    for (const [ingester, until] of this.#gone) if (lacks(event, ingester)) event.owed.set(ingester, until);
    const key = keyOf(work.event_number, work.attempt, work.origin);
    this.#line.push(event);
    this.#byKey.set(key, event);
    const early = this.#early.get(key);
    if (!early) return;
    this.#early.delete(key);
    this.#earlyCount -= early.size;
    for (const [ingester, message] of early) this.#put(event, ingester, message);
  }

  /** It is not to be waited for any more. @returns false if it is not: its frames have come */
  withdraw(work: Work): boolean {
    const key = keyOf(work.event_number, work.attempt, work.origin);
    const event = this.#byKey.get(key);
    if (!event) return false;
    this.#byKey.delete(key);
    this.#line.splice(this.#line.indexOf(event, this.#first), 1);
    return true;
  }

  /** Nothing more will be asked for. */
  end(): void {
    this.#ended = true;
    this.counts.unasked += this.#earlyCount;
    this.#earlyCount = 0;
    this.#early.clear();
  }

  message(ingester: string, message: IngesterMessage): void {
    if (message.map !== undefined && message.map !== this.#map) {
      this.counts.stale++;
      return;
    }
    const key = keyOf(message.event_number, message.attempt ?? 1, message.origin ?? this.#name);
    const event = this.#byKey.get(key);
    if (event) this.#put(event, ingester, message);
    else this.#keep(key, ingester, message);
  }

  #put(event: Event, ingester: string, message: IngesterMessage): void {
    const { work, messages } = event;
    if (!work.streams_from.includes(ingester) || messages.has(ingester)) {
      this.counts.repeated++;
      return;
    }
    messages.set(ingester, message);
    event.missing--;
  }

  #keep(key: string, ingester: string, message: IngesterMessage): void {
    const early = this.#early.get(key);
    if (early?.has(ingester)) {
      this.counts.repeated++;
      return;
    }
    if (this.#ended || this.#earlyCount >= MOST_EARLY) {
      this.counts.unasked++;
      return;
    }
    this.#earlyCount++;
    if (early) early.set(ingester, message);
    else this.#early.set(key, new Map([[ingester, message]]));
  }

  /** An ingester is gone: what it owes is given up at `until`, unless it comes. */
  gone(ingester: string, until: number): void {
    this.#gone.set(ingester, until);
    for (let at = this.#first; at < this.#line.length; at++) {
      const event = this.#line[at]!;
      if (lacks(event, ingester) && !event.owed.has(ingester)) event.owed.set(ingester, until);
    }
  }

  /** It is there (again): what it is asked for from now on is waited for. What it owed may have been lost with its connection. */
  back(ingester: string): void {
    this.#gone.delete(ingester);
  }

  /** When `next` should be asked again although nothing has come; undefined: no need. */
  get deadline(): number | undefined {
    const first = this.#line[this.#first];
    const until = [...(first?.owed ?? [])].flatMap(([name, time]) => (lacks(first!, name) ? [time] : []));
    return until.length === 0 ? undefined : Math.max(...until);
  }

  /** The next event, whole or given up; undefined: wait. */
  next(now: number): Assembled | undefined {
    const event = this.#line[this.#first];
    if (!event) return undefined;
    if (event.missing > 0 && !this.#isGivenUp(event, now)) return undefined;
    this.#line[this.#first++] = undefined as unknown as Event;
    if (this.#first > 1024 && this.#first * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    const { work } = event;
    this.#byKey.delete(keyOf(work.event_number, work.attempt, work.origin));
    return this.#assembled(event);
  }

  #isGivenUp(event: Event, now: number): boolean {
    const owed = event.work.streams_from.filter((name) => !event.messages.has(name));
    if (owed.some((name) => now < (event.owed.get(name) ?? Number.POSITIVE_INFINITY))) return false;
    event.problem = `${owed.join(', ')} went away before it sent its frames`;
    return true;
  }

  #assembled({ work, messages, problem }: Event): Assembled {
    if (problem !== undefined) return { work, streams: new Map(), problem };
    if (messages.size === 1) return { work, streams: messages.values().next().value!.streams };
    const streams = new Map<string, StreamData>();
    // In the order of the ingesters' names, whichever came first.
    for (const ingester of work.streams_from) {
      for (const [name, data] of messages.get(ingester)?.streams ?? []) {
        if (streams.has(name))
          return { work, streams: new Map(), problem: `the stream ${name} came from two ingesters` };
        streams.set(name, data);
      }
    }
    return { work, streams };
  }
}

function lacks({ work, messages }: Event, ingester: string): boolean {
  return work.streams_from.includes(ingester) && !messages.has(ingester);
}

function keyOf(event: number, attempt: number, origin: string): string {
  return `${event} ${attempt} ${origin}`;
}
