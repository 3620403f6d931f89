/**
 * Brings every transition to every client, in order, through 18 shared buffers (spec live.md, "Transitions" and requirements 5 and 6).
 * Pure: the connection is behind `ClientPort`, the shared memory behind `store`, the time comes in.
 */

import { SERVICE } from '../../xtc/service.ts';
import type { Eviction, LiveClient } from './live-client.ts';
import { type KeptTransition, TransitionStack } from './transition-stack.ts';

export interface DeskOptions {
  /** Number of the first transition buffer. */
  firstBuffer: number;
  buffers: number;
  /** Seconds for the first valid answer of a client. */
  patience: number;
  store(buffer: number, dgram: Buffer): void;
  /** Takes back the events that a client has not taken. */
  recall(client: LiveClient): void;
  evict(client: LiveClient, reason: Eviction): void;
}

/** Announced and not returned, per client; more wait, so that one client cannot hold all buffers. */
export const MAX_UNRETURNED = 10;
/** Waiting, per client; one more and it is disconnected. */
export const MAX_PENDING = 32;
/** Seconds that a transition waits for the client to take the events before it. */
export const EVENT_GRACE = 0.1;
/** Seconds that a client waits for a buffer which another one holds, before that one is disconnected. */
export const BUFFER_GRACE = 0.5;

export class TransitionDesk {
  readonly stack = new TransitionStack();
  readonly clients = new Set<LiveClient>();
  /** Transitions passed on. */
  in = 0;
  /** Before the first Configure: nobody could understand them. */
  early = 0;
  private readonly options: DeskOptions;
  private readonly free: number[];

  constructor(options: DeskOptions) {
    this.options = options;
    this.free = Array.from({ length: options.buffers }, (_, i) => options.firstBuffer + options.buffers - 1 - i);
  }

  /** Free transition buffers. */
  get room(): number {
    return this.free.length;
  }

  /** A newcomer gets what is in force, Configure first. */
  join(client: LiveClient, now: number): void {
    this.clients.add(client);
    client.pending.push(...this.stack.inForce);
    client.late = client.pending.length;
    this.flush(client, now);
  }

  /** @param dgram memory that stays @returns false if it came before the first Configure: ignored */
  transition(service: number, dgram: Buffer, now: number): boolean {
    if (!this.stack.configured && service !== SERVICE.Configure) {
      this.early++;
      return false;
    }
    this.in++;
    const transition: KeptTransition = { service, dgram, buffer: -1, cached: false, holders: 0 };
    for (const old of this.stack.apply(transition)) this.releaseIfUnused(old);
    for (const client of [...this.clients]) {
      client.pending.push(transition);
      this.flush(client, now);
      if (client.pending.length > MAX_PENDING) this.options.evict(client, 'overrun');
    }
    return true;
  }

  /** A client has finished with a transition. @returns false if it was not given that one */
  returned(client: LiveClient, buffer: number, now: number): boolean {
    const entry = client.unreturned.get(buffer);
    if (entry === undefined) return false;
    client.unreturned.delete(buffer);
    client.proved = true;
    this.letGo(entry.transition);
    if (client.caughtUp) client.lagging = false;
    this.flushAll(now);
    return true;
  }

  leave(client: LiveClient, now: number): void {
    if (!this.clients.delete(client)) return;
    client.pending.length = 0;
    for (const { transition } of client.unreturned.values()) this.letGo(transition);
    client.unreturned.clear();
    this.flushAll(now);
  }

  /** What only time brings: events that are not taken, answers that do not come, buffers that are held. */
  tick(now: number): void {
    for (const client of [...this.clients]) {
      if (client.heldSince !== undefined && now - client.heldSince >= EVENT_GRACE) this.options.recall(client);
      this.flush(client, now);
      const [oldest] = client.unreturned.values();
      if (!client.proved && oldest !== undefined && now - oldest.since >= this.options.patience) {
        this.options.evict(client, 'silent');
      }
    }
    const starved = [...this.clients].some(
      ({ starvedSince }) => starvedSince !== undefined && now - starvedSince >= BUFFER_GRACE,
    );
    if (starved) this.evictHolder();
  }

  /** Announces what can be announced to a client now. */
  flush(client: LiveClient, now: number): void {
    const { pending } = client;
    client.starvedSince = pending.length > 0 ? client.starvedSince : undefined;
    while (pending.length > 0) {
      const transition = pending[0]!;
      if (transition.service !== SERVICE.SlowUpdate && client.waiting() > 0) {
        client.heldSince ??= now;
        return;
      }
      client.heldSince = undefined;
      if (client.unreturned.size >= MAX_UNRETURNED) return;
      if (!this.place(transition)) {
        client.starvedSince ??= now;
        return;
      }
      client.starvedSince = undefined;
      pending.shift();
      transition.holders++;
      client.unreturned.set(transition.buffer, { transition, since: now });
      client.sent++;
      client.port.announce(transition.buffer);
    }
    client.heldSince = undefined;
  }

  private flushAll(now: number): void {
    for (const client of [...this.clients]) if (client.pending.length > 0) this.flush(client, now);
  }

  /** Puts a transition into shared memory, unless it is there. False if no buffer is free. */
  private place(transition: KeptTransition): boolean {
    if (transition.buffer >= 0) return true;
    const buffer = this.free.pop();
    if (buffer === undefined) return false;
    transition.buffer = buffer;
    this.options.store(buffer, transition.dgram);
    return true;
  }

  private letGo(transition: KeptTransition): void {
    transition.holders--;
    this.releaseIfUnused(transition);
  }

  private releaseIfUnused(transition: KeptTransition): void {
    if (transition.buffer < 0 || transition.holders > 0 || transition.cached) return;
    this.free.push(transition.buffer);
    transition.buffer = -1;
  }

  /** The one that has held a transition longest. */
  private evictHolder(): void {
    let worst: LiveClient | undefined;
    let since = Number.POSITIVE_INFINITY;
    for (const client of this.clients) {
      const [oldest] = client.unreturned.values();
      if (oldest === undefined || oldest.since >= since) continue;
      worst = client;
      since = oldest.since;
    }
    if (worst !== undefined) this.options.evict(worst, 'holding');
  }
}
