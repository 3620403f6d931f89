/** A whole scan with real processes: Redis, controller, ingesters, workers, reducer, and detectors that send STINS. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Test } from 'tap';
import { Push } from 'zeromq';
import { executable, PROJECT } from '../executable.ts';
import { until } from '../until.ts';
import { RedisServer } from './redis-server.ts';

function started([program, ...args]: readonly string[], env: Readonly<Record<string, string>>, cwd: string) {
  const stdio = { stdin: 'ignore', stdout: 'pipe' } as const;
  return execa(program!, args, { reject: false, buffer: false, ...stdio, env, cwd });
}

export class Service {
  words = '';
  output = '';
  readonly #child: ReturnType<typeof started>;

  constructor(words: readonly string[], env: Readonly<Record<string, string>>, cwd: string) {
    this.#child = started(words, env, cwd);
    this.#child.stdout?.on('data', (text) => {
      this.output += String(text);
    });
    this.#child.stderr?.on('data', (text) => {
      this.words += String(text);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<number> {
    const { exitCode, signal } = await this.#child;
    return exitCode ?? (signal === 'SIGKILL' ? 137 : 143);
  }

  /** Ends it in order. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.signal(signal);
    return this.ended();
  }

  kill(): Promise<number> {
    return this.stop('SIGKILL');
  }
}

/** Ends whatever of them still runs; whoever does not within 5 s is killed. */
export async function endAll(services: readonly Service[]): Promise<void> {
  for (const service of services) service.signal('SIGTERM');
  const hard = setTimeout(() => {
    for (const service of services) service.signal('SIGKILL');
  }, 5000);
  await Promise.all(services.map((service) => service.ended()));
  clearTimeout(hard);
}

export interface Progress {
  readonly completed_events: number;
  readonly total_events: number;
  readonly finished: boolean;
  readonly damaged: readonly number[] | number;
}

export interface Detector {
  readonly url: string;
  start(): Promise<void>;
  image(frame: number, pixels: Uint16Array): Promise<void>;
  end(): Promise<void>;
}

/** Everything started here ends with the test. */
export class Ensemble {
  readonly folder = mkdtempSync(join(tmpdir(), 'daqpipe-map-'));
  readonly redis: RedisServer;
  readonly services: Service[] = [];
  /** Address of the controller. */
  control = '';

  private constructor(redis: RedisServer) {
    this.redis = redis;
  }

  /** @param control further words for map-control */
  static async start(
    t: Test,
    control: readonly string[] = ['--transport', process.env.DAQPIPE_TEST_TRANSPORT ?? 'credits'],
  ): Promise<Ensemble> {
    const ensemble = new Ensemble(await RedisServer.start());
    t.teardown(() => ensemble.#close());
    const service = ensemble.run('map-control', ['--port', '0', ...control]);
    ensemble.control = await until('the controller', () => /http:\/\/\S+/.exec(service.output)?.[0]);
    return ensemble;
  }

  run(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Service {
    const PYTHONPATH = join(PROJECT, 'examples/mapreduce');
    const words = [executable(name), ...args];
    const service = new Service(words, { REDIS_URL: this.redis.url, PYTHONPATH, ...env }, this.folder);
    this.services.push(service);
    return service;
  }

  async detector(t: Test, stream: string, ...more: string[]): Promise<Detector> {
    const socket = new Push({ linger: 0, sendHighWaterMark: 100_000 });
    await socket.bind('tcp://127.0.0.1:*');
    t.teardown(() => socket.close());
    const url = socket.lastEndpoint!;
    this.run('map-ingest', ['--kind', 'stins', '--stream', stream, '--upstream', url, ...more]);
    let number = 0;
    const header = (fields: object) => JSON.stringify({ ...fields, msg_number: number++ });
    return {
      url,
      start: () => socket.send([header({ htype: 'header', filename: '' })]),
      image: (frame, pixels) => {
        const fields = { htype: 'image', frame, shape: [pixels.length], type: 'uint16', compression: 'none' };
        return socket.send([header(fields), Buffer.from(pixels.buffer)]);
      },
      end: () => socket.send([header({ htype: 'series_end' })]),
    };
  }

  /** Posts a map as soon as so many workers, ingesters and the reducer are there and know each other. @returns its uuid */
  async post(map: object, workers: number, ingesters = 1): Promise<string> {
    await until('all services', async () => {
      const config = (await this.get('config')) as { ingesters: object[]; workers: object[]; reducer: object | null };
      return config.workers.length === workers && config.ingesters.length === ingesters && config.reducer !== null;
    });
    return until('the map to be taken', async () => {
      const answer = await fetch(`${this.control}/api/v1/sequence`, { method: 'POST', body: JSON.stringify(map) });
      return answer.ok ? ((await answer.json()) as string) : undefined;
    });
  }

  async get(path: string): Promise<unknown> {
    return (await fetch(`${this.control}/api/v1/${path}`)).json();
  }

  async put(parameter: string, value: string): Promise<void> {
    await fetch(`${this.control}/api/v1/parameter/${parameter}`, { method: 'POST', body: value });
  }

  progress(): Promise<Progress> {
    return this.get('progress') as Promise<Progress>;
  }

  finished(): Promise<Progress> {
    return until('the end of the scan', async () => {
      const progress = await this.progress();
      return progress.finished ? progress : undefined;
    });
  }

  async #close(): Promise<void> {
    await endAll(this.services);
    await this.redis.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One image per event, `batch` events of one constraint. */
export function imageMap(events: number, batch = 1, stream = 'det'): object {
  const cells = Array.from({ length: events }, (_, i) => [{ constraint: Math.floor(i / batch) }]);
  return { parts: { row: { [stream]: cells } }, sequence: ['row'] };
}

/** Where a reducer publishes. */
export async function published(reducer: Service): Promise<string> {
  return until('the address of the reducer', () => /http:\/\/\S+/.exec(reducer.output)?.[0]);
}

/** Value of a dataset. */
export async function dataset(http: string, path: string): Promise<Response> {
  const id = `d-h5dict-${Buffer.from(path).toString('hex').toUpperCase()}`;
  return fetch(`${http}/datasets/${id}/value`);
}

/** Numbers of the events in the group `sums` of the examples. */
export async function summed(http: string): Promise<Map<number, number>> {
  const id = `g-h5dict-${Buffer.from('/sums').toString('hex').toUpperCase()}`;
  const { links } = (await (await fetch(`${http}/groups/${id}/links`)).json()) as { links: { title: string }[] };
  const found = new Map<number, number>();
  for (const { title } of links) {
    const { value } = (await (await dataset(http, `/sums/${title}`)).json()) as { value: number };
    found.set(Number(title), value);
  }
  return found;
}
