/** One endpoint on which subscribers are served: a listening socket, and a connection for each of them. */

import { rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { clearSocketPath } from '../../stream/zmq/socket-file.ts';
import type { Endpoint } from './endpoint.ts';
import type { Newcomer, SubscriberId } from './publication.ts';
import { GREETING, READY, SubscriberReader } from './zmtp.ts';

/** A message as it goes out; all connections share its pieces. */
export interface Outgoing {
  readonly seq: number;
  readonly pieces: readonly Buffer[];
  /** Their sum. */
  readonly bytes: number;
}

export interface ListenerEvents {
  subscribed(id: SubscriberId, newcomer: Newcomer): void;
  unsubscribed(id: SubscriberId): void;
  /** The kernel has the whole message. */
  delivered(id: SubscriberId, seq: number): void;
  left(id: SubscriberId): void;
  /** A connection was closed because of what it did. */
  refused(reason: Refusal, detail: string): void;
}

export type Refusal = 'slow' | 'bad-frame' | 'silent';

/** A subscriber that is so many messages behind is disconnected. */
const MAX_BEHIND = 4;
const HANDSHAKE_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** Only this user may connect to a socket file. */
const PRIVATE_UMASK = 0o177;

export class Listener {
  readonly endpoint: Endpoint;
  private readonly server: Server;
  private readonly events: ListenerEvents;
  private readonly nextId: () => SubscriberId;
  private readonly connections = new Map<SubscriberId, Connection>();
  private inode: number | undefined;

  private constructor(endpoint: Endpoint, nextId: () => SubscriberId, events: ListenerEvents) {
    this.endpoint = endpoint;
    this.nextId = nextId;
    this.events = events;
    this.server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.accept(socket),
    );
  }

  /**
   * Binds an endpoint.
   * @param nextId numbers for connections, unique over all listeners of a publication
   * @throws DaqError `already-served`, `ipc-refused`, `output-failed`; UsageError if the path is no socket
   */
  static async open(endpoint: Endpoint, nextId: () => SubscriberId, events: ListenerEvents): Promise<Listener> {
    const listener = new Listener(endpoint, nextId, events);
    if (endpoint.transport === 'ipc') await clearSocketPath(endpoint.path, { file: endpoint.text });
    await listener.bind();
    return listener;
  }

  /** Port of a tcp endpoint, also where any free one was asked for. */
  get port(): number | undefined {
    const address = this.server.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  get size(): number {
    return this.connections.size;
  }

  has(id: SubscriberId): boolean {
    return this.connections.has(id);
  }

  send(id: SubscriberId, message: Outgoing): void {
    this.connections.get(id)?.send(message);
  }

  /** Stops listening and lets everybody go; what is not delivered by now is dropped. Works any number of times. */
  close(): void {
    this.removeFile();
    this.server.close();
    for (const connection of this.connections.values()) connection.end();
  }

  /** Removes the socket file if it is still ours. */
  removeFile(): void {
    const { endpoint, inode } = this;
    if (endpoint.transport !== 'ipc' || inode === undefined) return;
    if (statSync(endpoint.path, { throwIfNoEntry: false })?.ino === inode) rmSync(endpoint.path, { force: true });
    this.inode = undefined;
  }

  private bind(): Promise<void> {
    const { server, endpoint } = this;
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE';
        const why = taken ? 'the address is in use' : explain(error);
        reject(
          new DaqError(taken ? 'already-served' : 'output-failed', `cannot bind: ${why}`, {
            place: { file: endpoint.text },
            cause: error,
          }),
        );
      };
      server.once('error', failed);
      server.once('listening', () => {
        server.off('error', failed);
        // A connection that could not be accepted (no descriptor left) is retried by its subscriber.
        server.on('error', (error) => this.events.refused('bad-frame', error.message));
        if (endpoint.transport === 'ipc') this.inode = statSync(endpoint.path).ino;
        resolve();
      });
      if (endpoint.transport === 'tcp') return void server.listen(endpoint.port, endpoint.host);
      // The file must never be open to others, not even for a moment; it is made inside `listen`.
      const before = process.umask(PRIVATE_UMASK);
      try {
        server.listen(endpoint.path);
      } finally {
        process.umask(before);
      }
    });
  }

  private accept(socket: Socket): void {
    const id = this.nextId();
    const connection = new Connection(id, socket, this.endpoint, {
      ...this.events,
      left: (left) => {
        this.connections.delete(left);
        this.events.left(left);
      },
    });
    this.connections.set(id, connection);
  }
}

