/**
 * Services as the specification describes them (spec mapreduce.md 5.1 and 6), as simple as they can be: peers of the reference, and with
 * `ours` peers that use the links of daqpipe. One stream per ingester; frame number i of a stream is the text `<stream> <i>`.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Pull, Router } from 'zeromq';
import { parametersHash } from '../../../lib/mapreduce/redis/parameters.ts';
import type { Registry } from '../../../lib/mapreduce/redis/registry.ts';
import { entriesOf, follow } from '../../../lib/mapreduce/redis/stream.ts';
import { type ControllerUpdate, readUpdate } from '../../../lib/mapreduce/redis/updates.ts';
import { followController, openIngesterLink, openReducerLink } from '../../../lib/mapreduce/transport/open.ts';
import type { Feed, IngesterLink, ReducerLink } from '../../../lib/mapreduce/transport/types.ts';

const REFRESH_MS = 500;

type Role = 'ingester' | 'worker' | 'reducer';

export interface StandInOptions {
  readonly registry: Registry;
  readonly name: string;
  /** Speaks our protocol. */
  readonly ours?: boolean;
}

/** What all of them do: keep the configuration alive, follow updates, start anew for each map. */
export abstract class StandIn {
  readonly name: string;
  readonly ours: boolean;
  readonly role: Role;
  readonly service = randomUUID();
  protected readonly registry: Registry;
  protected readonly redis: Redis;
  protected mapping: string | null = null;
  protected readonly stop = new AbortController();
  #hash: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #scan = new AbortController();
  #finished = '';
  /** What went wrong. */
  readonly problems: string[] = [];

  constructor(role: Role, { registry, name, ours = false }: StandInOptions) {
    this.role = role;
    this.name = name;
    this.ours = ours;
    this.registry = registry;
    this.redis = registry.redis;
  }

  /** What it says of itself beyond what all say. */
  protected abstract own(): object;
  /** A map begins. @returns what to do at its end */
  protected abstract begin(map: string, update: ControllerUpdate, signal: AbortSignal): Promise<void>;
  protected abstract finish(map: string): Promise<void>;
  /** The controller has moved. */
  protected moved(_update: ControllerUpdate): void {}

  protected get key(): string {
    return this.registry.keys.config(this.role, this.name);
  }

  async write(): Promise<void> {
    if (this.stop.signal.aborted || this.redis.status !== 'ready') return;
    const config = {
      service_uuid: this.ours ? this.registry.serviceUuid : this.service,
      ...{ mapping_uuid: this.mapping, dranspose_version: '0', mapreduce_version: null, parameters_hash: this.#hash },
      ...{ processed_events: 0, event_rate: 0, name: this.name, ...this.own() },
      ...(this.ours ? { impl: 'daqpipe', protocol: 1 } : {}),
    };
    await this.redis.setex(this.key, 10, JSON.stringify(config));
    if (this.ours) await this.redis.publish(this.registry.keys.wake, this.key);
  }

  async start(): Promise<void> {
    await this.write();
    this.#timer = setInterval(() => void this.write().catch(() => {}), REFRESH_MS);
    this.run(this.#follow());
  }

  /** What fails when nobody has stopped us is a problem. */
  protected run(work: Promise<void>): void {
    work.catch((error: Error) => {
      if (!this.stop.signal.aborted) this.problems.push(`${this.name}: ${error.stack}`);
    });
  }

  async #follow(): Promise<void> {
    const { keys } = this.registry;
    const newest = entriesOf(await this.redis.xrevrange(keys.updates, '+', '-', 'COUNT', 1))[0];
    if (newest) await this.#act(readUpdate(newest.data));
    const options = { from: newest?.id ?? '0', signal: this.stop.signal };
    for await (const entries of follow(await this.registry.connection(), keys.updates, options)) {
      await this.#act(readUpdate(entries.at(-1)!.data));
    }
  }

  async #act(update: ControllerUpdate): Promise<void> {
    this.#hash = parametersHash(update.parameters_version);
    if (update.mapping_uuid !== this.mapping) {
      this.#scan.abort();
      this.#scan = new AbortController();
      this.mapping = update.mapping_uuid;
      await this.begin(update.mapping_uuid, update, this.#scan.signal);
      await this.write();
    } else {
      this.moved(update);
      await this.write();
    }
    if (update.finished && this.#finished !== update.mapping_uuid) {
      this.#finished = update.mapping_uuid;
      await this.finish(update.mapping_uuid);
    }
  }

  protected async report(map: string, report: object): Promise<void> {
    await this.redis.xadd(this.registry.keys.ready(map), '*', 'data', JSON.stringify(report));
  }

  /** Ends without a word, as a killed process does; with `delete` the key goes at once. */
  async kill({ delete: remove = false } = {}): Promise<void> {
    this.stop.abort();
    this.#scan.abort();
    clearInterval(this.#timer);
    if (remove && this.redis.status === 'ready') await this.redis.del(this.key);
  }
}

export class StandInIngester extends StandIn {
  readonly stream: string;
  readonly #socket = new Router({
    mandatory: true,
    sendTimeout: 0,
    linger: 0,
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
  });
  readonly #workers = new Map<string, { name: string; service_uuid: string; last_seen: number }>();
  #link: IngesterLink | undefined;
  #next = 0;
  /** Ours: frames by event. */
  #held = new Map<number, string>();
  /** Frames taken from the source in the last map. */
  taken = 0;

