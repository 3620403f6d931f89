/** A worker as the specification describes it (spec mapreduce.md 5.1 and 6); see stand-ins.ts. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Push } from 'zeromq';
import type { IngesterConfig } from '../../../lib/mapreduce/redis/configs.ts';
import { follow } from '../../../lib/mapreduce/redis/stream.ts';
import type { ControllerUpdate } from '../../../lib/mapreduce/redis/updates.ts';
import { followController, openWorkerLink } from '../../../lib/mapreduce/transport/open.ts';
import { pingParts } from '../../../lib/mapreduce/transport/ping.ts';
import type { Feed, Work, WorkerLink } from '../../../lib/mapreduce/transport/types.ts';
import { readIngesterMessage } from '../../../lib/mapreduce/work/ingester-message.ts';
import { StandIn, type StandInOptions } from './stand-ins.ts';

const PING_MS = 500;

interface Arrived {
  readonly attempt: number;
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
    const ping = pingParts(this.ours ? this.registry.serviceUuid : this.service, this.ours);
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
      for (const { socket } of this.#dealers.values()) await socket.send(ping);
      await sleep(PING_MS, undefined, { signal: this.stop.signal }).catch(() => {});
    }
  }

  async #receive(ingester: string, socket: Dealer): Promise<void> {
    for await (const parts of socket) {
      for (const { event_number, attempt = 1, map, streams } of readIngesterMessage(parts)) {
        if (map !== undefined && map !== this.mapping) continue;
        const frames = [...streams.values()].flatMap((data) => data.frames.map(String));
        this.#arrived.set(`${ingester} ${event_number}`, { attempt, frames });
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
    for await (const { given: items } of link.work()) {
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
      while (!message || message.attempt < attempt) {
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
