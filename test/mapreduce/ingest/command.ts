/** map-ingest as a process, for its tests; whoever imports this has a Redis of its own, empty at the beginning of each test. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { Push } from 'zeromq';
import { executable } from '../../executable.ts';
import { needsShared, SHARED } from '../../golden.ts';
import { until } from '../../until.ts';
import { RedisServer } from '../redis-server.ts';
import { Controller, Worker } from './stand-ins.ts';

const STINS = join(SHARED, 'data/mapreduce/stins');
export const shared = needsShared('data', 'mapreduce', 'stins');

/** One Redis for the file; each test begins with an empty one. */
export let redis: { readonly server: RedisServer; readonly url: string; readonly client: Redis };
t.before(async () => {
  const server = await RedisServer.start();
  redis = { server, url: server.url, client: new Redis(server.url) };
});
t.teardown(async () => {
  redis.client.disconnect();
  await redis.server.close();
});
t.beforeEach(async () => {
  await redis.client.flushall();
});

/** All that were started: a test that fails must not leave one behind. */
const started: Ingest[] = [];
t.teardown(() => Promise.all(started.map((ingest) => ingest.kill())));

export class Ingest {
  stderr = '';
  readonly #child;

  constructor(args: readonly string[], url = redis.url) {
    this.#child = execa(executable('map-ingest'), ['--redis', url, ...args], {
      reject: false,
      stdin: 'ignore',
      stdout: 'ignore',
    });
    started.push(this);
    this.#child.stderr?.on('data', (text) => {
      this.stderr += String(text);
    });
  }

  kill(): Promise<unknown> {
    this.#child.kill('SIGKILL');
    return this.#child;
  }

  /** Its balance now. */
  async balance(): Promise<string> {
    const before = this.stderr.length;
    this.#child.kill('SIGUSR1');
    return until('the balance', () => /in \d+ = .*\n/.exec(this.stderr.slice(before))?.[0]);
  }

  /** Ends it in order. @returns exit status */
  async stop(): Promise<number | undefined> {
    this.#child.kill('SIGTERM');
    return (await this.#child).exitCode;
  }
}

export async function sender(): Promise<{
  socket: Push;
  url: string;
  send(...parts: (string | Buffer)[]): Promise<void>;
}> {
  const socket = new Push({ linger: 0, sendHighWaterMark: 10_000 });
  await socket.bind('tcp://127.0.0.1:*');
  return { socket, url: socket.lastEndpoint!, send: (...parts) => socket.send(parts) };
}

function part(name: string): Buffer {
  return readFileSync(join(STINS, name));
}

const NAMES = ['00-header', ...[0, 1, 2, 3, 4, 5].map((i) => `0${i + 1}-image${i}`), '07-series_end'];

export function series(): Buffer[][] {
  return NAMES.map((name) =>
    name.includes('image') ? [part(`${name}.part0`), part(`${name}.part1`)] : [part(`${name}.part0`)],
  );
}

export async function urlOf(controller: Controller): Promise<string> {
  return String((await until('the configuration', () => controller.config())).url);
}

/** The ingester lists the workers. */
export async function listed(controller: Controller, ...workers: Worker[]): Promise<void> {
  await until('workers in the configuration', async () => {
    const connected = ((await controller.config())?.connected_workers ?? {}) as Record<string, unknown>;
    return workers.every(({ uuid }) => uuid in connected) || undefined;
  });
}

/** A detector `det` that pushes, its ingester, a controller that has begun a map, and one worker. */
export async function begun(t: Test) {
  const source = await sender();
  const ingest = new Ingest(['--stream', 'det', '--upstream', source.url]);
  const controller = new Controller(redis.client, 'det-ingester', { ours: true });
  const url = await urlOf(controller);
  const w1 = new Worker('w1', url, { ours: true });
  t.teardown(() => w1.close());
  await listed(controller, w1);
  await controller.begin(['det']);
  return { source, ingest, controller, url, w1 };
}
