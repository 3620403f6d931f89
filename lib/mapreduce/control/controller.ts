/** The controller: one at a time, one map at a time (spec mapreduce.md 1, 2, 5.1). */

import { randomUUID } from 'node:crypto';
import { toldUrl } from '../address/socket.ts';
import { checkMap, streamsOf } from '../map/check.ts';
import { MapRefused } from '../map/types.ts';
import { ConfigWatch } from '../redis/config-watch.ts';
import { connectedStreams, isThere, servicesOf } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import type { Registry } from '../redis/registry.ts';
import type { ControllerUpdate } from '../redis/updates.ts';
import { Changes } from './changes.ts';
import { Credits, type Hello, type Standing } from './credits.ts';
import { writeDumps } from './dump.ts';
import { type Fence, LockLost } from './fence.ts';
import type { Ending } from './formation.ts';
import { takeLock } from './lock.ts';
import { ParameterDesk } from './parameter-desk.ts';
import { appendOf, checkAppend, checkEvents, mapOf, planOf } from './plan.ts';
import { Refused } from './refused.ts';
import { KEEP_SECONDS, MapRun, type RunContext } from './run.ts';
import { type MapTotals, NO_EVENTS, sumOf, totalsOf, unfinishedText } from './totals.ts';

export interface ControllerOptions {
  readonly registry: Registry;
  readonly depth: number | 'auto';
  /** undefined: what the payload classes ask for. */
  readonly redo: 'rest' | 'group' | undefined;
  readonly future: number;
  /** Where services of ours reach the controller, and the host they are told if not that; undefined: through streams of Redis. */
  readonly credits: string | undefined;
  readonly advertise?: string | undefined;
  /** Seconds to wait for the lock. */
  readonly lockWait: number;
  /** Seconds until a map that not everybody takes up is given up. */
  readonly readyWait: number;
  readonly mostEvents: number;
  /** Folder below which recordings may be made by request; undefined: nowhere. */
  readonly dumpRoot: string | undefined;
  readonly stop: AbortSignal;
  say(message: string): void;
}

const LOCK_KEEP_MS = 3000;
const TEND_MS = 2000;
const UPDATES_LENGTH = 1000;
/** How long a map that is replaced may take for its finish hooks. */
const REPLACE_WAIT_MS = 2000;

export type Phase = 'idle' | 'preparing' | 'running' | 'ending' | 'finished';

export class Controller {
  readonly options: ControllerOptions;
  readonly registry: Registry;
  readonly watch: ConfigWatch;
  readonly parameters: ParameterDesk;
  readonly #fence: Fence;
  readonly #context: RunContext;
  #credits: Credits | undefined;
  #control: string | null = null;
  #run: MapRun | undefined;
  #phase: Phase = 'idle';
  /** Map of updates while no map runs. */
  readonly #noMap = randomUUID();
  readonly #changes = new Changes();
  #posting: Promise<unknown> = Promise.resolve();
  #told = '';
  /** Of the maps before this one. */
  past: MapTotals = NO_EVENTS;
  readonly #timers: NodeJS.Timeout[] = [];
  #fail: (error: Error) => void = () => {};
  /** Settles with the reason why this controller cannot go on. */
  readonly failure: Promise<Error>;
  #closed = false;

  private constructor(options: ControllerOptions, fence: Fence) {
    this.options = options;
    this.registry = options.registry;
    this.#fence = fence;
    this.parameters = new ParameterDesk(options.registry, fence);
    this.failure = new Promise((resolve) => {
      this.#fail = resolve;
    });
    const { registry, say } = options;
    this.watch = new ConfigWatch(registry, say, () => this.#configsChanged());
    const controller = this;
    this.#context = {
      registry,
      fence,
      get credits() {
        return controller.#credits;
      },
      configs: () => this.watch.configs,
      ended: (run, ending) => void this.#ended(run, ending),
      changed: () => this.#changed(),
      failed: (error) => this.#failed(error),
      say,
    };
  }

