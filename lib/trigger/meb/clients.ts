/**
 * The clients of the monitors: who is there, who gets the next event. One that goes away from an address where others can come is waited
 * for again; whoever comes begins with the transitions that hold.
 */

import type { DgramSink } from '../../stream/sink.ts';
import { ClientOutput } from './client-output.ts';
import type { ClientAddress } from './flags.ts';
import type { OpenTransitions } from './open-transitions.ts';

export interface ClientsParts {
  addresses: readonly ClientAddress[];
  /** Opens the sink of a client; it may take long until somebody reads there. */
  open: (url: string) => Promise<DgramSink>;
  /** Whether another client may come after one has left. */
  reopens: (url: string) => boolean;
  /** Largest dgram that a client gets, in bytes. */
  maxEvent: number;
  transitions: OpenTransitions;
  /** An event has been taken, or given up: its buffer is free. */
  freed: (word: number) => void;
  /** Somebody has come or gone. */
  changed: () => void;
  say: (text: string) => void;
}

/** A client that hangs has so long to take the end. */
const GRACE_MS = 2000;

interface Place {
  address: ClientAddress;
  client: ClientOutput | undefined;
  sink: DgramSink | undefined;
}

export class Clients {
  private readonly parts: ClientsParts;
  private readonly places: Place[];
  private readonly all: ClientOutput[] = [];
  private turn = 0;
  private over = false;

  constructor(parts: ClientsParts) {
    this.parts = parts;
    this.places = parts.addresses.map((address) => ({ address, client: undefined, sink: undefined }));
  }

  /** Opens all places; settles when they are open, not when somebody has come. @throws DaqError */
  async open(): Promise<void> {
    await Promise.all(this.places.map((place) => this.serve(place)));
  }

  /** Clients that are there. */
  get connected(): number {
    return this.places.filter(({ client }) => client !== undefined).length;
  }

  /** Whether somebody is there for events of a monitor. */
  serves(meb: number): boolean {
    return this.places.some((place) => place.client !== undefined && isFor(place, meb));
  }

  /** Every client that there was. */
  get counts(): Record<'delivered' | 'lost' | 'transitions', number> {
    const counts = { delivered: 0, lost: 0, transitions: 0 };
    for (const { delivered, lost, transitions } of this.all) {
      counts.delivered += delivered;
      counts.lost += lost;
      counts.transitions += transitions;
    }
    return counts;
  }

  /** Buffers held, by client. */
  held(): Record<string, number> {
    return Object.fromEntries(
      this.places.flatMap(({ client, address }) => (client ? [[address.url, client.held]] : [])),
    );
  }

  /** Gives an event to the client with the least to do. @returns what became of it */
  give(meb: number, dgram: Buffer, word: number): 'given' | 'no-client' | 'too-big' {
    let best: ClientOutput | undefined;
    for (let k = 0; k < this.places.length; k++) {
      const place = this.places[(this.turn + k) % this.places.length]!;
      const { client } = place;
      if (client && isFor(place, meb) && (!best || client.held < best.held)) best = client;
    }
    if (!best) return 'no-client';
    this.turn++;
    return best.give(dgram, word) ? 'given' : 'too-big';
  }

  /** A transition goes to everybody. */
  transition(dgram: Buffer): void {
    for (const { client } of this.places) client?.give(dgram, 0);
  }

  /** The end of the streams: the clients take what they have been given. @param stop then those that hang have no more than a moment */
  async close(stop: AbortSignal): Promise<void> {
    this.over = true;
    const hurry = () => setTimeout(() => this.leaveAll(), GRACE_MS).unref();
    if (stop.aborted) hurry();
    else stop.addEventListener('abort', hurry, { once: true });
    await Promise.all(this.places.map(({ client, sink }) => (client ? client.close() : sink?.abandon())));
    stop.removeEventListener('abort', hurry);
  }

  private leaveAll(): void {
    for (const { client } of this.places) client?.leave('it has stopped reading');
  }

  abandon(): void {
    this.over = true;
    for (const { sink } of this.places) sink?.abandon();
  }

  private async serve(place: Place): Promise<void> {
    const sink = await this.parts.open(place.address.url);
    if (this.over) return sink.abandon();
    place.sink = sink;
    if (!sink.reader) return this.arrived(place, sink);
    sink.reader.then((there) => {
      if (there && !this.over) this.arrived(place, sink);
    });
  }

  private arrived(place: Place, sink: DgramSink): void {
    const { parts } = this;
    const client = new ClientOutput(sink, parts.maxEvent, {
      taken: parts.freed,
      gone: (why) => this.left(place, why),
    });
    this.all.push(client);
    place.client = client;
    for (const dgram of parts.transitions.dgrams) client.give(dgram, 0);
    parts.changed();
  }

  private left(place: Place, why: string): void {
    const { say, changed, reopens } = this.parts;
    const { url } = place.address;
    place.client = undefined;
    say(`${url}: a client has left: ${why}`);
    changed();
    if (this.over || !reopens(url)) return;
    this.serve(place).catch((error: unknown) => say(`${url}: no other client can come: ${(error as Error).message}`));
  }
}

function isFor({ address }: Place, meb: number): boolean {
  return address.meb === undefined || address.meb === meb;
}
