/**
 * The ingester without sockets (spec mapreduce.md 1, 6.4): frames per stream and events for them come in, one message per event and
 * worker goes out; frames are kept until their event is complete or room is needed. Every frame has one fate:
 * received = sent + discarded + dropped(reason) + held, per stream.
 */

import { bytesOf, MISSING, type StreamData } from '../frames/types.ts';
import type { SourceFrame } from '../source/types.ts';
import type { Feed, Run } from '../transport/types.ts';
import { EventFrames, type EventStreams, type FrameStore, type Message, type Share } from './event-frames.ts';
import { Fifo } from './fifo.ts';
import { forgo, HeldEvents } from './held-events.ts';
import { Lane, type LaneOptions } from './lane.ts';

export interface IngesterOptions {
  readonly streams: Readonly<Record<string, LaneOptions>>;
  /** Bytes of frames to keep for events that are not complete. */
  readonly hold: number;
  /** Sees each event once, when its frames go to workers. */
  readonly record?: (event: EventStreams) => void;
  readonly store?: FrameStore;
}

/** Start of a map. */
export interface MapStart {
  /** Streams that the map uses. */
  readonly streams: ReadonlySet<string>;
  /** If this process began amid the map: places of each stream that were settled by then; see Lane.begin. */
  readonly settled?: ReadonlyMap<string, number>;
  /** The controller says which events are over: then it is waited for room in shared memory, and nothing that may be needed is let go. */
  readonly saysOver?: boolean;
}

export class Ingester {
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly #record: ((event: EventStreams) => void) | undefined;
  readonly #store: FrameStore | undefined;
  readonly #held: HeldEvents;
  #active = new Map<string, Lane>();
  /** Events whose messages have not been made, in order. */
  readonly #unsent = new Fifo<EventFrames>();
  #saysOver = false;
  /** Begun amid a map: all that it is told is told after a hello. */
  #keepsAll = false;
  #blocked = false;
  /** Bytes of events that have frames and no messages. */
  #unsentBytes = 0;
  #messages: Message[] = [];
  #next = 0;
  /** Events given a second time as new, and frames of events given again that were gone. */
  readonly oddities = { repeated: 0, gone: 0 };

  constructor({ streams, hold, record, store }: IngesterOptions) {
    this.#record = record;
    this.#store = store;
    this.lanes = new Map(Object.entries(streams).map(([name, options]) => [name, new Lane(name, options)]));
    this.#held = new HeldEvents(hold, store);
  }

  /** Lowest event of which everything that was not complete is kept; null while nothing was let go. */
  get heldFrom(): number | null {
    return this.#held.heldFrom;
  }

  /** There is no room in shared memory: nothing more should be read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Bytes kept of events, without those in shared memory and the start event's. */
  get keptBytes(): number {
    return this.#held.bytes;
  }

  /** Lowest event number that has not been given. */
  get next(): number {
    return this.#next;
  }

