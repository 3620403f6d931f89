/**
 * The live server without sockets, queues, memory and clock: clients come and go, events and transitions come in, orders go out through
 * ports. Counts are closed at every moment (docs/live.md).
 */

import { isEvent, SERVICE } from '../../xtc/service.ts';
import { TRANSITION_BUFFERS } from '../protocol.ts';
import { Ages } from './ages.ts';
import { EventDealer, type Order } from './event-dealer.ts';
import { type ClientPort, type Eviction, LiveClient } from './live-client.ts';
import type { Reserve } from './share.ts';
import { TransitionDesk } from './transition-desk.ts';

export interface CoreOptions {
  /** Event buffers. */
  buffers: number;
  /** Bytes of one. */
  bufferBytes: number;
  clients: number;
  order: Order;
  reserve?: readonly Reserve[];
  /** Seconds for the first valid answer of a client. Default 5. */
  patience?: number;
  store(buffer: number, dgram: Buffer): void;
  /** Looks into all return queues now. */
  harvest(): void;
}

export const PATIENCE = 5;
/** How many of those that have left are told of one by one. */
const FORMER = 32;

export class LiveCore {
  readonly events: EventDealer;
  readonly transitions: TransitionDesk;
  readonly evicted: Record<Eviction, number> = { silent: 0, overrun: 0, garbage: 0, holding: 0 };
  /** Clients that have been there. */
  joined = 0;
  /** Connections that were closed because all numbers were taken. */
  rejected = 0;
  /** The last clients that have left. */
  readonly former: LiveClient[] = [];
  /** Of all clients that have left. */
  private readonly old = { badReturns: 0, sent: 0, late: 0 };
  /** Of the events that came back, from their arrival on. */
  readonly ages = new Ages();
  private readonly options: CoreOptions;
  private readonly byNumber = new Map<number, LiveClient>();
  private now = 0;

  constructor(options: CoreOptions) {
    this.options = options;
    const { store } = options;
    this.events = new EventDealer(options);
    this.transitions = new TransitionDesk({
      firstBuffer: options.buffers,
      buffers: TRANSITION_BUFFERS,
      patience: options.patience ?? PATIENCE,
      store,
      recall: (client) => this.events.recall(client),
      evict: (client, reason) => this.evict(client, reason),
    });
  }

  get clients(): readonly LiveClient[] {
    return this.events.clients;
  }

  /** The lowest number that is not taken; undefined, and counted, if all are. */
  freeNumber(usable: (number: number) => boolean = () => true): number | undefined {
    for (let number = 0; number < this.options.clients; number++) {
      if (!this.byNumber.has(number) && usable(number)) return number;
    }
    this.rejected++;
    return undefined;
  }

  join(number: number, port: ClientPort, now: number): LiveClient {
    const client = new LiveClient(number, port);
    this.byNumber.set(number, client);
    this.joined++;
    this.transitions.join(client, now);
    this.events.join(client);
    return client;
  }

  /** Works any number of times. */
  leave(client: LiveClient, now: number): void {
    if (this.byNumber.get(client.number) !== client) return;
    this.byNumber.delete(client.number);
    this.events.leave(client);
    this.transitions.leave(client, now);
    this.old.badReturns += client.badReturns;
    this.old.sent += client.sent;
    this.old.late += client.late;
    this.former.push(client);
    if (this.former.length > FORMER) this.former.shift();
    client.port.gone();
  }

  /**
   * Takes a dgram of the input.
   * @returns `oversize`: it fits into no buffer; an event is then counted, a transition is the caller's to refuse
   */
  take(dgram: Buffer, service: number, groups: number, now: number): 'taken' | 'early' | 'oversize' {
    this.now = now;
    const fits = dgram.length <= this.options.bufferBytes;
    if (isEvent(service)) {
      const refused = !this.transitions.stack.configured ? 'early' : fits ? undefined : 'oversize';
      if (refused === undefined) this.events.event(dgram, groups, now);
      else this.events.refuse(refused);
      return refused ?? 'taken';
    }
    if (!fits) return 'oversize';
    if (service === SERVICE.Enable) this.events.recallAll();
    if (service !== SERVICE.SlowUpdate) this.events.newEpoch();
    return this.transitions.transition(service, Buffer.from(dgram), now) ? 'taken' : 'early';
  }

  /** A buffer came back through a client's return queue. */
  eventReturned(client: LiveClient, buffer: number, now: number): void {
    if (this.events.returned(client, buffer, now)) {
      client.proved = true;
      this.ages.add(client.age);
    }
    if (client.pending.length > 0) this.transitions.flush(client, now);
  }

  /** A message on the connection. What makes no sense ends it. */
  transitionReturned(client: LiveClient, buffer: number, now: number): void {
    this.now = now;
    if (!this.transitions.returned(client, buffer, now)) this.evict(client, 'garbage');
  }

  /** Closes a connection, counts why, and recovers what the client had. */
  evict(client: LiveClient, reason: Eviction): void {
    if (this.byNumber.get(client.number) !== client) return;
    this.evicted[reason]++;
    client.port.close(reason);
    this.leave(client, this.now);
  }

  /** To be called now and then; five times a second or more. */
  tick(now: number): void {
    this.now = now;
    this.transitions.tick(now);
  }

  /** Every client, those lagging aside, has all transitions; with `all`, has also taken its events and returned everything. */
  settled(all: boolean): boolean {
    return this.clients.every((client) => client.lagging || (client.caughtUp && (!all || client.given.length === 0)));
  }

  /** Of all clients, those that have left included. */
  get totals(): { badReturns: number; sent: number; late: number } {
    const totals = { ...this.old };
    for (const { badReturns, sent, late } of this.clients) {
      totals.badReturns += badReturns;
      totals.sent += sent;
      totals.late += late;
    }
    return totals;
  }
}
