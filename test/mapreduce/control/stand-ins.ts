/**
 * Services as the specification describes them (spec mapreduce.md 5.1 and 6), as simple as they can be: peers of the reference, and with
 * `ours` peers that use the links of daqpipe. One stream per ingester; frame number i of a stream is the text `<stream> <i>`.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Dealer, Pull, Push, Router } from 'zeromq';
import type { IngesterConfig } from '../../../lib/mapreduce/redis/configs.ts';
import { parametersHash, uuidBytes } from '../../../lib/mapreduce/redis/parameters.ts';
import type { Registry } from '../../../lib/mapreduce/redis/registry.ts';
import { entriesOf, follow } from '../../../lib/mapreduce/redis/stream.ts';
import { type ControllerUpdate, readUpdate } from '../../../lib/mapreduce/redis/updates.ts';
import {
  followController,
  openIngesterLink,
  openReducerLink,
  openWorkerLink,
} from '../../../lib/mapreduce/transport/open.ts';
import type { Feed, IngesterLink, ReducerLink, Work, WorkerLink } from '../../../lib/mapreduce/transport/types.ts';

const REFRESH_MS = 500;
const PING_MS = 500;

type Role = 'ingester' | 'worker' | 'reducer';

export interface StandInOptions {
  readonly registry: Registry;
  readonly name: string;
  /** Speaks our protocol. */
  readonly ours?: boolean;
}

