/** One client as the server's core sees it: what it was given, what it has yet to get, what it counts. */

import type { KeptTransition } from './transition-stack.ts';

/** Why a connection is closed by the server. */
export type Eviction = 'silent' | 'overrun' | 'garbage' | 'holding';

/** What the core asks of the shell for one client. Nothing here waits. */
export interface ClientPort {
  /** Puts a message into the client's event queue; false if it is full. */
  offer(buffer: number): boolean;
  /** Messages in the event queue: what the client has not taken. */
  waiting(): number;
  /** Takes the oldest message back out of the event queue; -1 if there is none. */
  takeBack(): number;
  /** Sends a message on the connection. */
  announce(buffer: number): void;
  /** Closes the connection. */
  close(reason: Eviction): void;
  /** The client has left and all it had is recovered; nothing more is asked. */
  gone(): void;
}

export class LiveClient {
  readonly number: number;
  readonly port: ClientPort;

  // Events
  /** Buffers given and not returned, oldest first; those at the end may still be in the queue. */
  readonly given: number[] = [];
  /** The queue has at most this many messages; the kernel is asked only when that does not settle a question. */
  waitingAtMost = 0;
  offered = 0;
  returned = 0;
  stolen = 0;
  recalled = 0;
  left = 0;
  /** Indices that came back and were not this client's to return. */
  badReturns = 0;
  /** Seconds from the arrival of the last returned event at the server to its return. */
  age = 0;

  // Transitions
  /** Yet to be announced, in order. */
  readonly pending: KeptTransition[] = [];
  /** Announced and not returned: buffer to transition and time. */
  readonly unreturned = new Map<number, { transition: KeptTransition; since: number }>();
  sent = 0;
  /** Of those, from the stack because the client came late. */
  late = 0;
  /** It has returned something valid. */
  proved = false;
  /** Since when the next transition waits for events that were queued before it. */
  heldSince: number | undefined;
  /** Since when the next transition waits for a free buffer. */
  starvedSince: number | undefined;
  /** A replay does not wait for it. */
  lagging = false;

  constructor(number: number, port: ClientPort) {
    this.number = number;
    this.port = port;
  }

  /** Events may be given: every transition before them is announced. */
  get ready(): boolean {
    return this.pending.length === 0;
  }

  /** Nothing is due on the connection. */
  get caughtUp(): boolean {
    return this.pending.length === 0 && this.unreturned.size === 0;
  }

  /** Messages that it has not taken. */
  waiting(): number {
    if (this.given.length === 0) return (this.waitingAtMost = 0);
    return (this.waitingAtMost = Math.min(this.given.length, this.port.waiting()));
  }

  /** Events that it has taken, returned or not. */
  taken(): number {
    return this.offered - this.stolen - this.recalled - this.left - this.waiting();
  }
}
