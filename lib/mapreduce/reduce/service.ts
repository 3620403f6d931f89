/** `map-reduce` as a service: follows the controller's updates, takes results from workers, serves what its payload publishes. */

import { Pull } from 'zeromq';
import type { Balance } from '../../cli/balance.ts';
import type { Meter } from '../../cli/metrics.ts';
import { KEEP_ALIVE } from '../../stream/zmq/binding.ts';
import { advertisedUrl } from '../address/advertise.ts';
import { bindTo, thisHost, toldUrl } from '../address/socket.ts';
import { HttpServer, json } from '../http/server.ts';
import { commonFailureLog, type FailureLog } from '../payload/failure-log.ts';
import { PayloadFailed, type ReducerPayload } from '../payload/types.ts';
import { readAcceptedBefore, readAcceptedKeys } from '../redis/accepted.ts';
import type { MapreduceVersion } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import { isName } from '../redis/keys.ts';
import type { Registry } from '../redis/registry.ts';
import type { ControllerUpdate } from '../redis/updates.ts';
import { followController, openReducerLink } from '../transport/open.ts';
import type { ReducerLink } from '../transport/types.ts';
import { AcceptedKeys } from './accepted-keys.ts';
import { ReducerCounts } from './counts.ts';
import type { Journal } from './journal.ts';
import { ReduceSession } from './map-session.ts';
import { type ResultMessage, readResultMessage } from './result-message.ts';
import { explainTree, TreeApi } from './tree-api.ts';

export interface ReducerOptions {
  readonly payload: ReducerPayload;
  readonly journal: Journal | undefined;
  /** `tcp://127.0.0.1:10200`. */
  readonly bind: string;
  /** Host that workers are told, if it is not the bound one. */
  readonly advertise?: string | undefined;
  /** All that they are told. */
  readonly url: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly cors: string | undefined;
  readonly version: MapreduceVersion | null;
  readonly say: (message: string) => void;
  /** @param url of HTTP */
  readonly listening: (url: string) => void;
}

const NAME = 'reducer';
const CONFIG_MS = 1000;

export class ReducerService {
  readonly counts = new ReducerCounts();
  readonly #options: ReducerOptions;
  readonly #registry: Registry;
  readonly #failures: FailureLog;
  readonly #stop = new AbortController();
  readonly #http: HttpServer;
  #socket: Pull | undefined;
  /** Where workers find it. */
  #url = '';
  #session: ReduceSession | undefined;
  #link: ReducerLink | undefined;
  #map: string | null = null;
  #created = Date.now() / 1000;
  #before = 0;
  #rate = 0;
  /** Results are taken only when it is known for which map. */
  #gate = gate();
  /** Whose results are taken. */
  readonly #workers = new Set<string>();
  failure: Error | undefined;

  constructor(registry: Registry, options: ReducerOptions) {
    const { say, cors, payload } = options;
    this.#registry = registry;
    this.#options = options;
    this.#failures = commonFailureLog(registry, NAME, say);
    const tree = new TreeApi(
      () => (this.#session ? payload : undefined) ?? EMPTY,
      () => this.#created,
    );
    const status = { method: 'GET' as const, path: '/api/v1/status', answer: () => json(true) };
    this.#http = new HttpServer({ routes: [status, ...tree.routes], explain: explainTree, cors, say });
  }

  /**
   * Serves until `stop`.
   * @throws DaqError `already-served`, `output-failed` or UsageError if an address cannot be had
   */
  async run(stop: AbortSignal): Promise<void> {
    const end = () => this.#stop.abort();
    stop.addEventListener('abort', end, { once: true });
    const timer = setInterval(() => this.#eachSecond(), CONFIG_MS);
    try {
      const socket = await this.#listen();
      await this.#publish();
      this.#receive(socket).catch((error: Error) => this.#fail(error));
      if (stop.aborted) return;
      for await (const update of this.#registry.updates(this.#stop.signal)) await this.#update(update);
    } finally {
      clearInterval(timer);
      stop.removeEventListener('abort', end);
      await this.#close();
    }
  }

  async #listen(): Promise<Pull> {
    const { bind, url, advertise, host, port, say, listening } = this.#options;
    const { redis } = this.#registry;
    const socket = new Pull({ ...KEEP_ALIVE, linger: 0, receiveHighWaterMark: 1000 });
    this.#socket = socket;
    const bound = await bindTo(socket, bind);
    this.#url = url ?? toldUrl(bound, { advertise, redis, say });
    const http = await this.#http.listen(host, port);
    say(`results at ${this.#url}`);
    listening(advertisedUrl(http, thisHost(redis), advertise));
    return socket;
  }

  #eachSecond(): void {
    this.#rate = (this.counts.received - this.#before) / (CONFIG_MS / 1000);
    this.#before = this.counts.received;
    void this.#publish();
    if (this.#session?.isScattered) void this.#joinKeys(this.#session);
  }

  /** What is not known now is known a second later: without an answer more keys are kept. */
  async #joinKeys(session: ReduceSession): Promise<void> {
    await readAcceptedBefore(this.#registry, session.map).then(
      (accepted) => session.learn(accepted),
      () => {},
    );
  }

  async #publish(): Promise<void> {
    const config = {
      mapping_uuid: this.#map,
      dranspose_version: null,
      mapreduce_version: this.#options.version,
      parameters_hash: this.#registry.parameters.hash,
      processed_events: this.counts.accepted,
      event_rate: this.#rate,
      url: this.#url,
    };
    await this.#registry.publish('reducer', NAME, config, this.#options.payload.facts.descriptions);
  }

