/**
 * The ingester without sockets (spec mapreduce.md 1, 6.4): frames per stream and events for them come in, one message per event and
 * worker goes out; frames are kept until their event is complete or room is needed. Every frame has one fate:
 * received = sent + discarded + dropped(reason) + held, per stream.
 */

import { bytesOf, MISSING, type StreamData } from '../frames/types.ts';
import type { SourceFrame } from '../source/types.ts';
import type { Feed, Run } from '../transport/types.ts';
import { Fifo } from './fifo.ts';
import { type DropReason, Lane, type LaneOptions } from './lane.ts';

/** One message for one worker. */
export interface Message {
  readonly worker: string;
  readonly event: number;
  readonly attempt: number;
  /** null: the worker itself. */
  readonly origin: string | null;
  readonly streams: readonly { readonly name: string; readonly data: StreamData }[];
  /** For `delivered` and `undeliverable`. */
  readonly of: EventFrames;
}

interface Share {
  readonly lane: Lane;
  readonly workers: readonly string[];
  data: StreamData | undefined;
  /** A frame that has been taken and has no fate yet. */
  open: boolean;
}

/** What an event counts beside its frames, so that many small ones do not fill the memory. */
export const EVENT_COST = 4096;

/** The frames of one event. */
export class EventFrames {
  readonly number: number;
  readonly shares: readonly Share[];
  /** Streams whose frames have not come. */
  pending: number;
  /** Given again before all frames had come. */
  readonly again: Feed[] = [];
  bytes = 0;
  /** Counted among what is kept. */
  kept = false;
  /** Messages that are neither delivered nor given up. */
  underway = 0;
  /** Why its frames are no longer kept. */
  released: DropReason | undefined;

  constructor(number: number, shares: readonly Share[]) {
    this.number = number;
    this.shares = shares;
    this.pending = shares.length;
  }
}

/** What of an event is recorded. */
export interface EventStreams {
  readonly event: number;
  readonly streams: ReadonlyMap<string, StreamData>;
}

export interface IngesterOptions {
  readonly streams: Readonly<Record<string, LaneOptions>>;
  /** Bytes of frames to keep for events that are not complete. */
  readonly hold: number;
  /** Sees each event once, when its frames go to workers. */
  readonly record?: (event: EventStreams) => void;
}

/** Start of a map. */
export interface MapStart {
  /** Streams that the map uses. */
  readonly streams: ReadonlySet<string>;
  /** If this process began amid the map: places of each stream that were settled by then; see Lane.begin. */
  readonly settled?: ReadonlyMap<string, number>;
}

export class Ingester {
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly #hold: number;
  readonly #record: ((event: EventStreams) => void) | undefined;
  #active = new Map<string, Lane>();
  #events = new Map<number, EventFrames>();
  /** Events whose messages have not been made, in order. */
  readonly #unsent = new Fifo<EventFrames>();
  /** Events whose frames may be let go, in order. */
  readonly #kept = new Fifo<EventFrames>();
  #keptBytes = 0;
  #messages: Message[] = [];
  #heldFrom: number | null = null;
  #next = 0;
  /** Events given a second time as new, and events given again whose frames were gone. */
  readonly oddities = { repeated: 0, gone: 0 };

  constructor({ streams, hold, record }: IngesterOptions) {
    this.#record = record;
    this.lanes = new Map(Object.entries(streams).map(([name, options]) => [name, new Lane(name, options)]));
    this.#hold = hold;
  }

  /** Lowest event of which everything that was not complete is kept; null while nothing was let go. */
  get heldFrom(): number | null {
    return this.#heldFrom;
  }

  /** Bytes kept of events, the start event's left out. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Lowest event number that has not been given. */
  get next(): number {
    return this.#next;
  }

