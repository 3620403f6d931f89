/** A controller as a process of its own, a Redis, and stand-ins for all services. */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Test } from 'tap';
import type { Registry } from '../../../lib/mapreduce/redis/registry.ts';
import { executable } from '../../executable.ts';
import { until } from '../../until.ts';
import { RedisServer } from '../redis-server.ts';
import { StandInWorker } from './stand-in-worker.ts';
import { StandInIngester, StandInReducer } from './stand-ins.ts';

export interface Shape {
  readonly workers: number;
  readonly streams?: readonly string[];
  /** Who speaks our protocol. */
  readonly ours?: { readonly ingesters?: boolean; readonly workers?: boolean; readonly reducer?: boolean } | boolean;
  readonly delayMs?: number;
  readonly flags?: readonly string[];
}

/** One `map-control` process. */
export class ControlProcess {
  readonly process: ChildProcess;
  url = '';
  stderr = '';
  /** Exit code, or 128 + n. */
  readonly ended: Promise<number | string>;

  constructor(redis: RedisServer, flags: readonly string[]) {
    const env = { ...process.env, REDIS_URL: redis.url };
    this.process = spawn(executable('map-control'), ['--port', '0', ...flags], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // The last resort, for tests that break off.
    process.once('exit', () => this.process.kill('SIGKILL'));
    this.process.stdout?.on('data', (text: Buffer) => {
      this.url ||= String(text).trim();
    });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.stderr += String(text);
    });
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(code ?? signal ?? '')));
  }

  async ready(): Promise<this> {
    await until(`controller: ${this.stderr}`, () => this.url !== '');
    return this;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.process.kill('SIGCONT');
    this.process.kill(signal);
    return this.ended;
  }
}

export class Ensemble {
  readonly redis: RedisServer;
  control: ControlProcess;
  ingesters: StandInIngester[] = [];
  workers: StandInWorker[] = [];
  reducer: StandInReducer | undefined;
  readonly #shape: Shape;
  readonly #registries: Registry[] = [];
  readonly #processes: ControlProcess[] = [];

  private constructor(redis: RedisServer, shape: Shape) {
    this.redis = redis;
    this.#shape = shape;
    this.control = this.spawnControl();
  }

  static async start(t: Test, shape: Shape): Promise<Ensemble> {
    const ensemble = new Ensemble(await RedisServer.start(), shape);
    t.teardown(() => ensemble.close());
    const { streams = ['det'], workers, ours = false } = shape;
    const parts = typeof ours === 'boolean' ? { ingesters: ours, workers: ours, reducer: ours } : ours;
    await ensemble.control.ready();
    for (const stream of streams) {
      const options = { ...(await ensemble.options(`${stream}-ingester`, parts.ingesters)), stream };
      ensemble.ingesters.push(new StandInIngester(options));
    }
    ensemble.reducer = new StandInReducer(await ensemble.options('reducer', parts.reducer));
    for (const service of [...ensemble.ingesters, ensemble.reducer]) await service.start();
    for (let i = 1; i <= workers; i++) await ensemble.addWorker(`w${i}`, { ours: parts.workers === true });
    await ensemble.connected();
    return ensemble;
  }

  async options(name: string, ours = false): Promise<{ registry: Registry; name: string; ours: boolean }> {
    const registry = await this.redis.registry();
    this.#registries.push(registry);
    return { registry, name, ours };
  }

  async addWorker(name: string, { ours, tags }: { ours: boolean; tags?: readonly string[] }): Promise<StandInWorker> {
    const { delayMs = 0 } = this.#shape;
    const worker = new StandInWorker({ ...(await this.options(name, ours)), delayMs, ...(tags ? { tags } : {}) });
    this.workers.push(worker);
    await worker.start();
    return worker;
  }

  spawnControl(flags: readonly string[] = []): ControlProcess {
    const control = new ControlProcess(this.redis, [...(this.#shape.flags ?? []), ...flags]);
    this.#processes.push(control);
    return control;
  }

  /** Every worker is listed by every ingester, and the controller knows. */
  async connected(): Promise<void> {
    await until('workers connect', async () => {
      const { ingesters, workers } = await this.get<{ ingesters: { connected_workers: object }[]; workers: object[] }>(
        'config',
      );
      const whole = ({ connected_workers }: { connected_workers: object }) =>
        Object.keys(connected_workers).length >= this.workers.length;
      return (
        workers.length === this.workers.length && ingesters.length === this.ingesters.length && ingesters.every(whole)
      );
    });
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.control.url}${path.startsWith('/') ? '' : '/api/v1/'}${path}`, init);
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.request(path)).json()) as T;
  }

  /** @returns uuid. @throws if it is refused */
  async post(map: object, query = ''): Promise<string> {
    const response = await this.request(`sequence${query}`, { method: 'POST', body: JSON.stringify(map) });
    const answer = (await response.json()) as string;
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  }

  progress(): Promise<Progress> {
    return this.get('progress');
  }

  /** Waits until so many events are complete. */
  async complete(count: number): Promise<void> {
    await until(`${count} events complete`, async () => (await this.progress()).completed_events >= count);
  }

  async finished(): Promise<Progress> {
    return until('finished', async () => {
      const progress = await this.progress();
      return progress.finished ? progress : undefined;
    }).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await this.progress())} ${this.control.stderr}`);
    });
  }

  get problems(): readonly string[] {
    return [...this.ingesters, ...this.workers, ...(this.reducer ? [this.reducer] : [])].flatMap(
      ({ problems }) => problems,
    );
  }

  async close(): Promise<void> {
    for (const service of [...this.workers, ...this.ingesters]) await service.kill();
    await this.reducer?.kill();
    for (const control of this.#processes) await control.end('SIGKILL');
    for (const { redis } of this.#registries) redis.disconnect();
    await Promise.all(this.#registries.map((registry) => registry.close()));
    await this.redis.close();
  }
}

export interface Progress {
  readonly last_assigned: number;
  readonly completed_events: number;
  readonly total_events: number;
  readonly finished: boolean;
  readonly damaged: number;
  readonly reason: string;
  readonly waiting: readonly string[];
}

/** `events` events on a stream, `batch` of them for one worker. */
export function batches(
  events: number,
  batch: number,
  streams: readonly string[] = ['det'],
  more: object = {},
): object {
  const cells = Array.from({ length: events }, (_, event) => [{ constraint: Math.floor(event / batch) }]);
  return { parts: { main: Object.fromEntries(streams.map((stream) => [stream, cells])) }, sequence: ['main'], ...more };
}