  async #receive(socket: Pull): Promise<void> {
    while (!socket.closed) {
      await this.#passed();
      let parts: Buffer[];
      try {
        parts = await socket.receive();
      } catch (error) {
        if (socket.closed) return;
        throw error;
      }
      // A map may have begun while we waited.
      await this.#passed();
      const results = this.#read(parts);
      this.counts.received += results.length;
      const [first] = results;
      if (first && !(await this.#isKnown(first.worker))) {
        this.counts.strange += results.length;
        continue;
      }
      const room = this.#session ? this.#session.take(results) : void (this.counts.stale += results.length);
      if (room) await room;
    }
  }

  /**
   * A worker has, or had, a configuration. One that was out of sight for long, and has sent results to a reducer that began meanwhile, is made to
   * do them again by the controller, as after a death. Without an answer of Redis nobody is turned away.
   */
  async #isKnown(worker: string): Promise<boolean> {
    if (this.#workers.has(worker)) return true;
    const { redis, keys } = this.#registry;
    if (!isName(worker)) return false;
    const isThere =
      redis.status !== 'ready' || (await redis.exists(keys.config('worker', worker)).catch(() => 1)) === 1;
    if (isThere) this.#workers.add(worker);
    return isThere;
  }

  #read(parts: readonly Buffer[]): readonly ResultMessage[] {
    try {
      return readResultMessage(parts);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.counts.received++;
      if (this.counts.odd++ === 0) this.#options.say(`a message that is no result: ${error.message}`);
      return [];
    }
  }

  /** Waits for the gate, also if it is closed again meanwhile. */
  async #passed(): Promise<void> {
    for (let passed: Gate | undefined; passed !== this.#gate; ) {
      passed = this.#gate;
      await passed.opened;
    }
  }

  async #update(update: ControllerUpdate): Promise<void> {
    const changed = await this.#registry.parameters.update(update.parameters_version);
    if (update.mapping_uuid !== this.#map) {
      // A scan that ended while we were down: what was made of it is served again, if it was kept.
      const isOurs = !update.finished || (await this.#options.journal?.has(update.mapping_uuid)) === true;
      if (isOurs) await this.#begin(update);
    } else {
      if (changed) this.#options.payload.setParameters(this.#registry.parameters.values);
      if (this.#link) followController(this.#link, update);
    }
    if (update.finished && update.mapping_uuid === this.#map) await this.#session?.finish();
    await this.#publish();
  }

  async #begin(update: ControllerUpdate): Promise<void> {
    const before = this.#gate;
    this.#gate = gate();
    before.open();
    await this.#session?.close();
    const { payload, journal, say } = this.#options;
    const registry = this.#registry;
    const map = update.mapping_uuid;
    const link = openReducerLink({ registry, name: NAME, say, update });
    this.#link = link;
    const session = new ReduceSession({
      ...{ map, link, payload, journal, say, counts: this.counts, failures: this.#failures },
      failed: (error) => this.#fail(error),
    });
    const parameters = registry.parameters.values;
    const state = { service_uuid: registry.serviceUuid, url: this.#url };
    try {
      await session.begin({ map, name: NAME, parameters, state }, await this.#acceptedBefore(update));
    } catch (error) {
      if (error instanceof PayloadFailed) this.#failures.add(`map ${map}`, error.failure);
      return this.#fail(error as Error);
    }
    this.#session = session;
    this.#map = map;
    this.#created = Date.now() / 1000;
    this.#gate.open();
    await this.#publish();
  }

  /** What another process has accepted for this map. */
  async #acceptedBefore({ mapping_uuid: map, impl }: ControllerUpdate): Promise<AcceptedKeys> {
    if (impl !== 'daqpipe') return new AcceptedKeys();
    try {
      return new AcceptedKeys(await readAcceptedKeys(this.#registry, map));
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#options.say(`accepted results of map ${map}: ${error.message}`);
      return new AcceptedKeys();
    }
  }

  #fail(error: Error): void {
    if (this.#stop.signal.aborted) return;
    this.failure ??= error;
    this.#stop.abort();
  }

  async #close(): Promise<void> {
    this.#gate.open();
    this.#socket?.close();
    await this.#session?.close();
    await this.#http.close();
    await this.#options.payload.close();
    this.#options.journal?.close();
  }

  balance(): Balance {
    return this.counts.balance({ restarts: this.#options.payload.restarts });
  }

  get meters(): readonly Meter[] {
    return [
      { name: 'map_results_per_second', help: 'Results in the last second', kind: 'gauge', value: () => this.#rate },
      {
        name: 'map_results_held',
        help: 'Results that wait for the payload',
        kind: 'gauge',
        value: () => this.counts.held,
      },
      this.#failures.meter,
    ];
  }
}

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

function gate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What is served before the first map. */
const EMPTY = {
  node: async (path: readonly string[]) =>
    path.length === 0 ? ({ kind: 'group', links: [], attributes: [] } as const) : undefined,
  value: async () => undefined,
};
