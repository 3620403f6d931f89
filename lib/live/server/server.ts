/** A live server that runs: core, kernel objects, listener, clients, a timer. Dgrams are given to it; it waits for nobody. */

import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { ClientLink, type LinkParts } from './client-link.ts';
import { Door } from './door.ts';
import { LiveCore } from './live-core.ts';
import { LiveObjects, type ObjectOptions, seatOf } from './objects.ts';
import type { Reserve } from './share.ts';

export interface ServerOptions extends ObjectOptions {
  reserve?: readonly Reserve[];
  /** Seconds for the first valid answer of a client. */
  patience?: number;
}

const TICK_MS = 50;
/** Ticks between two looks at the discovery queue. */
const LOOK_EVERY = 5;

const seconds = () => performance.now() / 1000;

export class LiveServer {
  readonly core: LiveCore;
  readonly objects: LiveObjects;
  private readonly links = new Set<ClientLink>();
  private readonly parts: LinkParts;
  private door: Door | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Numbers whose queues the kernel has not let us replace yet. */
  private readonly withoutQueues = new Set<number>();
  private readonly say: (text: string) => void;
  private ticks = 0;

  /** @throws DaqError `already-served`, `ipc-limit`, `ipc-refused` */
  static async open(options: ServerOptions, say: (text: string) => void): Promise<LiveServer> {
    const server = new LiveServer(options, say);
    try {
      const { layout } = seatOf(0, options);
      server.door = await Door.open(server.objects.discovery, layout, (socket) => server.admit(socket));
    } catch (error) {
      server.close();
      throw error;
    }
    server.timer = setInterval(() => server.tick(), TICK_MS);
    return server;
  }

  private constructor(options: ServerOptions, say: (text: string) => void) {
    this.objects = LiveObjects.make(options);
    const { memory } = this.objects;
    const { bufferBytes } = options;
    this.core = new LiveCore({
      ...options,
      store: (buffer, dgram) => void dgram.copy(memory.bytes, buffer * bufferBytes),
      harvest: () => {
        for (const link of this.links) link.harvest();
      },
    });
    this.say = say;
    const vacated = (number: number) => this.renew(number);
    this.parts = { core: this.core, objects: this.objects, say, now: seconds, vacated };
  }

  get port(): number {
    return this.door?.port ?? 0;
  }

  /** Gives a dgram to the clients. */
  take(dgram: Buffer, service: number, groups: number): 'taken' | 'early' | 'oversize' {
    return this.core.take(dgram, service, groups, seconds());
  }

  /** The clients read what was sent, then the end of the connection. */
  endClients(): void {
    for (const link of this.links) link.end();
  }

  /** Ends everything and removes every object. Works twice. */
  close(): void {
    clearInterval(this.timer);
    this.door?.close();
    for (const link of this.links) {
      this.core.leave(link.client, seconds());
      link.destroy();
    }
    this.links.clear();
    this.objects.close();
  }

  private admit(socket: Socket): void {
    const number = this.core.freeNumber((free) => !this.withoutQueues.has(free));
    if (number === undefined) {
      // As the existing server: closed without a message.
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const link = new ClientLink(socket, number, this.parts);
    this.links.add(link);
    socket.on('close', () => this.links.delete(link));
    link.start();
  }

  /** Processes that linger with old queues open use up what the kernel allows; their number is given out again when there is room. */
  private renew(number: number): void {
    try {
      this.objects.renew(number);
      this.withoutQueues.delete(number);
    } catch (error) {
      if (!this.withoutQueues.has(number))
        this.say(`client number ${number} cannot be given out now: ${String(error)}`);
      this.withoutQueues.add(number);
    }
  }

  private tick(): void {
    this.core.tick(seconds());
    if (++this.ticks % LOOK_EVERY !== 0) return;
    this.door?.look();
    for (const number of this.withoutQueues) this.renew(number);
  }
}