  /** A map begins; the one before ends. */
  begin({ streams, settled, saysOver = false }: MapStart): void {
    this.end();
    this.#saysOver = saysOver;
    this.#keepsAll = saysOver && settled !== undefined;
    this.#held.begin();
    this.#next = 0;
    this.#active = new Map([...this.lanes].filter(([name]) => streams.has(name)));
    for (const [name, lane] of this.#active) lane.begin(settled === undefined ? undefined : (settled.get(name) ?? -1));
  }

  /** The map is over: nothing is kept. */
  end(): void {
    for (const message of this.takeMessages()) this.undeliverable(message);
    this.#held.end();
    for (const lane of this.lanes.values()) lane.end();
    this.#unsent.clear();
    this.#unsentBytes = 0;
    this.#blocked = false;
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

  /**
   * Events of the controller, in order. Frames meet them when it is known who is given them again.
   * @param afterHello see FeedNews
   */
  give(feeds: readonly Feed[], afterHello = false): void {
    const events: EventFrames[] = [];
    for (const feed of feeds) {
      // A late joiner gets the start event with an origin, as its first attempt (spec 3.3).
      if (feed.attempt > 1 || feed.origin !== null) {
        this.#giveAgain(feed);
        continue;
      }
      const event = this.#giveFirst(feed, this.#keepsAll || (this.#saysOver && afterHello));
      if (event) events.push(event);
    }
    for (const event of events)
      for (const share of event.shares) share.lane.want({ fill: (data) => this.#fill(event, share, data) });
    this.#dispatch();
  }

  /** Events that are over and were not told: by stream, how many frames pass. */
  pass(places: Readonly<Record<string, number>>): void {
    for (const [stream, count] of Object.entries(places)) this.#active.get(stream)?.pass(count);
  }

  /** @returns the event, if it is new and wants frames of ours */
  #giveFirst({ event_number: number, assignments }: Feed, keepsAll: boolean): EventFrames | undefined {
    if (number < this.#next) {
      this.oddities.repeated++;
      return undefined;
    }
    this.#next = number + 1;
    const shares: Share[] = [];
    for (const [stream, workers] of Object.entries(assignments)) {
      const lane = this.#active.get(stream);
      const asked = workers.length > 0;
      if (lane) shares.push({ lane, workers, asked, data: undefined, placed: undefined, open: false });
    }
    if (shares.length === 0) return undefined;
    const event = new EventFrames(number, shares, keepsAll);
    this.#held.add(event);
    this.#unsent.put(event);
    return event;
  }

  #fill(event: EventFrames, share: Share, data: StreamData): void {
    event.pending--;
    share.data = data;
    if (data === MISSING) return;
    share.open = true;
    if (event.released) forgo(share, event.released);
    else if (!share.asked && !event.keepsAll) forgo(share, 'over');
    else {
      const bytes = bytesOf(data);
      event.bytes += bytes;
      this.#unsentBytes += bytes;
    }
  }

  #giveAgain(feed: Feed): void {
    const event = this.#held.find(feed.event_number);
    for (const share of event?.shares ?? []) if (feed.assignments[share.lane.name]?.length) share.asked = true;
    if (event && event.pending > 0) event.again.push(feed);
    else this.#sendAgain(feed, event);
  }

  /** Frames that are gone are missing for the worker: it must not wait for what nobody has. */
  #sendAgain(feed: Feed, event: EventFrames | undefined): void {
    const byWorker = new Map<string, { name: string; data: StreamData }[]>();
    const of = event ?? new EventFrames(feed.event_number, []);
    for (const [name, workers] of Object.entries(feed.assignments)) {
      if (!this.#active.has(name)) continue;
      const share = of.shares.find(({ lane }) => lane.name === name);
      const data = share?.placed ?? share?.data;
      if (data === undefined) this.oddities.gone++;
      for (const worker of workers) push(byWorker, worker, { name, data: data ?? MISSING });
    }
    const { attempt, origin } = feed;
    this.#emit(of, byWorker, attempt, origin);
  }

  /** Messages of events whose frames have come, in order of the events; one that is over holds up nobody. */
  #dispatch(): void {
    const before = this.#blocked;
    this.#blocked = false;
    for (let event = this.#unsent.first; event && isSettled(event); event = this.#unsent.first) {
      if (!event.released && !this.#place(event)) {
        this.#blocked = true;
        break;
      }
      this.#unsent.take();
      this.#unsentBytes -= event.bytes;
      if (!event.released) {
        const byWorker = new Map<string, { name: string; data: StreamData }[]>();
        for (const { lane, workers, data, placed } of event.shares)
          for (const worker of workers) push(byWorker, worker, { name: lane.name, data: placed ?? data ?? MISSING });
        this.#emit(event, byWorker, 1, null);
        this.#record?.(streamsOf(event));
        for (const share of event.shares) if (share.placed) share.data = undefined;
        this.#held.keep(event);
      }
      for (const feed of event.again) this.#sendAgain(feed, event);
    }
    if (before || this.#blocked) this.#choke();
    this.#held.makeRoom();
  }

  /** A source that does not wait must not fill the memory while nothing can be sent. */
  #choke(): void {
    for (const lane of this.#active.values()) lane.choked = this.#blocked && this.#unsentBytes > lane.options.queue;
  }

  /** Puts large frames into shared memory if somebody reads from it. @returns false if there is no room now */
  #place(event: EventFrames): boolean {
    const store = this.#store;
    // The start event stays for the whole scan.
    if (!store || event.bytes < store.least || event.number === 0) return true;
    for (const share of event.shares) {
      if (!share.data || share.placed || !share.workers.some((worker) => store.reaches(worker))) continue;
      let placed = store.place(share.data);
      while (placed === 'full' && this.#held.evict(this.#saysOver ? 'spare' : 'any')) placed = store.place(share.data);
      if (placed === 'full') return false;
      if (!placed) continue;
      share.placed = placed;
      for (const { bytes } of placed.places) event.placedBytes += bytes;
    }
    return true;
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
    this.#held.settle(of);
    if (this.#blocked && of.released) this.#dispatch();
  }

  /** There is no such worker: the controller decides what becomes of the event. */
  undeliverable({ of }: Message): void {
    of.underway--;
    this.#held.settle(of);
    if (this.#blocked && of.released) this.#dispatch();
  }

  /** Nobody will ask for the frames of these events again. */
  over(runs: readonly Run[]): void {
    this.#held.over(runs);
    this.#dispatch();
  }

  /** They are done, and are asked for again only if a worker dies: they go first if there is no room in shared memory. */
  spare(runs: readonly Run[]): void {
    this.#held.spare(runs);
    if (this.#blocked) this.#dispatch();
  }
}

function streamsOf({ number, shares }: EventFrames): EventStreams {
  const sent = shares.filter(({ asked }) => asked);
  const there = sent.flatMap(({ lane, data }) => (data && data !== MISSING ? [[lane.name, data] as const] : []));
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