  /**
   * Waits for the lock and takes over what an earlier controller left.
   * @throws DaqError `already-served` if another controller keeps the lock
   */
  static async start(options: ControllerOptions): Promise<Controller> {
    const fence = await takeLock(options);
    const controller = new Controller(options, fence);
    await controller.#begin().catch(async (error: unknown) => {
      await controller.shutdown();
      throw error;
    });
    return controller;
  }

  async #begin(): Promise<void> {
    const { credits, advertise, say } = this.options;
    const { redis, keys } = this.registry;
    this.#timers.push(setInterval(() => this.#keepLock(), LOCK_KEEP_MS));
    if (credits !== undefined) {
      const received: ConstructorParameters<typeof Credits>[0]['received'] = (map, reports, hellos) => {
        if (this.#run?.uuid === map) this.#run.received(reports, hellos);
      };
      const standing = (hello: Hello) => this.#standing(hello);
      this.#credits = new Credits({ say, received, standing, look: () => this.watch.look() });
      this.#control = toldUrl(await this.#credits.listen(credits), { advertise, redis, say });
    }
    await this.watch.start();
    await this.parameters.recover();
    const current = await redis.get(keys.current);
    if (current !== null) await this.#resume(current);
    this.#timers.push(setInterval(() => void this.#tend(), TEND_MS));
    await this.#tend();
  }

  /** One that is out of sight may have reported before. */
  #standing({ role, name, service, map }: Hello): Standing {
    const there = isThere(this.watch.configs, role, name, service);
    if (this.#run?.uuid !== map) return there ? 'elsewhere' : 'stranger';
    return there || this.#run.formation.reportsOf(service) > 0 ? 'member' : 'stranger';
  }

  async #resume(uuid: string): Promise<void> {
    try {
      this.#phase = 'running';
      this.#run = await MapRun.resume(this.#context, uuid);
    } catch (error) {
      if (!(error instanceof BadRecord) && !(error instanceof MapRefused)) throw error;
      this.options.say(`map ${uuid} cannot be taken over: ${error.message}`);
    }
    if (!this.#run) {
      this.#phase = 'idle';
      return;
    }
    this.watch.pace = 'running';
    if (this.#run.formation.ending === undefined) await this.#update({});
    this.#run.configsChanged();
  }

  get run(): MapRun | undefined {
    return this.#run;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get credits(): Credits | undefined {
    return this.#credits;
  }

  /** uuid of the map that services should have. */
  get mapping(): string {
    return this.#run?.uuid ?? this.#noMap;
  }

  #keepLock(): void {
    if (this.registry.redis.status !== 'ready') return;
    this.#fence.keep().catch((error: Error) => this.#failed(error));
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    // Nothing may be assigned by one who is no controller any more.
    if (error instanceof LockLost) this.#run?.close();
    this.#fail(error);
  }

  #configsChanged(): void {
    if (this.#run && this.#phase !== 'finished') {
      this.#run.configsChanged();
      this.#tellNewcomers(this.#run.uuid);
    }
    this.#changed();
  }

  /** Who comes late has not seen the update. */
  #tellNewcomers(uuid: string): void {
    if (this.#phase !== 'running') return;
    const late = servicesOf(this.watch.configs).filter(({ mapping_uuid }) => mapping_uuid !== uuid);
    const names = late.map(({ service_uuid }) => service_uuid).join(' ');
    if (names === this.#told) return;
    this.#told = names;
    if (names !== '') this.#update({}).catch((error: Error) => this.#failed(error));
  }

  #changed(): void {
    this.#checkOver();
    this.#changes.tell();
  }

  #checkOver(): void {
    if (this.#phase !== 'ending' || !this.#run || this.#run.unfinished.length > 0) return;
    this.#phase = 'finished';
    this.watch.pace = 'idle';
    const run = this.#run;
    run.close();
    this.options.say(`map ${run.uuid}: ${run.formation.ending}`);
    // Also which map it was: somebody may ask our successor how it ended.
    const kept = [...run.ownKeys, this.registry.keys.current];
    this.#fence.write(kept.map((key) => ['EXPIRE', key, KEEP_SECONDS])).catch((error: Error) => this.#failed(error));
  }

  /** Tells all services. */
  async #update({ finished = false, reason = null }: { finished?: boolean; reason?: Ending | null }): Promise<void> {
    const streams = this.#run ? [...streamsOf(this.#run.formation.map)] : [];
    const update: ControllerUpdate = {
      mapping_uuid: this.mapping,
      parameters_version: this.parameters.versions,
      target_parameters_hash: this.parameters.hash,
      active_streams: streams,
      finished,
      ...{ impl: 'daqpipe', protocol: 1, control: this.#control, reason },
    };
    const { updates } = this.registry.keys;
    await this.#fence.write([['XADD', updates, 'MAXLEN', '~', UPDATES_LENGTH, '*', 'data', JSON.stringify(update)]]);
  }

  async #tend(): Promise<void> {
    if (this.registry.redis.status !== 'ready' || this.#phase === 'preparing') return;
    try {
      if (await this.parameters.tend(this.watch.configs)) await this.#update(this.#finishedNow);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** What an update about parameters must say of the scan, so that nobody takes it for a new one. */
  get #finishedNow(): { finished?: boolean; reason?: Ending | null } {
    const { ending } = this.#run?.formation ?? {};
    return ending === undefined ? {} : { finished: true, reason: ending };
  }

  async #ended(run: MapRun, ending: Ending): Promise<void> {
    this.#phase = 'ending';
    // It may be that nobody knows yet that this is the map that runs.
    this.#run = run;
    try {
      await this.#update({ finished: true, reason: ending });
      this.#changed();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  // Requests.

  /**
   * Posts a map and waits until everybody has taken it up. @returns its uuid
   * @throws MapRefused; Refused 500 `timeout` with the names of those who did not, 413 `events`
   */
  post(bytes: Buffer, wrap: boolean): Promise<string> {
    const posted = this.#posting.then(() => this.#post(bytes, wrap));
    this.#posting = posted.catch(() => {});
    return posted;
  }

  async #post(bytes: Buffer, wrap: boolean): Promise<string> {
    const map = mapOf(bytes);
    checkEvents(map, this.options.mostEvents);
    await this.watch.look();
    const { configs } = this.watch;
    const workers = configs.workers.map(({ tags }) => new Set(tags));
    checkMap(map, { streams: connectedStreams(configs), workers });
    await this.#replace();
    const before = this.#run;
    const uuid = randomUUID();
    this.#phase = 'preparing';
    this.#told = '';
    this.watch.pace = 'waiting';
    const plan = planOf({ map: bytes.toString(), wrap }, configs, this.options);
    this.#run = await MapRun.begin(this.#context, uuid, plan, map);
    if (before) this.past = sumOf(this.past, totalsOf(before.formation));
    if (before) await this.#fence.write([['DEL', ...before.ownKeys]]);
    await this.#update({});
    await this.#taken(uuid);
    if (this.phase === 'preparing') this.#phase = 'running';
    this.watch.pace = this.phase === 'finished' ? 'idle' : 'running';
    await writeDumps(this, this.#run, this.options.dumpRoot, this.options.say);
    return uuid;
  }

  /** Ends the map that runs, with its finish hooks (spec 2.1). */
  async #replace(): Promise<void> {
    const run = this.#run;
    if (!run || this.#phase === 'finished') return;
    if (run.formation.ending === undefined) run.decide([{ op: 'stop', reason: 'replaced' }]);
    const over = await this.#changes.until(() => this.#phase === 'finished', REPLACE_WAIT_MS);
    if (!over) this.options.say(`map ${run.uuid} is replaced, but did not finish: ${run.unfinished.join(', ')}`);
    const left = unfinishedText(run.formation);
    if (left !== undefined) this.options.say(`map ${run.uuid} is replaced: ${left}`);
    run.close();
  }

  /** @throws Refused */
  async #taken(uuid: string): Promise<void> {
    const missing = () => servicesOf(this.watch.configs).filter(({ mapping_uuid }) => mapping_uuid !== uuid);
    const { readyWait } = this.options;
    if (await this.#changes.until(() => missing().length === 0, readyWait * 1000)) return;
    const names = missing().map(({ name }) => name);
    this.#run?.decide([{ op: 'stop', reason: 'stopped' }]);
    throw new Refused(500, 'timeout', `not ready after ${readyWait} s: ${names.join(', ')}`, names);
  }

  /** @throws Refused 422 `finished` if no map runs */
  #running(): MapRun {
    if (!this.#run || this.#run.formation.ending !== undefined) throw new MapRefused('finished', 'no map is running');
    return this.#run;
  }

  /** Appends instances to an open map (spec 2.1). The same `id` twice is done once. @throws MapRefused */
  async append(bytes: Buffer): Promise<void> {
    const run = this.#running();
    const { assigner } = run.formation;
    const known = new Map([...assigner.parts, ...run.appends.flatMap(({ parts }) => [...parts])]);
    const append = appendOf(bytes, known);
    if (append.id !== null && run.appends.some(({ id }) => id === append.id)) return;
    if (!assigner.open) throw new MapRefused('closed', 'the map is closed');
    const sequence = [run.formation.map, ...run.appends, append].flatMap((one) => one.sequence);
    checkEvents({ parts: new Map([...known, ...append.parts]), sequence }, this.options.mostEvents);
    checkAppend(append, known, streamsOf(run.formation.map));
    await run.append(append);
  }

  /** @throws MapRefused `finished`, `closed` */
  close(): void {
    const run = this.#running();
    if (!run.formation.assigner.open) throw new MapRefused('closed', 'the map is closed');
    run.decide([{ op: 'close' }]);
  }

  /** Ends the map now; without one nothing happens. */
  stop(): void {
    if (this.#run?.formation.ending === undefined) this.#run?.decide([{ op: 'stop', reason: 'stopped' }]);
  }

  /** @returns the new hash. @throws Refused */
  async setParameter(name: string, data: Buffer): Promise<string> {
    await this.parameters.set(name, data);
    if (this.#phase !== 'preparing') await this.#update(this.#finishedNow);
    return this.parameters.hash;
  }

  /** Lets go of the lock; a map that runs stays for the next controller. Works twice. */
  async shutdown(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#changed();
    this.#changes.close();
    this.watch.close();
    this.#run?.close();
    await this.#credits?.close();
    if (this.registry.redis.status === 'ready') await this.#fence.release();
  }
}
