/** The ROUTER of an ingester: workers come and show themselves, and get their messages (spec mapreduce.md 6.1, 6.4). */

import { Router } from 'zeromq';
import { bindTo } from '../address/socket.ts';
import { isName } from '../redis/keys.ts';
import { isPlaced, type PlacedData } from '../shared/ring.ts';
import { type Ping, readPing } from '../transport/ping.ts';
import { batchParts } from './batch.ts';
import type { Message } from './event-frames.ts';
import { Headers } from './header.ts';
import { type Attempted, Outbox } from './outbox.ts';

/** A worker pings every 2 s. */
const SEEN_MS = 4000;
/** Longest message of a worker: it only pings. Who sends more is hung up on. */
const LONGEST_PING = 4096;
/** Names that are kept of peers that have nothing to get. Of more the one that has been silent for longest is forgotten. */
const MOST_IDLE = 1000;

export interface ConnectedWorker {
  readonly name: string;
  readonly service_uuid: string;
  /** ISO 8601. */
  readonly last_seen: string;
}

export interface RouterOptions {
  /** `tcp://127.0.0.1:0`. */
  readonly bind: string;
  readonly delivered: (message: Message) => void;
  readonly undeliverable: (message: Message) => void;
  /** A worker that was not there shows itself, or one has not for long. */
  readonly changed: () => void;
  /** Shared memory in which large frames are placed. */
  readonly frames?: string | undefined;
}

interface Seen extends Ping {
  readonly name: string;
  readonly at: number;
}

export class WorkerRouter {
  readonly counts = { messages: 0, events: 0, away: 0, full: 0, odd: 0 };
  readonly #options: RouterOptions;
  readonly #socket: Router;
  readonly #seen = new Map<string, Seen>();
  readonly #outboxes = new Map<string, Outbox>();
  #headers = new Headers('');
  #listed = '';
  readonly #looking: NodeJS.Timeout;

  private constructor(options: RouterOptions) {
    this.#options = options;
    // With a timeout of 0 every send tells at once what became of it.
    this.#socket = new Router({
      mandatory: true,
      sendTimeout: 0,
      linger: 0,
      maxMessageSize: LONGEST_PING,
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 300,
      tcpKeepaliveInterval: 300,
    });
    this.#looking = setInterval(() => this.#look(), 1000);
    this.#looking.unref();
  }

  /** @throws DaqError `already-served` or `output-failed` if the address cannot be had */
  static async open(options: RouterOptions): Promise<WorkerRouter> {
    const router = new WorkerRouter(options);
    try {
      await bindTo(router.#socket, options.bind);
    } catch (error) {
      router.close();
      throw error;
    }
    void router.#receive();
    return router;
  }

  /** `tcp://127.0.0.1:43123`. */
  get url(): string {
    return this.#socket.lastEndpoint ?? this.#options.bind;
  }

  /** Workers seen in the last 4 s, by service uuid. */
  get workers(): Readonly<Record<string, ConnectedWorker>> {
    const since = Date.now() - SEEN_MS;
    const fresh = [...this.#seen.values()].filter(({ at }) => at >= since);
    return Object.fromEntries(
      fresh.map(({ name, uuid, at }) => [uuid, { name, service_uuid: uuid, last_seen: new Date(at).toISOString() }]),
    );
  }

  /** Messages that no worker has taken. */
  get waiting(): number {
    let count = 0;
    for (const outbox of this.#outboxes.values()) count += outbox.length;
    return count;
  }

  /** A new map: what is left of the old one is given up. */
  begin(map: string): void {
    for (const outbox of this.#outboxes.values()) outbox.clear();
    this.#headers = new Headers(map);
  }

  send(message: Message): void {
    this.#outbox(message.worker).put(message);
  }

  #outbox(worker: string): Outbox {
    let outbox = this.#outboxes.get(worker);
    if (outbox === undefined) {
      const { delivered, undeliverable } = this.#options;
      outbox = new Outbox({ send: (messages) => this.#attempt(worker, messages), delivered, undeliverable });
      this.#outboxes.set(worker, outbox);
      outbox.batches = this.#seen.get(worker)?.ours === true;
    }
    return outbox;
  }

  async #attempt(worker: string, messages: readonly Message[]): Promise<Attempted> {
    const seen = this.#seen.get(worker);
    // It may be connected, but only its ping says what it understands.
    if (seen === undefined) {
      this.counts.away++;
      return 'away';
    }
    try {
      await this.#socket.send([worker, ...this.#partsOf(messages, seen)]);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        this.counts.full++;
        return 'full';
      }
      // EHOSTUNREACH: no such worker; EBADF and the like: we are closing.
      if (code !== 'EHOSTUNREACH' && !this.#socket.closed) throw error;
      this.counts.away++;
      return 'away';
    }
    this.counts.messages++;
    this.counts.events += messages.length;
    return 'sent';
  }

  #partsOf(messages: readonly Message[], { name, ours }: Seen): (string | Buffer)[] {
    if (messages.length > 1) return batchParts(messages, this.#headers.map);
    const [message] = messages as [Message];
    const shared = this.reaches(name);
    const to = shared ? 'shared' : ours ? 'ours' : 'reference';
    const parts: (string | Buffer)[] = [this.#headers.text(message, to, new Date().toISOString())];
    for (const { data } of message.streams) {
      if (isPlaced(data)) parts.push(...partsOf(data, shared));
      else parts.push(...data.frames);
    }
    return parts;
  }

  /** Whether a worker reads large frames from shared memory. */
  reaches(worker: string): boolean {
    const { frames } = this.#options;
    return frames !== undefined && this.#seen.get(worker)?.frames === frames;
  }

  async #receive(): Promise<void> {
    while (!this.#socket.closed) {
      try {
        const [name, ...parts] = await this.#socket.receive();
        const ping = readPing(parts);
        if (ping && isName(String(name))) this.#ping(String(name), ping);
        else this.counts.odd++;
      } catch (error) {
        if (!this.#socket.closed) throw error;
      }
    }
  }

  #ping(name: string, ping: Ping): void {
    const { uuid, ours } = ping;
    const before = this.#seen.get(name);
    // Some may be for the worker that had the name before, others for this one, whose work can be known here before it pings. One of ours sets
    // aside what it does not expect.
    if (before && before.uuid !== uuid && !ours) this.#outboxes.get(name)?.clear();
    // The last in order is who has shown itself last.
    this.#seen.delete(name);
    this.#seen.set(name, { name, ...ping, at: Date.now() });
    this.#outboxes.get(name)?.back(ours);
    if (!before || before.uuid !== uuid || before.at < Date.now() - SEEN_MS) this.#look();
    if (this.#seen.size - this.#outboxes.size > MOST_IDLE) this.#forgetIdle();
  }

  #forgetIdle(): void {
    for (const name of this.#seen.keys()) if (!this.#outboxes.has(name)) return void this.#seen.delete(name);
  }

  #look(): void {
    const listed = Object.keys(this.workers).sort().join();
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#options.changed();
  }

  close(): void {
    clearInterval(this.#looking);
    for (const outbox of this.#outboxes.values()) outbox.close();
    this.#socket.close();
  }
}

/** ZeroMQ sends later, and the place may be used again by then: who does not read it gets a copy. */
function partsOf({ frames, places }: PlacedData, shared: boolean): Buffer[] {
  const placed = new Set(places.map(({ part }) => part));
  if (shared) return frames.filter((_, part) => !placed.has(part));
  return frames.map((frame, part) => (placed.has(part) ? Buffer.from(frame) : frame));
}
