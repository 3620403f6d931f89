/**
 * Who gets which event, in which buffer (spec live.md, "How the buffers behave"). Pure: the kernel's queues are behind `ClientPort`, the
 * shared memory is behind `store`, the time comes in.
 *
 * A buffer is free, or queued to a client, or taken by one. Whether a queued one is taken is decided by the kernel: what `takeBack`
 * yields was not. Every event ends in exactly one count, when its buffer becomes free.
 */

import type { LiveClient } from './live-client.ts';
import { type Reserve, Shares } from './share.ts';

export type Order = 'distributed' | 'serial';

export interface DealerOptions {
  /** Event buffers. */
  buffers: number;
  /** Clients at most. */
  clients: number;
  order: Order;
  reserve?: readonly Reserve[];
  /** Copies an event into a buffer. */
  store(buffer: number, dgram: Buffer): void;
  /** Looks into all return queues now; calls `returned` for what is there. */
  harvest(): void;
}

/** How an event ended; `delivered`: at least one client took it. */
export interface EventCounts {
  in: number;
  delivered: number;
  stolen: number;
  noBuffer: number;
  noClient: number;
  /** Before the first Configure. */
  early: number;
  oversize: number;
  recalled: number;
  left: number;
}

type Fate = Exclude<keyof EventCounts, 'in' | 'delivered'>;

const FREE = -1;
/** In nobody's queue or hand, but not free either: within one call. */
const SERVER = -2;

export class EventDealer {
  readonly counts: EventCounts = {
    in: 0,
    delivered: 0,
    stolen: 0,
    noBuffer: 0,
    noClient: 0,
    early: 0,
    oversize: 0,
    recalled: 0,
    left: 0,
  };
  /** Sorted by number. */
  readonly clients: LiveClient[] = [];

  private readonly options: DealerOptions;
  private readonly shares: Shares;
  /** Events of each class that one client may have, taken or not; who keeps what it takes cannot keep more. */
  private readonly limits: number[];
  /** In serial order: with all other clients stuck, one buffer is left. */
  private readonly chainLimit: number;
  private readonly free: number[];
  private readonly holder: Int16Array;
  private readonly taken: Uint8Array;
  private readonly kind: Uint8Array;
  private readonly epochOf: Float64Array;
  private readonly arrivedAt: Float64Array;
  private epoch = 0;
  private nextClient = 0;
  private nextVictim = 0;

  constructor(options: DealerOptions) {
    const { buffers, clients, reserve = [] } = options;
    this.options = options;
    this.shares = new Shares(reserve);
    const open = reserve.reduce((rest, share) => rest - share.buffers, buffers);
    this.limits = [
      Math.max(1, Math.floor(open / clients)),
      ...reserve.map((share) => Math.ceil(share.buffers / clients)),
    ];
    this.chainLimit = clients === 1 ? buffers : Math.max(1, Math.floor((buffers - 1) / (clients - 1)));
    this.free = Array.from({ length: buffers }, (_, i) => buffers - 1 - i);
    this.holder = new Int16Array(buffers).fill(FREE);
    this.taken = new Uint8Array(buffers);
    this.kind = new Uint8Array(buffers);
    this.epochOf = new Float64Array(buffers);
    this.arrivedAt = new Float64Array(buffers);
  }

  /** Events whose fate is open. */
  get inside(): number {
    return this.options.buffers - this.free.length;
  }

  join(client: LiveClient): void {
    const at = this.clients.findIndex(({ number }) => number > client.number);
    this.clients.splice(at < 0 ? this.clients.length : at, 0, client);
  }

  /** A transition: events from before it are not passed on any more. */
  newEpoch(): void {
    this.epoch++;
  }

  /** An event that is not dealt: it fits into no buffer, or nobody could understand it. */
  refuse(why: 'oversize' | 'early'): void {
    this.counts.in++;
    this.counts[why]++;
  }

  /** @param groups readout groups of the event @param now seconds */
  event(dgram: Buffer, groups: number, now: number): void {
    this.counts.in++;
    if (!this.clients.some(({ ready }) => ready)) {
      this.counts.noClient++;
      return;
    }
    const kind = this.shares.classOf(groups);
    let target = this.targetFor(kind);
    if (target === undefined || !this.shares.mayTake(kind, this.free.length)) {
      this.options.harvest();
      target ??= this.targetFor(kind);
    }
    // All queues are full: what is oldest gives way, and its client gets the new event.
    target ??= this.steal(kind, ({ ready }) => ready);
    const room = target !== undefined && (this.mayTake(kind) || this.steal(kind, () => true) !== undefined);
    if (target === undefined || !room) {
      this.counts.noBuffer++;
      return;
    }
    const buffer = this.free.pop()!;
    this.shares.taken(kind);
    this.holder[buffer] = SERVER;
    this.kind[buffer] = kind;
    this.taken[buffer] = 0;
    this.epochOf[buffer] = this.epoch;
    this.arrivedAt[buffer] = now;
    this.options.store(buffer, dgram);
    if (!this.give(target, buffer)) this.release(buffer, 'noBuffer');
  }

  /** A client says that it has finished with a buffer. @returns false if that was not its buffer to return: ignored, and counted */
  returned(client: LiveClient, buffer: number, now: number): boolean {
    const { given } = client;
    const at = this.holder[buffer] === client.number ? given.indexOf(buffer) : -1;
    const isTaken = at >= 0 && (at < given.length - client.waitingAtMost || at < given.length - client.waiting());
    if (!isTaken) {
      client.badReturns++;
      return false;
    }
    given.splice(at, 1);
    client.returned++;
    client.age = now - this.arrivedAt[buffer]!;
    this.taken[buffer] = 1;
    this.moveOn(client, buffer, 'left');
    return true;
  }

