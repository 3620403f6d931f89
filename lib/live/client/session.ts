/** One connection at work: copies every dgram out and returns its buffer at once, so that a slow reader holds nothing. */

import { indexOf, MESSAGE_BYTES, TRANSITION_BUFFERS } from '../protocol.ts';
import type { Connection } from './connect.ts';
import { Guard, sizeAt } from './guard.ts';
import type { Inbox } from './inbox.ts';

/** Runs until the server ends or `close` is called. */
export class Session {
  private readonly connection: Connection;
  private readonly inbox: Inbox;
  private readonly arrived: () => void;
  private readonly guard = new Guard();
  private readonly reply: Buffer;
  private taken: number[] = [];
  private due = false;
  private closed = false;
  private onEnd = () => {};

  /** @param arrived told when the inbox has something new */
  constructor(connection: Connection, inbox: Inbox, arrived: () => void) {
    this.connection = connection;
    this.inbox = inbox;
    this.arrived = arrived;
    this.reply = Buffer.from(connection.hello);
  }

  /** Ends when the server does. */
  run(): Promise<void> {
    const { socket, events } = this.connection;
    return new Promise((resolve) => {
      this.onEnd = resolve;
      socket.on('readable', () => this.readSocket());
      // A reset is an ordinary end too: replies of ours that the server did not read.
      socket.on('error', () => this.close());
      socket.on('end', () => this.close());
      socket.on('close', () => this.close());
      events.watch((message, length) => this.eventTaken(message, length), { onError: () => this.close() });
      this.readSocket();
      if (socket.readableEnded || socket.destroyed) this.close();
    });
  }

  /** Works any number of times. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { socket, memory, events, returns } = this.connection;
    socket.destroy();
    for (const resource of [events, returns, memory]) resource.close();
    this.onEnd();
  }

  private readSocket(): void {
    const { socket } = this.connection;
    while (!this.closed) {
      const message = socket.read(MESSAGE_BYTES) as Buffer | null;
      if (message === null || message.length < MESSAGE_BYTES) return;
      const index = indexOf(message);
      this.copyOut(index, true);
      if (!this.closed) socket.write(this.replyFor(index, true));
    }
  }

  /**
   * The transition before an event is on the socket already, and both are ready in the same turn of the loop; what is done after the
   * turn comes behind it.
   */
  private eventTaken(message: Buffer, length: number): void {
    this.taken.push(length === MESSAGE_BYTES ? indexOf(message) : -1);
    if (this.due) return;
    this.due = true;
    setImmediate(() => {
      this.due = false;
      const indices = this.taken;
      this.taken = [];
      for (const index of indices) this.event(index);
    });
  }

  private event(index: number): void {
    if (this.closed) return;
    this.copyOut(index, false);
    // In serial order this passes it on. Full means that the server does not look; it will not miss it.
    if (!this.closed) this.connection.returns.trySend(this.replyFor(index, false));
  }

  private copyOut(index: number, transition: boolean): void {
    const { memory, layout } = this.connection;
    const first = transition ? layout.events : 0;
    const last = transition ? layout.events + TRANSITION_BUFFERS : layout.events;
    if (index < first || index >= last) {
      this.inbox.refuse();
      return;
    }
    const at = index * layout.bufferBytes;
    const size = sizeAt(memory.bytes, at, layout.bufferBytes);
    // Copied first and checked after: the memory is another process'.
    const dgram = Buffer.from(memory.bytes.subarray(at, at + size));
    if (size === 0 || this.guard.fault(dgram, transition) !== undefined) {
      this.inbox.refuse();
      return;
    }
    this.inbox.add(dgram, !transition);
    this.arrived();
  }

  /** A socket keeps what it is given until it is sent, a queue copies it. */
  private replyFor(index: number, kept: boolean): Buffer {
    const reply = kept ? Buffer.from(this.reply) : this.reply;
    reply.writeInt32LE(index, 0);
    return reply;
  }
}
