/** `map-ingest` as a service: follows the controller's updates, keeps its configuration, runs one scan after the other. */

import { DaqError } from '../../errors.ts';
import { toldUrl } from '../address/socket.ts';
import { MapRefused } from '../map/types.ts';
import { ItemWriter } from '../record/writer.ts';
import { BadRecord } from '../redis/fields.ts';
import type { Registry } from '../redis/registry.ts';
import type { ControllerUpdate } from '../redis/updates.ts';
import { FrameRing } from '../shared/ring.ts';
import type { KeptMessages } from '../source/kept.ts';
import { keepSource, repeatsItself, type SourceOptions } from '../source/open.ts';
import { Scripts } from '../source/scripts.ts';
import type { SeriesCounts } from '../source/series.ts';
import { followController, openIngesterLink } from '../transport/open.ts';
import type { IngesterLink } from '../transport/types.ts';
import { Ingester, type IngesterOptions } from './ingester.ts';
import { Recorder } from './recorder.ts';
import { WorkerRouter } from './router.ts';
import { Scan } from './scan.ts';
import { settledBefore } from './settled.ts';

export interface ServiceOptions extends Omit<IngesterOptions, 'record' | 'store'> {
  readonly name: string;
  readonly bind: string;
  /** Host that workers are told, if it is not the bound one. */
  readonly advertise?: string | undefined;
  /** All that they are told: a forwarded port. */
  readonly url: string | undefined;
  readonly sources: readonly SourceOptions[];
  /** File for the messages of a stream as they come. */
  readonly capture: Readonly<Record<string, string>>;
  readonly dump: string | undefined;
  readonly dumpRoot: string | undefined;
  /** Bytes of shared memory for parts of at least `least` bytes; 0: none. */
  readonly shared: { readonly bytes: number; readonly least: number };
  /** Seconds; 0: for ever. */
  readonly resumeWait: number;
  readonly say: (text: string) => void;
}

const CONFIG_MS = 1000;
/** For messages that are on their way when we are asked to stop. */
const GRACE_MS = 1000;

export class IngestService {
  readonly ingester: Ingester;
  /** What the sources saw, by stream, of all maps. */
  readonly series = new Map<string, SeriesCounts>();
  readonly #options: ServiceOptions;
  readonly #registry: Registry;
  readonly #recorder: Recorder;
  readonly #captures = new Map<string, ItemWriter>();
  readonly #kept = new Map<string, KeptMessages>();
  #scripts: Scripts | undefined;
  readonly #stop = new AbortController();
  #router!: WorkerRouter;
  /** Where workers find it. */
  #url = '';
  #ring: FrameRing | undefined;
  #scan: Scan | undefined;
  #link: IngesterLink | undefined;
  #map: string | null = null;
  #finished = false;
  #failure: unknown;
  #processed = 0;
  #rate = 0;
  #publishing = false;

