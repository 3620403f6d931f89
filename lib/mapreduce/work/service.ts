/** `map-work` as a service: follows updates and configurations, keeps its own, runs one map after the other. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import { commonFailureLog, type FailureLog } from '../payload/failure-log.ts';
import { PayloadFailed, type WorkerPayload } from '../payload/types.ts';
import { ConfigWatch } from '../redis/config-watch.ts';
import { type IngesterConfig, isOurs, type MapreduceVersion } from '../redis/configs.ts';
import type { Registry } from '../redis/registry.ts';
import type { ControllerUpdate } from '../redis/updates.ts';
import { lendFrames } from '../shared/lent.ts';
import { followController, openWorkerLink } from '../transport/open.ts';
import type { WorkerLink } from '../transport/types.ts';
import { WorkerCounts } from './counts.ts';
import { IngesterLinks } from './ingester-links.ts';
import { WorkSession } from './map-session.ts';
import { ResultLink } from './result-link.ts';
import { Ticks } from './tick.ts';

export interface WorkerOptions {
  readonly name: string;
  readonly tags: readonly string[];
  readonly payload: WorkerPayload;
  /** Results of how many bytes may be unaccepted. */
  readonly hold: number;
  /** Take large frames from the shared memory of ingesters on this machine. */
  readonly sharedMemory: boolean;
  /** Stop at the first event whose payload fails. */
  readonly stopOnError: boolean;
  readonly version: MapreduceVersion | null;
  readonly say: (message: string) => void;
}

const CONFIG_MS = 1000;
/** Ingesters of the reference do not say which map a message belongs to; what is still on its way comes in this time. */
const DRAIN_MS = 50;

export class WorkerService {
  readonly counts = new WorkerCounts();
  readonly #options: WorkerOptions;
  readonly #registry: Registry;
  readonly #watch: ConfigWatch;
  readonly #links: IngesterLinks;
  readonly #results: ResultLink;
  readonly #failures: FailureLog;
  readonly #stop = new AbortController();
  /** Configurations of ingesters as they were when something changed that matters. */
  #shown: { key: string; ingesters: readonly IngesterConfig[] } = { key: '', ingesters: [] };
  #session: WorkSession | undefined;
  #link: WorkerLink | undefined;
  readonly #lent = { lent: 0, torn: 0 };
  #map: string | null = null;
  #before = 0;
  #rate = 0;
  /** The payload could not be used, or an event failed and that ends us. */
  failure: Error | undefined;