  constructor(options: StandInOptions & { readonly stream: string }) {
    super('ingester', options);
    this.stream = options.stream;
  }

  protected own(): object {
    return {
      url: this.#socket.lastEndpoint,
      connected_workers: Object.fromEntries(this.#workers),
      streams: [this.stream],
    };
  }

  override async start(): Promise<void> {
    await this.#socket.bind('tcp://127.0.0.1:*');
    this.run(this.#pings());
    await super.start();
  }

  async #pings(): Promise<void> {
    for await (const [name, uuid] of this.#socket) {
      const hex = uuid!.toString('hex');
      const service = [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
      const known = this.#workers.has(service);
      this.#workers.set(service, { name: String(name), service_uuid: service, last_seen: Date.now() / 1000 });
      if (!known) await this.write();
    }
  }

  protected async begin(map: string, update: ControllerUpdate, signal: AbortSignal): Promise<void> {
    this.#next = 0;
    this.taken = 0;
    this.#held = new Map();
    await this.#link?.close();
    this.#link = undefined;
    if (this.ours) {
      this.#link = openIngesterLink(
        { registry: this.registry, name: this.name, update, say: () => {} },
        new Set([this.stream]),
      );
      this.run(this.#feed(this.#link, map));
    } else this.run(this.#assigned(map, signal));
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.#link) followController(this.#link, update);
  }

  async #assigned(map: string, signal: AbortSignal): Promise<void> {
    const both = AbortSignal.any([signal, this.stop.signal]);
    for await (const entries of follow(await this.registry.connection(), this.registry.keys.assigned(map), {
      from: '0',
      signal: both,
    })) {
      for (const { data } of entries) {
        for (const event of JSON.parse(data) as Feed[]) await this.#serve(event.event_number, event.assignments, {});
      }
    }
  }

  async #feed(link: IngesterLink, map: string): Promise<void> {
    for await (const { events } of link.feed()) {
      for (const { event_number, assignments, attempt, origin } of events) {
        await this.#serve(event_number, assignments, { attempt, map }, origin);
      }
    }
  }

  async #serve(
    event: number,
    assignments: Feed['assignments'],
    more: { attempt?: number; map?: string },
    origin: string | null = null,
  ): Promise<void> {
    const workers = assignments[this.stream];
    if (!workers) return;
    if (origin === null) {
      this.#held.set(event, `${this.stream} ${this.#next++}`);
      this.taken++;
    }
    const frame = this.#held.get(event);
    if (frame === undefined) return void this.problems.push(`${this.name}: no frame of event ${event} any more`);
    for (const worker of workers) {
      const streams = { [this.stream]: { typ: 'TEST', length: 1 } };
      const header = { event_number: event, streams, ...more, ...(this.ours ? { origin: origin ?? worker } : {}) };
      // A worker that has vanished is the controller's concern.
      await this.#socket.send([worker, JSON.stringify(header), frame]).catch(() => {});
    }
  }

  protected async finish(map: string): Promise<void> {
    if (this.#link) await this.#link.finished();
    else await this.report(map, { state: 'finished', source: 'ingester', ingester: this.name });
  }

  override async kill(options = {}): Promise<void> {
    await super.kill(options);
    await this.#link?.close();
    this.#socket.close();
  }
}

export class StandInReducer extends StandIn {
  readonly #socket = new Pull({ linger: 0, receiveHighWaterMark: 0 });
  #link: ReducerLink | undefined;
  /** Times that a result came, by `event origin`, in the last map. */
  readonly results = new Map<string, number>();

  constructor(options: Omit<StandInOptions, 'name'>) {
    super('reducer', { ...options, name: 'reducer' });
  }

  protected own(): object {
    return { url: this.#socket.lastEndpoint };
  }

  override async start(): Promise<void> {
    await this.#socket.bind('tcp://127.0.0.1:*');
    await super.start();
    this.run(this.#receive());
  }

  async #receive(): Promise<void> {
    for await (const [head] of this.#socket) {
      const {
        event_number,
        worker,
        origin = worker,
        map,
      } = JSON.parse(String(head)) as {
        event_number: number;
        worker: string;
        origin?: string;
        map?: string;
      };
      if (map !== undefined && map !== this.mapping) continue;
      const key = `${event_number} ${origin}`;
      this.results.set(key, (this.results.get(key) ?? 0) + 1);
      if (this.#link) this.#link.report([[event_number, origin]]);
      else await this.report(this.mapping!, { state: 'idle', source: 'reducer', completed: event_number, worker });
    }
  }

  protected async begin(_map: string, update: ControllerUpdate): Promise<void> {
    this.results.clear();
    await this.#link?.close();
    this.#link = undefined;
    if (this.ours) this.#link = openReducerLink({ registry: this.registry, name: this.name, update, say: () => {} });
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.#link) followController(this.#link, update);
  }

  protected async finish(map: string): Promise<void> {
    if (this.#link) await this.#link.finished();
    else await this.report(map, { state: 'finished', source: 'reducer', completed: null, worker: null });
  }

  override async kill(options = {}): Promise<void> {
    await super.kill(options);
    await this.#link?.close();
    this.#socket.close();
  }
}