  constructor(registry: Registry, options: ServiceOptions) {
    this.#registry = registry;
    this.#options = options;
    const { name, dump, dumpRoot, say } = options;
    this.#recorder = new Recorder({ ingester: name, file: dump, root: dumpRoot, say });
    this.ingester = new Ingester({
      ...{ ...options, record: (event) => this.#recorder.record(event) },
      store: {
        least: options.shared.least,
        place: (data) => this.#ring?.place(data),
        release: (data) => this.#ring?.release(data),
        reaches: (worker) => this.#router.reaches(worker),
      },
    });
  }

  get router(): WorkerRouter {
    return this.#router;
  }

  /** With `--decode`. */
  get unpacker(): SourceOptions['unpacker'] {
    return this.#options.sources[0]?.unpacker;
  }

  get recorded(): number {
    return this.#recorder.counts.events;
  }

  /**
   * Serves until `stop`.
   * @throws DaqError if the address, a source or a recording cannot be had, or a gap must stop it
   */
  async run(stop: AbortSignal): Promise<void> {
    this.#ring = this.#openRing();
    this.#router = await WorkerRouter.open({
      frames: this.#ring?.name,
      bind: this.#options.bind,
      delivered: (message) => this.#sent((ingester) => ingester.delivered(message)),
      undeliverable: (message) => this.#sent((ingester) => ingester.undeliverable(message)),
      changed: () => this.#publishSoon(),
    });
    const { redis } = this.#registry;
    this.#url = this.#options.url ?? toldUrl(this.#router.url, { ...this.#options, redis });
    const end = () => this.#stop.abort();
    stop.addEventListener('abort', end, { once: true });
    const timer = setInterval(() => this.#eachSecond(), CONFIG_MS);
    try {
      for (const [stream, file] of Object.entries(this.#options.capture))
        this.#captures.set(stream, await ItemWriter.open(file));
      this.#scripts = await Scripts.open(this.#options.sources, this.#options.name);
      for (const source of this.#options.sources) {
        const kept = await keepSource(source);
        if (kept) this.#kept.set(source.stream, kept);
      }
      // A map that is there before us has begun with another process of our name; one that comes later has waited for us.
      const newest = await this.#registry.newestUpdate();
      await this.#publish();
      if (!stop.aborted) await this.#follow(newest?.mapping_uuid);
    } finally {
      clearInterval(timer);
      stop.removeEventListener('abort', end);
      await this.#close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** What has become of a message may have made room. */
  #sent(note: (ingester: Ingester) => void): void {
    const { blocked } = this.ingester;
    note(this.ingester);
    if (blocked) this.#scan?.flush();
  }

  /** Without it frames go through the sockets. */
  #openRing(): FrameRing | undefined {
    const { name, shared, say } = this.#options;
    if (shared.bytes === 0) return undefined;
    try {
      return FrameRing.open({ name, serviceUuid: this.#registry.serviceUuid, ...shared, say });
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      say(`no shared memory for frames: ${error.message}`);
      return undefined;
    }
  }

  /** Shared memory in which large frames lie. */
  get ring(): FrameRing | undefined {
    return this.#ring;
  }

  async #follow(before: string | undefined): Promise<void> {
    for await (const update of this.#registry.updates(this.#stop.signal))
      await this.#update(update, update.mapping_uuid === before);
  }

  /** @param old the map was there before us */
  async #update(update: ControllerUpdate, old: boolean): Promise<void> {
    await this.#registry.parameters.update(update.parameters_version);
    if (update.mapping_uuid !== this.#map) {
      if (!(old && update.finished)) await this.#begin(update, old);
    } else {
      if (this.#link) followController(this.#link, update);
      await this.#recorder.use(update.mapping_uuid, this.#prefix);
    }
    if (update.finished && update.mapping_uuid === this.#map) await this.#finish();
    await this.#publish();
  }

  get #prefix(): string | undefined {
    return this.#registry.parameters.values.get('dump_prefix')?.data.toString();
  }

  /** @param old the map was there before us */
  async #begin(update: ControllerUpdate, old: boolean): Promise<void> {
    await this.#endScan();
    const { say, name, sources } = this.#options;
    const map = update.mapping_uuid;
    const active = sources.filter(({ stream }) => update.active_streams.includes(stream));
    const midway = old && active.length > 0;
    this.#map = map;
    this.#finished = false;
    this.#router.begin(map);
    await this.#recorder.use(map, this.#prefix);
    const streams = new Set(active.map(({ stream }) => stream));
    this.#link = openIngesterLink({ registry: this.#registry, name, say, update }, streams);
    await this.#scripts?.begin(active);
    if (midway) say(`map ${map}: begun without us; frames are placed by their numbers`);
    this.#scan = new Scan({
      ingester: this.ingester,
      router: this.#router,
      recorder: this.#recorder,
      link: this.#link,
      sources: active.map((source) => ({
        ...source,
        kept: this.#kept.get(source.stream),
        script: this.#scripts?.of(source),
      })),
      captures: this.#captures,
      saysOver: update.impl === 'daqpipe',
      resumeWait: this.#options.resumeWait,
      settled: midway ? (first) => this.#settled(map, first, active) : undefined,
      say,
      failed: (error) => this.#fail(error),
      changed: () => this.#publishSoon(),
    });
    await this.#scan.begin();
  }

  /** Streams whose frames carry no numbers and cannot be read again, and maps that nobody explains, get -1: their frames cannot be placed. */
  async #settled(map: string, first: number, active: readonly SourceOptions[]): Promise<ReadonlyMap<string, number>> {
    const { redis, keys } = this.#registry;
    try {
      const texts = first === 0 ? [] : await redis.lrange(keys.map(map), 0, -1);
      if (first > 0 && texts.length === 0) throw new BadRecord('the map is not known');
      const before = settledBefore(texts, first);
      const known = (source: SourceOptions) => source.numbered || repeatsItself(source);
      return new Map(active.map((source) => [source.stream, known(source) ? (before.get(source.stream) ?? 0) : -1]));
    } catch (error) {
      if (!(error instanceof BadRecord || error instanceof MapRefused)) throw error;
      this.#options.say(`map ${map}: frames cannot be placed: ${error.message}`);
      return new Map(active.map(({ stream }) => [stream, -1]));
    }
  }

  /** The controller has ended the map: nothing more is sent, the source is read on into nothing. */
  async #finish(): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.ingester.end();
    await this.#recorder.close();
    await this.#link?.finished();
  }

  async #endScan(): Promise<void> {
    const scan = this.#scan;
    this.#scan = undefined;
    this.#link = undefined;
    await scan?.close();
    for (const [stream, counts] of scan?.series ?? []) addCounts(this.series, stream, counts);
    this.#router.begin('');
    this.ingester.end();
    await this.#recorder.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#stop.abort();
  }

  /** Events whose messages went out. */
  get processed(): number {
    return this.#router.counts.events;
  }

  #eachSecond(): void {
    const before = this.#processed;
    this.#processed = this.processed;
    const rate = this.#processed - before;
    if (rate === 0 && this.#rate === 0) return;
    this.#rate = rate;
    this.#publishSoon();
  }

  #publishSoon(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    setImmediate(() => {
      this.#publishing = false;
      if (!this.#stop.signal.aborted) void this.#publish();
    });
  }

  async #publish(): Promise<void> {
    const { name, sources } = this.#options;
    await this.#registry.publish('ingester', name, {
      mapping_uuid: this.#map,
      dranspose_version: null,
      mapreduce_version: null,
      parameters_hash: this.#registry.parameters.hash,
      processed_events: this.#processed,
      event_rate: this.#rate,
      url: this.#url,
      connected_workers: this.#router.workers,
      streams: sources.map(({ stream }) => stream),
      held_from: this.ingester.heldFrom,
      frames: this.#ring?.name ?? null,
      ...(sources.every(repeatsItself) ? { rereads: true } : {}),
    });
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    const until = Date.now() + GRACE_MS;
    while (this.#failure === undefined && this.#router.waiting > 0 && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await this.#endScan();
    this.#router.close();
    this.#ring?.close();
    for (const kept of this.#kept.values()) kept.close();
    await this.#scripts?.close();
    for (const capture of this.#captures.values()) await capture.close();
  }
}

function addCounts(all: Map<string, SeriesCounts>, stream: string, counts: SeriesCounts): void {
  const sum = all.get(stream);
  if (sum === undefined) all.set(stream, { ...counts });
  else for (const key of Object.keys(counts) as (keyof SeriesCounts)[]) sum[key] += counts[key];
}