  constructor(registry: Registry, options: WorkerOptions) {
    const { name, say, hold, sharedMemory } = options;
    this.#registry = registry;
    this.#options = options;
    this.#failures = commonFailureLog(registry, name, say);
    this.#watch = new ConfigWatch(registry, say, () => this.#configsChanged());
    this.#results = new ResultLink({ registry, hold, say, roomy: () => void this.#session?.pump() });
    this.#links = new IngesterLinks({
      ...{ name, say, sharedMemory, serviceUuid: registry.serviceUuid },
      message: (ingester, message) => {
        if (this.#session) this.#session.message(ingester, message);
        else this.counts.messages.stale++;
      },
      arrived: () => void this.#session?.pump(),
      gone: (ingester) => this.#session?.gone(ingester),
      back: (ingester) => this.#session?.back(ingester),
    });
  }

  /** Serves until `stop`, or until an event fails and that is to end it. */
  async run(stop: AbortSignal): Promise<void> {
    const end = () => this.#stop.abort();
    stop.addEventListener('abort', end, { once: true });
    const timer = setInterval(() => this.#eachSecond(), CONFIG_MS);
    try {
      // Ingesters look at our configuration when we show ourselves.
      await this.#publish();
      await this.#watch.start();
      if (stop.aborted) return;
      for await (const update of this.#registry.updates(this.#stop.signal)) await this.#update(update);
    } finally {
      clearInterval(timer);
      stop.removeEventListener('abort', end);
      await this.#close();
    }
  }

  #configsChanged(): void {
    const { ingesters, reducer } = this.#watch.configs;
    this.#results.follow(reducer);
    this.#links.follow(ingesters, performance.now());
    const key = JSON.stringify(
      ingesters.map((one) => [one.name, one.service_uuid, one.url, one.streams, one.mapping_uuid]),
    );
    if (key === this.#shown.key) return;
    this.#shown = { key, ingesters };
    void this.#publish();
  }

  #eachSecond(): void {
    this.#links.follow(this.#watch.configs.ingesters, performance.now());
    this.#rate = (this.counts.given - this.#before) / (CONFIG_MS / 1000);
    this.#before = this.counts.given;
    void this.#publish();
  }

  async #publish(): Promise<void> {
    const { name, tags, payload, version } = this.#options;
    const config = {
      mapping_uuid: this.#map,
      dranspose_version: null,
      mapreduce_version: version,
      parameters_hash: this.#registry.parameters.hash,
      processed_events: this.counts.given - this.counts.held,
      event_rate: this.#rate,
      ingesters: this.#shown.ingesters,
      tags,
      ...(payload.facts.stateful ? { stateful: true } : {}),
    };
    await this.#registry.publish('worker', name, config, payload.facts.descriptions);
  }

  async #update(update: ControllerUpdate): Promise<void> {
    const changed = await this.#registry.parameters.update(update.parameters_version);
    if (update.mapping_uuid !== this.#map) {
      if (!update.finished) await this.#begin(update);
    } else {
      if (changed) this.#options.payload.setParameters(this.#registry.parameters.values);
      if (this.#link) followController(this.#link, update);
    }
    if (update.finished && update.mapping_uuid === this.#map) await this.#session?.finish();
    await this.#publish();
  }

  async #begin(update: ControllerUpdate): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
    const { name, payload, say, tags } = this.#options;
    const { registry, map } = { registry: this.#registry, map: update.mapping_uuid };
    if (this.#shown.ingesters.some((ingester) => !isOurs(ingester))) await sleep(DRAIN_MS);
    const state = { service_uuid: registry.serviceUuid, tags, ingesters: this.#shown.ingesters };
    let interval: number | undefined;
    try {
      interval = await payload.begin({ map, name, parameters: registry.parameters.values, state });
    } catch (error) {
      if (!(error instanceof PayloadFailed)) throw error;
      this.#failures.add(`map ${map}`, error.failure);
      return this.#fail(error);
    }
    this.#results.begin({ worker: name, map, encoding: payload.encoding });
    const link = openWorkerLink({ registry, name, say, update }, (stream) => this.#ingesterOf(stream));
    this.#link = link;
    const session = new WorkSession({
      ...{ update, name, link, payload, counts: this.counts },
      process: payload.readsShared ? (event) => payload.process(event) : lendFrames(payload, this.#lent),
      results: this.#results,
      failures: this.#failures,
      ticks: interval === undefined ? undefined : new Ticks(registry.redis, registry.keys.clock(map), interval),
      parametersHash: () => registry.parameters.hash,
      stopOnError: this.#options.stopOnError,
      failed: () => this.#fail(new Error('an event failed (--on-error stop)')),
    });
    this.#session = session;
    this.#map = map;
    await this.#publish();
    session.run().catch((error: Error) => this.#fail(error));
  }

  #ingesterOf(stream: string): string | undefined {
    return this.#shown.ingesters.find(({ streams }) => streams.includes(stream))?.name;
  }

  #fail(error: Error): void {
    this.failure ??= error;
    // What was reported in this turn is sent first.
    setImmediate(() => setImmediate(() => this.#stop.abort()));
  }

  async #close(): Promise<void> {
    await this.#session?.close();
    await this.#results.sent().catch(() => {});
    this.#watch.close();
    this.#links.close();
    this.#results.close();
    await this.#options.payload.close();
  }

  balance(): Balance {
    return this.counts.balance({
      'sent-again': this.#results.counts.again,
      'odd-messages': this.#links.counts.odd,
      restarts: this.#options.payload.restarts,
      'shared-frames': this.#links.counts.shared,
      torn: this.#lent.torn,
    });
  }

  get meters(): readonly Meter[] {
    return [
      {
        name: 'map_events_per_second',
        help: 'Events given in the last second',
        kind: 'gauge',
        value: () => this.#rate,
      },
      { name: 'map_events_held', help: 'Events being worked on', kind: 'gauge', value: () => this.counts.held },
      {
        name: 'map_frame_bytes_total',
        help: 'Bytes from ingesters',
        kind: 'counter',
        value: () => this.#links.counts.bytes,
      },
      { name: 'map_results_total', help: 'Results sent', kind: 'counter', value: () => this.#results.counts.sent },
      {
        name: 'map_results_unconfirmed',
        help: 'Results of which it is not known whether they are accepted',
        kind: 'gauge',
        value: () => this.#results.unconfirmed,
      },
      {
        name: 'map_useless_messages_total',
        help: 'Messages of ingesters: of other maps, repeated, or of events that nobody asked for',
        kind: 'counter',
        label: 'why',
        value: () => ({ ...this.counts.messages }),
      },
      this.#failures.meter,
    ];
  }
}
