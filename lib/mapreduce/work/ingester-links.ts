/** Connections to all ingesters (spec mapreduce.md 6.1): one DEALER each, a ping every 2 s, a new connection when it is another process. */

import { Dealer } from 'zeromq';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { connectTo } from '../address/socket.ts';
import { type IngesterConfig, isOurs } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import { FrameReader } from '../shared/reader.ts';
import { pingParts } from '../transport/ping.ts';
import type { IngesterMessage } from './assembly.ts';
import { readIngesterMessage } from './ingester-message.ts';

export interface IngesterLinksOptions {
  /** Name of this worker: the routing id. */
  readonly name: string;
  readonly serviceUuid: string;
  readonly message: (ingester: string, message: IngesterMessage) => void;
  /** After each message of the socket. */
  readonly arrived: () => void;
  readonly gone: (ingester: string) => void;
  readonly back: (ingester: string) => void;
  /** Take large frames from shared memory where an ingester of this machine offers it. */
  readonly sharedMemory: boolean;
  readonly say: (message: string) => void;
}

const PING_MS = 2000;
const UNLISTED_MS = 10_000;
/** What lies in the memory of an ingester that is gone has been read or given up by then. */
const RETIRED_MS = 60_000;
/** The old connection must be known to be closed before one of the same name is accepted. */
const RECONNECT_MS = 100;

interface Link {
  readonly socket: Dealer;
  readonly url: string;
  readonly service: string;
  readonly ours: boolean;
  /** Its shared memory, if it could be opened. */
  readonly frames: FrameReader | undefined;
  connectedAt: number;
}

export class IngesterLinks {
  readonly counts = { messages: 0, bytes: 0, shared: 0, odd: 0, reconnects: 0 };
  readonly #options: IngesterLinksOptions;
  readonly #links = new Map<string, Link>();
  #retired: { readonly frames: FrameReader; readonly until: number }[] = [];
  readonly #pinging: NodeJS.Timeout;
  #closed = false;

  constructor(options: IngesterLinksOptions) {
    this.#options = options;
    this.#pinging = setInterval(() => this.#pingAll(), PING_MS);
  }

  /** Follows the configurations that are there now. @param now milliseconds of a clock that does not jump */
  follow(ingesters: readonly IngesterConfig[], now: number): void {
    const there = new Set(ingesters.map(({ name }) => name));
    for (const name of [...this.#links.keys()]) {
      if (there.has(name)) continue;
      const link = this.#links.get(name)!;
      link.socket.close();
      this.#retire(link, now);
      this.#links.delete(name);
      this.#options.gone(name);
    }
    for (const ingester of ingesters) this.#look(ingester, now);
    for (const { frames, until } of this.#retired) if (until <= now) frames.close();
    this.#retired = this.#retired.filter(({ until }) => until > now);
  }

  #look(ingester: IngesterConfig, now: number): void {
    const { name, url, service_uuid: service, connected_workers: workers } = ingester;
    const link = this.#links.get(name);
    if (!link) {
      this.#options.back(name);
      this.#connect(ingester, now);
      return;
    }
    const isListed = this.#options.serviceUuid in workers;
    if (isListed && link.service === service) link.connectedAt = now;
    const another = link.service !== service || link.url !== url;
    if (!another && now - link.connectedAt < UNLISTED_MS) return;
    // One that reads its sources again sends what the one before owed.
    if (another && !ingester.rereads) {
      this.#options.gone(name);
      this.#options.back(name);
    }
    this.counts.reconnects++;
    link.socket.close();
    this.#connect(ingester, now, another ? 0 : RECONNECT_MS);
  }

  #connect(ingester: IngesterConfig, now: number, delay = 0): void {
    const { name, url, service_uuid: service } = ingester;
    const socket = new Dealer({
      ...KEEP_ALIVE,
      routingId: this.#options.name,
      linger: 0,
      sendTimeout: 0,
      // The ingester keeps the limit: it waits when a worker is slow.
      receiveHighWaterMark: 1000,
      reconnectInterval: 50,
      reconnectMaxInterval: 1000,
    });
    const ours = isOurs(ingester);
    const link: Link = { socket, url, service, ours, frames: this.#openFrames(ingester), connectedAt: now };
    this.#retire(this.#links.get(name), now);
    this.#links.set(name, link);
    const start = () => {
      if (socket.closed) return;
      try {
        connectTo(socket, url);
      } catch (error) {
        this.#options.say(`ingester ${name} at ${url}: ${(error as Error).message}`);
        return;
      }
      void this.#receive(name, link);
      void this.#ping(link);
    };
    if (delay > 0) setTimeout(start, delay);
    else start();
  }

  #openFrames(ingester: IngesterConfig): FrameReader | undefined {
    if (!this.#options.sharedMemory || !isOurs(ingester) || !ingester.frames) return undefined;
    return FrameReader.open(ingester.frames, ingester.service_uuid);
  }

  /** Frames that have come are still to be read. */
  #retire(link: Link | undefined, now: number): void {
    if (!link?.frames) return;
    this.#retired.push({ frames: link.frames, until: now + RETIRED_MS });
  }

  #pingAll(): void {
    for (const link of this.#links.values()) void this.#ping(link);
  }

  async #ping({ socket, ours, frames }: Link): Promise<void> {
    // Nobody takes it at the moment: the next one will tell.
    await socket.send(pingParts(this.#options.serviceUuid, ours, frames?.name)).catch(() => {});
  }

  async #receive(name: string, { socket, frames }: Link): Promise<void> {
    const { message, arrived, say } = this.#options;
    while (!socket.closed && !this.#closed) {
      try {
        const parts = await socket.receive();
        this.counts.messages++;
        for (const part of parts) this.counts.bytes += part.length;
        for (const one of readIngesterMessage(parts, frames)) {
          if (frames) this.#countShared(one);
          message(name, one);
        }
        arrived();
      } catch (error) {
        if (socket.closed) return;
        if (!(error instanceof BadRecord)) throw error;
        if (this.counts.odd++ === 0) say(`a message of ingester ${name}: ${error.message}`);
      }
    }
  }

  #countShared({ streams }: IngesterMessage): void {
    for (const { shared } of streams.values()) {
      if (!shared) continue;
      this.counts.shared += shared.places.length;
      for (const { bytes } of shared.places) this.counts.bytes += bytes;
    }
  }

  /** Works twice. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#pinging);
    for (const { socket, frames } of this.#links.values()) {
      socket.close();
      frames?.close();
    }
    for (const { frames } of this.#retired.splice(0)) frames.close();
    this.#links.clear();
  }
}