  /** Takes back what a client has not taken. */
  recall(client: LiveClient): void {
    for (let buffer = this.takeBack(client); buffer >= 0; buffer = this.takeBack(client)) {
      client.recalled++;
      this.release(buffer, 'recalled');
    }
  }

  recallAll(): void {
    for (const client of this.clients) this.recall(client);
  }

  /** The client is gone: what it had not taken is lost with it (or goes to the next in serial order), what it held is recovered. */
  leave(client: LiveClient): void {
    const place = this.clients.indexOf(client);
    if (place < 0) return;
    this.clients.splice(place, 1);
    for (let buffer = this.takeBack(client); buffer >= 0; buffer = this.takeBack(client)) {
      client.left++;
      this.moveOn(client, buffer, 'left');
    }
    for (const buffer of client.given.splice(0)) {
      this.taken[buffer] = 1;
      this.moveOn(client, buffer, 'left');
    }
    client.waitingAtMost = 0;
  }

  private mayTake(kind: number): boolean {
    return this.shares.mayTake(kind, this.free.length);
  }

  /** Serial: the first client. Distributed: the next in turn that has room. */
  private targetFor(kind: number): LiveClient | undefined {
    const { clients } = this;
    if (this.options.order === 'serial') return this.nextInChain(-1);
    for (let i = 0; i < clients.length; i++) {
      const client = clients[(this.nextClient + i) % clients.length]!;
      if (!client.ready || !this.hasRoom(client, kind)) continue;
      this.nextClient = (this.nextClient + i + 1) % clients.length;
      return client;
    }
    return undefined;
  }

  /** Everybody sees every event, but who has so many that others in its way would leave nothing to the rest is passed over. */
  private nextInChain(after: number): LiveClient | undefined {
    return this.clients.find(({ number, ready, given }) => number > after && ready && given.length < this.chainLimit);
  }

  /** An event with a share is not kept out by those without. */
  private hasRoom({ given }: LiveClient, kind: number): boolean {
    if (given.length < this.limits[0]!) return true;
    let same = 0;
    for (const buffer of given) if (this.kind[buffer] === kind) same++;
    return same < this.limits[kind]!;
  }

  private give(client: LiveClient, buffer: number): boolean {
    if (!client.port.offer(buffer)) return false;
    client.given.push(buffer);
    client.waitingAtMost++;
    client.offered++;
    this.holder[buffer] = client.number;
    return true;
  }

  /** In serial order to the next client that is there, unless a transition has come since; else free. */
  private moveOn(client: LiveClient, buffer: number, fate: Fate): void {
    if (this.options.order === 'serial' && this.epochOf[buffer] === this.epoch) {
      const next = this.nextInChain(client.number);
      if (next !== undefined && this.give(next, buffer)) return;
    }
    this.release(buffer, fate);
  }

  private release(buffer: number, fate: Fate): void {
    if (this.taken[buffer] === 1) this.counts.delivered++;
    else this.counts[fate]++;
    this.holder[buffer] = FREE;
    this.shares.freed(this.kind[buffer]!);
    this.free.push(buffer);
  }

  /** Frees the buffer of the oldest queued event that may be stolen, beginning with another client each time. @returns whose it was */
  private steal(kind: number, from: (client: LiveClient) => boolean): LiveClient | undefined {
    const { clients } = this;
    for (let i = 0; i < clients.length; i++) {
      const client = clients[(this.nextVictim + i) % clients.length]!;
      if (!from(client) || !this.stealFrom(client, kind)) continue;
      this.nextVictim = (this.nextVictim + i + 1) % clients.length;
      return client;
    }
    return undefined;
  }

  private stealFrom(client: LiveClient, kind: number): boolean {
    const spared: number[] = [];
    let stolen = -1;
    for (let buffer = this.takeBack(client); buffer >= 0; buffer = this.takeBack(client)) {
      if (stolen < 0 && this.shares.maySteal(kind, this.kind[buffer]!)) {
        stolen = buffer;
        // Behind a spared one the rest must come out too, so that the order stays.
        if (spared.length === 0) break;
      } else spared.push(buffer);
    }
    for (const buffer of spared) {
      client.offered--;
      if (this.give(client, buffer)) continue;
      // Only if a stranger writes into the queue as well.
      client.offered++;
      client.stolen++;
      this.release(buffer, 'stolen');
    }
    if (stolen < 0) return false;
    client.stolen++;
    this.release(stolen, 'stolen');
    return true;
  }

  /** The oldest buffer that a client has not taken, or -1. A message that we did not send is thrown away. */
  private takeBack(client: LiveClient): number {
    for (;;) {
      const buffer = client.port.takeBack();
      if (buffer === -1) {
        client.waitingAtMost = 0;
        return -1;
      }
      const at = this.holder[buffer] === client.number ? client.given.indexOf(buffer) : -1;
      if (at < 0) {
        client.badReturns++;
        continue;
      }
      client.given.splice(at, 1);
      client.waitingAtMost = Math.max(0, client.waitingAtMost - 1);
      this.holder[buffer] = SERVER;
      return buffer;
    }
  }
}