/** What all of them do: keep the configuration alive, follow updates, start anew for each map. */
abstract class StandIn {
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
  readonly #socket = new Router({ mandatory: true, linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
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
    for await (const events of link.feed()) {
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

interface Arrived {
  readonly header: { readonly event_number: number; readonly attempt?: number };
  readonly frames: readonly string[];
}

export class StandInWorker extends StandIn {
  readonly tags: readonly string[];
  readonly #delayMs: number;
  readonly #dealers = new Map<string, { url: string; socket: Dealer }>();
  readonly #ingesters = new Map<string, IngesterConfig>();
  /** By ingester and event. */
  #arrived = new Map<string, Arrived>();
  #waiting: (() => void)[] = [];
  #link: WorkerLink | undefined;
  #push: Push | undefined;
  /** Events of the last map with their frames, in the order done. */
  readonly done: { event: number; attempt: number; frames: readonly string[] }[] = [];
  /** Does nothing more from this event on. */
  stuckAt = Number.POSITIVE_INFINITY;

  constructor(options: StandInOptions & { readonly tags?: readonly string[]; readonly delayMs?: number }) {
    super('worker', options);
    this.tags = options.tags ?? ['generic'];
    this.#delayMs = options.delayMs ?? 0;
  }

  protected own(): object {
    return { ingesters: [...this.#ingesters.values()], tags: this.tags };
  }

  override async start(): Promise<void> {
    await super.start();
    this.run(this.#connect());
  }

  async #connect(): Promise<void> {
    const uuid = uuidBytes(this.ours ? this.registry.serviceUuid : this.service);
    while (!this.stop.signal.aborted) {
      for (const [name, text] of this.redis.status === 'ready' ? await this.registry.configTexts('ingester') : []) {
        const config = JSON.parse(text) as IngesterConfig;
        this.#ingesters.set(name, config);
        if (this.#dealers.get(name)?.url === config.url) continue;
        this.#dealers.get(name)?.socket.close();
        const socket = new Dealer({ routingId: this.name, linger: 0, receiveHighWaterMark: 0 });
        socket.connect(config.url);
        this.#dealers.set(name, { url: config.url, socket });
        this.run(this.#receive(name, socket));
      }
      const reducer =
        this.redis.status === 'ready' ? (await this.registry.configTexts('reducer')).get('reducer') : undefined;
      if (reducer !== undefined && !this.#push) {
        this.#push = new Push({ linger: 0, sendHighWaterMark: 0 });
        this.#push.connect((JSON.parse(reducer) as { url: string }).url);
      }
      for (const { socket } of this.#dealers.values()) await socket.send(uuid);
      await sleep(PING_MS, undefined, { signal: this.stop.signal }).catch(() => {});
    }
  }

  async #receive(ingester: string, socket: Dealer): Promise<void> {
    for await (const [head, ...frames] of socket) {
      type Header = Arrived['header'] & { map?: string; streams?: Readonly<Record<string, { length: number }>> };
      const whole = JSON.parse(String(head)) as Header & { batch?: Header[] };
      for (const header of whole.batch ?? [whole]) {
        const count = Object.values(header.streams ?? {}).reduce((sum, { length }) => sum + length, 0);
        const own = whole.batch ? frames.splice(0, count) : frames;
        if (header.map !== undefined && header.map !== this.mapping) continue;
        this.#arrived.set(`${ingester} ${header.event_number}`, { header, frames: own.map(String) });
      }
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  protected async begin(map: string, update: ControllerUpdate, signal: AbortSignal): Promise<void> {
    this.done.length = 0;
    this.#arrived = new Map();
    for (const wake of this.#waiting.splice(0)) wake();
    await this.#link?.close();
    this.#link = undefined;
    if (this.ours) {
      this.#link = openWorkerLink({ registry: this.registry, name: this.name, update, say: () => {} }, () => undefined);
      await this.#link.ready();
      this.run(this.#work(this.#link, map, signal));
    } else this.run(this.#assigned(map, signal));
  }

  protected override moved(update: ControllerUpdate): void {
    if (this.#link) followController(this.#link, update);
  }

  async #work(link: WorkerLink, map: string, signal: AbortSignal): Promise<void> {
    for await (const items of link.work()) {
      for (const item of items) {
        if (item.event_number >= this.stuckAt || !(await this.#do(item, map, signal))) return;
        link.report({ completed: [item.event_number], has_result: [true], processing_times: this.#times });
      }
    }
  }

  get #times() {
    const custom_code = this.#delayMs / 1000;
    return { get_assignments: 0, get_messages: 0, assemble_event: 0, custom_code, send_result: 0, no_events: 1 };
  }

  async #assigned(map: string, signal: AbortSignal): Promise<void> {
    const { keys } = this.registry;
    const base = { source: 'worker', worker: this.name };
    await this.report(map, { ...base, state: 'ready', completed: [], has_result: [], processing_times: null });
    const options = { from: '0', count: 1, signal: AbortSignal.any([signal, this.stop.signal]) };
    for await (const [entry] of follow(await this.registry.connection(), keys.assigned(map), options)) {
      for (const { event_number, assignments } of JSON.parse(entry!.data) as Feed[]) {
        const streams = Object.keys(assignments).filter((stream) => assignments[stream]!.includes(this.name));
        if (streams.length === 0) continue;
        const serves = (config: IngesterConfig) => config.streams.some((stream) => streams.includes(stream));
        const streams_from = [...this.#ingesters.values()].filter(serves).map(({ name }) => name);
        const item = { event_number, streams_from, attempt: 1, origin: this.name };
        if (event_number >= this.stuckAt || !(await this.#do(item, map, signal))) return;
        await this.report(map, {
          ...base,
          state: 'idle',
          completed: [event_number],
          has_result: [true],
          processing_times: this.#times,
        });
      }
    }
  }

  /** @returns false if the map is another one now */
  async #do({ event_number, streams_from, origin, attempt }: Work, map: string, signal: AbortSignal): Promise<boolean> {
    const frames: string[] = [];
    for (const ingester of streams_from) {
      const key = `${ingester} ${event_number}`;
      let message = this.#arrived.get(key);
      while (!message || (message.header.attempt ?? 1) < attempt) {
        await new Promise<void>((wake) => this.#waiting.push(wake));
        if (signal.aborted) return false;
        message = this.#arrived.get(key);
      }
      this.#arrived.delete(key);
      frames.push(...message.frames);
    }
    if (this.#delayMs > 0) await sleep(this.#delayMs);
    if (this.stop.signal.aborted) return false;
    this.done.push({ event: event_number, attempt, frames });
    const header = {
      event_number,
      worker: this.name,
      parameters_hash: null,
      ...(this.ours ? { origin, map, attempt } : {}),
    };
    await this.#push?.send([JSON.stringify(header), 'result']);
    return true;
  }

  protected async finish(map: string): Promise<void> {
    if (this.#link) await this.#link.finished();
    else {
      const report = {
        state: 'finished',
        source: 'worker',
        worker: this.name,
        completed: [],
        has_result: [],
        processing_times: null,
      };
      await this.report(map, report);
    }
  }

  override async kill(options = {}): Promise<void> {
    await super.kill(options);
    for (const wake of this.#waiting.splice(0)) wake();
    await this.#link?.close();
    for (const { socket } of this.#dealers.values()) socket.close();
    this.#push?.close();
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
