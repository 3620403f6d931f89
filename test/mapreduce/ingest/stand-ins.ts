/** Stand-ins for the controller and for workers, as an ingester sees them (spec mapreduce.md 5.1, 6.1). */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Dealer } from 'zeromq';
import { pingParts } from '../../../lib/mapreduce/transport/ping.ts';
import { readIngesterMessage } from '../../../lib/mapreduce/work/ingester-message.ts';
import { until } from '../../until.ts';

type Assignments = Readonly<Record<string, readonly string[]>>;

export class Controller {
  readonly map = randomUUID();
  readonly #redis: Redis;
  readonly #ours: boolean;
  readonly #ingester: string;

  /** @param ours ours gives each ingester its own events; the reference has one stream for all */
  constructor(redis: Redis, ingester: string, { ours = false } = {}) {
    this.#redis = redis;
    this.#ours = ours;
    this.#ingester = ingester;
  }

  async update(streams: readonly string[], more: object = {}): Promise<void> {
    const update = {
      mapping_uuid: this.map,
      parameters_version: {},
      target_parameters_hash: null,
      active_streams: streams,
      finished: false,
      ...(this.#ours ? { impl: 'daqpipe', protocol: 1 } : {}),
      ...more,
    };
    await this.#redis.xadd('dranspose:controller:updates', '*', 'data', JSON.stringify(update));
  }

  /** Configuration of the ingester. */
  async config(): Promise<Record<string, unknown> | undefined> {
    const text = await this.#redis.get(`dranspose:ingester:${this.#ingester}:config`);
    return text === null ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Starts a map and waits until the ingester has it. */
  async begin(streams: readonly string[]): Promise<void> {
    await this.update(streams);
    await until('the map', async () => (await this.config())?.mapping_uuid === this.map || undefined);
  }

  async assign(event_number: number, assignments: Assignments): Promise<void> {
    await this.#add([{ event_number, assignments }]);
  }

  async again(event_number: number, assignments: Assignments, attempt: number, origin: string): Promise<void> {
    await this.#add([{ event_number, assignments, attempt, origin }]);
  }

  /** Ours: frames of these events can go. */
  async over(...runs: (readonly [number, number])[]): Promise<void> {
    await this.#add([{ event_number: 0, over: runs }]);
  }

  /** What a worker has reported to be done. */
  async reported(worker: string, completed: readonly number[]): Promise<void> {
    const report = { state: 'idle', source: 'worker', completed, worker, has_result: completed.map(() => false) };
    await this.#redis.xadd(`dranspose:ready:${this.map}`, '*', 'data', JSON.stringify(report));
  }

  async #add(events: readonly object[]): Promise<void> {
    const key = this.#ours ? `dranspose:feed:${this.map}:${this.#ingester}` : `dranspose:assigned:${this.map}`;
    await this.#redis.xadd(key, '*', 'data', JSON.stringify(events));
  }
}

export interface Received {
  readonly header: {
    readonly event_number: number;
    readonly streams: Readonly<Record<string, { typ: string; length: number }>>;
    readonly [field: string]: unknown;
  };
  /** Frames by stream. */
  readonly frames: Readonly<Record<string, readonly Buffer[]>>;
}

/** A worker that takes everything. */
export class Worker {
  readonly name: string;
  readonly uuid = randomUUID();
  readonly received: Received[] = [];
  /** Messages; several events may come in one. */
  messages = 0;
  readonly #socket: Dealer;
  readonly #pings: NodeJS.Timeout;

  readonly #ours: boolean;

  /** @param ours pings as a worker of ours does */
  constructor(name: string, url: string, { ours = false } = {}) {
    this.name = name;
    this.#ours = ours;
    this.#socket = new Dealer({ routingId: name, linger: 0, receiveHighWaterMark: 1000 });
    this.#socket.connect(url);
    this.#pings = setInterval(() => this.#ping(), 500);
    this.#ping();
    void this.#receive();
  }

  #ping(): void {
    this.#socket.send(pingParts(this.uuid, this.#ours)).catch(() => {});
  }

  async #receive(): Promise<void> {
    try {
      for await (const parts of this.#socket) this.#take(parts);
    } catch (error) {
      if (!this.#socket.closed) throw error;
    }
  }

  #take(parts: readonly Buffer[]): void {
    this.messages++;
    const head = JSON.parse(String(parts[0])) as object;
    for (const { streams, ...rest } of readIngesterMessage(parts)) {
      const shape = [...streams].map(([name, { typ, frames }]) => [name, { typ, length: frames.length }] as const);
      const frames = [...streams].map(([name, data]) => [name, [...data.frames]] as const);
      const header = { ...('batch' in head ? {} : head), ...rest, streams: Object.fromEntries(shape) };
      this.received.push({ header, frames: Object.fromEntries(frames) });
    }
  }

  /** Events in order of arrival. */
  get events(): number[] {
    return this.received.map(({ header }) => header.event_number);
  }

  close(): void {
    clearInterval(this.#pings);
    this.#socket.close();
  }
}