/** One subscriber. */
class Connection {
  private readonly id: SubscriberId;
  private readonly socket: Socket;
  private readonly endpoint: Endpoint;
  private readonly events: ListenerEvents;
  /** Topics that it subscribed to and that our messages match, with how often. */
  private readonly topics = new Map<string, number>();
  private behind = 0;
  private readonly handshake: NodeJS.Timeout;

  constructor(id: SubscriberId, socket: Socket, endpoint: Endpoint, events: ListenerEvents) {
    this.id = id;
    this.socket = socket;
    this.endpoint = endpoint;
    this.events = events;
    this.handshake = setTimeout(() => this.refuse('silent', 'no handshake'), HANDSHAKE_MS).unref();
    const reader = new SubscriberReader({
      ready: () => clearTimeout(this.handshake),
      subscribe: (topic) => this.subscribe(topic),
      cancel: (topic) => this.cancel(topic),
      reply: (bytes) => socket.write(bytes),
    });
    socket.on('data', (bytes) => {
      try {
        reader.take(bytes);
      } catch (error) {
        this.refuse('bad-frame', (error as Error).message);
      }
    });
    // `close` follows, and says all there is to say.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(this.handshake);
      events.left(id);
    });
    socket.write(Buffer.concat([GREETING, READY]));
  }

  send({ seq, pieces }: Outgoing): void {
    if (this.behind >= MAX_BEHIND) return this.refuse('slow', `it is ${MAX_BEHIND} messages behind`);
    this.behind++;
    const { socket } = this;
    const last = pieces.length - 1;
    // Corked, all pieces go to the kernel in one call.
    socket.cork();
    pieces.forEach((piece, i) => {
      socket.write(piece, i < last ? undefined : (error) => this.written(seq, error));
    });
    socket.uncork();
  }

  end(): void {
    this.socket.destroySoon();
    this.socket.unref();
  }

  private written(seq: number, error: Error | null | undefined): void {
    this.behind--;
    // Node calls back without an error for what a lost connection has dropped.
    if (!error && !this.socket.destroyed) this.events.delivered(this.id, seq);
  }

  private subscribe(topic: Buffer): void {
    if (!this.matches(topic)) return;
    const key = topic.toString('latin1');
    this.topics.set(key, (this.topics.get(key) ?? 0) + 1);
    if (this.count() === 1) this.events.subscribed(this.id, this.newcomer());
  }

  private cancel(topic: Buffer): void {
    const key = topic.toString('latin1');
    const before = this.topics.get(key);
    if (before === undefined) return;
    if (before === 1) this.topics.delete(key);
    else this.topics.set(key, before - 1);
    if (this.topics.size === 0) this.events.unsubscribed(this.id);
  }

  private count(): number {
    let sum = 0;
    for (const times of this.topics.values()) sum += times;
    return sum;
  }

  /** Whether messages begin with a topic. A pickle has no beginning that anybody could know. */
  private matches(topic: Buffer): boolean {
    const { mark } = this.endpoint;
    return topic.length <= mark.length && mark.subarray(0, topic.length).equals(topic);
  }

  private newcomer(): Newcomer {
    if (this.endpoint.format === 'npy-frames') return 'repeatable';
    if (this.endpoint.transport === 'ipc') return 'local';
    return isLoopback(this.socket.remoteAddress ?? '') ? 'local' : 'remote';
  }

  private refuse(reason: Refusal, detail: string): void {
    if (this.socket.destroyed) return;
    this.events.refused(reason, detail);
    this.socket.destroy();
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