  /** A map begins; the one before ends. */
  begin({ streams, settled }: MapStart): void {
    this.end();
    this.#heldFrom = null;
    this.#next = 0;
    this.#active = new Map([...this.lanes].filter(([name]) => streams.has(name)));
    for (const [name, lane] of this.#active) lane.begin(settled === undefined ? undefined : (settled.get(name) ?? -1));
  }

  /** The map is over: nothing is kept. */
  end(): void {
    for (const message of this.takeMessages()) this.undeliverable(message);
    for (const event of this.#events.values()) this.#release(event, 'map');
    for (const lane of this.lanes.values()) lane.end();
    this.#events.clear();
    this.#unsent.clear();
    this.#kept.clear();
    this.#keptBytes = 0;
    this.#active.clear();
  }

  /** A frame of a stream. Frames of streams that the map does not use are dropped. */
  arrive(stream: string, frame: SourceFrame): void {
    const lane = this.#active.get(stream);
    if (lane === undefined) {
      const idle = this.lanes.get(stream)!;
      idle.counts.received++;
      idle.drop('map');
      return;
    }
    lane.arrive(frame);
    this.#dispatch();
  }

  /** The source of a stream is at its end. */
  finish(stream: string): void {
    this.#active.get(stream)?.finish();
    this.#dispatch();
  }

  /** Events of the controller, in order. */
  give(feeds: readonly Feed[]): void {
    for (const feed of feeds) {
      // A late joiner gets the start event with an origin, as its first attempt (spec 3.3).
      if (feed.attempt > 1 || feed.origin !== null) this.#giveAgain(feed);
      else this.#giveFirst(feed);
    }
    this.#dispatch();
  }

  #giveFirst(feed: Feed): void {
    const number = feed.event_number;
    if (number < this.#next) {
      this.oddities.repeated++;
      return;
    }
    this.#next = number + 1;
    const shares: Share[] = [];
    for (const [stream, workers] of Object.entries(feed.assignments)) {
      const lane = this.#active.get(stream);
      if (lane) shares.push({ lane, workers, data: undefined, open: false });
    }
    if (shares.length === 0) return;
    const event = new EventFrames(number, shares);
    this.#events.set(number, event);
    this.#unsent.put(event);
    for (const share of shares) share.lane.want({ fill: (data) => this.#fill(event, share, data) });
  }

  #fill(event: EventFrames, share: Share, data: StreamData): void {
    event.pending--;
    share.data = data;
    if (data === MISSING) return;
    if (share.workers.length === 0) {
      share.data = undefined;
      share.lane.taken--;
      share.lane.counts.discarded++;
    } else if (event.released) {
      share.data = undefined;
      share.lane.taken--;
      share.lane.drop(event.released);
    } else {
      share.open = true;
      event.bytes += bytesOf(data);
    }
  }

  #giveAgain(feed: Feed): void {
    const event = this.#events.get(feed.event_number);
    if (event && event.pending > 0) event.again.push(feed);
    else this.#sendAgain(feed, event);
  }

  /** Frames that are gone are missing for the worker: it must not wait for what nobody has. */
  #sendAgain(feed: Feed, event: EventFrames | undefined): void {
    const byWorker = new Map<string, { name: string; data: StreamData }[]>();
    const of = event ?? new EventFrames(feed.event_number, []);
    for (const [name, workers] of Object.entries(feed.assignments)) {
      if (!this.#active.has(name)) continue;
      const data = of.shares.find(({ lane }) => lane.name === name)?.data;
      if (data === undefined) this.oddities.gone++;
      for (const worker of workers) push(byWorker, worker, { name, data: data ?? MISSING });
    }
    const { attempt, origin } = feed;
    this.#emit(of, byWorker, attempt, origin);
  }

  /** Messages of events whose frames have come, in order of the events; one that is over holds up nobody. */
  #dispatch(): void {
    for (let event = this.#unsent.first; event && isSettled(event); event = this.#unsent.first) {
      this.#unsent.take();
      if (!event.released) {
        const byWorker = new Map<string, { name: string; data: StreamData }[]>();
        for (const { lane, workers, data } of event.shares)
          for (const worker of workers) push(byWorker, worker, { name: lane.name, data: data ?? MISSING });
        this.#emit(event, byWorker, 1, null);
        this.#record?.(streamsOf(event));
        this.#keep(event);
      }
      for (const feed of event.again) this.#sendAgain(feed, event);
    }
    this.#makeRoom();
  }

  #emit(
    of: EventFrames,
    byWorker: ReadonlyMap<string, Message['streams']>,
    attempt: number,
    origin: string | null,
  ): void {
    for (const [worker, streams] of byWorker) {
      of.underway++;
      this.#messages.push({ worker, event: of.number, attempt, origin, streams, of });
    }
  }

  /** A late worker needs the start event, so its frames stay. */
  #keep(event: EventFrames): void {
    if (event.number === 0) return;
    if (event.shares.every(({ workers }) => workers.length === 0)) {
      this.#events.delete(event.number);
      return;
    }
    event.kept = true;
    this.#keptBytes += event.bytes + EVENT_COST;
    this.#kept.put(event);
  }

  #makeRoom(): void {
    while (this.#keptBytes > this.#hold) {
      const event = this.#kept.take();
      if (event === undefined) return;
      if (event.released) continue;
      this.#heldFrom = event.number + 1;
      this.#letGo(event, 'evicted');
    }
  }

  /** What is to be sent now. */
  takeMessages(): readonly Message[] {
    const messages = this.#messages;
    if (messages.length > 0) this.#messages = [];
    return messages;
  }

  /** A message is on its way to its worker. */
  delivered({ of, streams }: Message): void {
    of.underway--;
    for (const { name } of streams) {
      const share = of.shares.find(({ lane }) => lane.name === name);
      if (!share?.open) continue;
      share.open = false;
      share.lane.taken--;
      share.lane.counts.sent++;
    }
    this.#settle(of);
  }

  /** There is no such worker: the controller decides what becomes of the event. */
  undeliverable({ of }: Message): void {
    of.underway--;
    this.#settle(of);
  }

  /** Nobody will ask for the frames of these events again. */
  over(runs: readonly Run[]): void {
    for (const [first, last] of runs) {
      // What a controller says after a crash covers the whole scan.
      if (last - first < this.#events.size)
        for (let number = first; number <= last; number++) this.#isOver(this.#events.get(number));
      else for (const [number, event] of this.#events) if (number >= first && number <= last) this.#isOver(event);
    }
    while (this.#kept.first?.released) this.#kept.take();
    this.#dispatch();
  }

  #isOver(event: EventFrames | undefined): void {
    if (event && event.number !== 0) this.#letGo(event, 'over');
  }

  #letGo(event: EventFrames, why: DropReason): void {
    if (event.kept) this.#keptBytes -= event.bytes + EVENT_COST;
    event.kept = false;
    this.#release(event, why);
    this.#events.delete(event.number);
  }

  #release(event: EventFrames, why: DropReason): void {
    event.released ??= why;
    this.#settle(event);
  }

  /** Frames of a released event that no message carries any more have been dropped. */
  #settle(event: EventFrames): void {
    if (!event.released || event.underway > 0) return;
    for (const share of event.shares) {
      share.data = undefined;
      if (!share.open) continue;
      share.open = false;
      share.lane.taken--;
      share.lane.drop(event.released);
    }
  }
}

function streamsOf({ number, shares }: EventFrames): EventStreams {
  const there = shares.flatMap(({ lane, data }) => (data && data !== MISSING ? [[lane.name, data] as const] : []));
  return { event: number, streams: new Map(there) };
}

function isSettled({ pending, released }: EventFrames): boolean {
  return pending === 0 || released !== undefined;
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
