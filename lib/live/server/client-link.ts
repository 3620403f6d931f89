/** One connected client: its socket and its two queues. Nothing here waits for it. */

import type { Socket } from 'node:net';
import { encodeMessage, indexOf, MESSAGE_BYTES } from '../protocol.ts';
import type { ClientPort, Eviction, LiveClient } from './live-client.ts';
import type { LiveCore } from './live-core.ts';
import { type LiveObjects, type Seat, seatOf } from './objects.ts';

/** An honest client has at most every buffer to return; more are looked at in the next turn. */
const HARVEST_AT_ONCE = 256;
/** Harvests that a silent client is passed over at most (measured: with 8 of them every call cost as much as dealing the event). */
const LEAST_OFTEN = 31;

export interface LinkParts {
  core: LiveCore;
  objects: LiveObjects;
  say: (text: string) => void;
  /** Seconds. */
  now: () => number;
  /** The client with this number is gone: its queues may be replaced. */
  vacated: (number: number) => void;
}

export class ClientLink implements ClientPort {
  readonly number: number;
  client!: LiveClient;
  private readonly socket: Socket;
  private readonly parts: LinkParts;
  private readonly core: LiveCore;
  private readonly seat: Seat;
  private readonly message: Buffer;
  private readonly received = Buffer.alloc(MESSAGE_BYTES);
  private rest: Buffer = Buffer.alloc(0);
  /** Harvests to pass over, and how many it were last time: who has returned nothing for long is asked less often. */
  private passOver = 0;
  private over = false;
  private lastPassedOver = 0;

  constructor(socket: Socket, number: number, parts: LinkParts) {
    this.socket = socket;
    this.number = number;
    this.parts = parts;
    this.core = parts.core;
    this.seat = seatOf(number, parts.objects.options);
    this.message = encodeMessage(0, this.seat.layout);
  }

  /** The hand-shake: the client's number, then the transitions in force. */
  start(): void {
    const { socket } = this;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.arrived(bytes));
    // Whatever the end is, it is the same to us.
    socket.on('error', () => {});
    socket.on('close', () => this.core.leave(this.client, this.parts.now()));
    socket.write(encodeMessage(this.seat.wireNumber, this.seat.layout));
    this.queues.fromClient.watch((message, length) => this.eventBack(message, length));
    this.client = this.core.join(this.number, this, this.parts.now());
  }

  offer(buffer: number): boolean {
    this.message.writeInt32LE(buffer, 0);
    return this.queues.toClient.trySend(this.message);
  }

  waiting(): number {
    return this.queues.toClient.messages;
  }

  takeBack(): number {
    const length = this.queues.toClient.tryReceive(this.received);
    if (length < 0) return -1;
    // A message of another size is a stranger's: as an index that nobody has, it is thrown away.
    return length === MESSAGE_BYTES ? indexOf(this.received) : Number.NaN;
  }

  announce(buffer: number): void {
    this.socket.write(encodeMessage(buffer, this.seat.layout));
  }

  close(reason: Eviction): void {
    this.parts.say(`client ${this.number} is disconnected: ${REASONS[reason]}`);
    this.socket.destroy();
  }

  gone(): void {
    // The socket closes a moment later, and the number may have a new client by then.
    this.over = true;
    this.parts.vacated(this.number);
  }

  /** Takes what is in the return queue now. */
  harvest(): void {
    if (this.over) return;
    if (this.passOver > 0) {
      this.passOver--;
      return;
    }
    this.passOver = this.lastPassedOver = Math.min(2 * this.lastPassedOver + 1, LEAST_OFTEN);
    const { fromClient } = this.queues;
    for (let i = 0; i < HARVEST_AT_ONCE; i++) {
      const length = fromClient.tryReceive(this.received);
      if (length < 0) return;
      this.eventBack(this.received, length);
    }
  }

  /** Ends the connection in order: the client reads what was sent, then the end. */
  end(): void {
    this.socket.end();
  }

  /** Ends it at once. */
  destroy(): void {
    this.socket.destroy();
  }

  private get queues() {
    return this.parts.objects.queues[this.number]!;
  }

  private eventBack(message: Buffer, length: number): void {
    this.passOver = this.lastPassedOver = 0;
    this.core.eventReturned(this.client, length === MESSAGE_BYTES ? indexOf(message) : Number.NaN, this.parts.now());
  }

  private arrived(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    let at = 0;
    for (; this.rest.length - at >= MESSAGE_BYTES && !this.socket.destroyed; at += MESSAGE_BYTES) {
      this.core.transitionReturned(this.client, indexOf(this.rest, at), this.parts.now());
    }
    this.rest = this.rest.subarray(at);
  }
}

const REASONS: Readonly<Record<Eviction, string>> = {
  silent: 'it returned nothing',
  overrun: 'more than 32 transitions wait for it',
  garbage: 'what it sent is no answer to a transition',
  holding: 'it held a transition buffer that others needed',
};
