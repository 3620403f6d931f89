/** A Redis server of its own for a test: loopback, a free port, a password, a folder for temporary files. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisAddress } from '../../lib/mapreduce/redis/connect.ts';
import { Registry } from '../../lib/mapreduce/redis/registry.ts';

export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'daqpipe-redis-'));
  readonly #password = randomBytes(12).toString('hex');
  #port = 0;
  #process: ChildProcess | undefined;

  static async start(): Promise<RedisServer> {
    const server = new RedisServer();
    server.#port = await freePort();
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://:${this.#password}@127.0.0.1:${this.#port}/0`;
  }

  /** Of the server that runs now. */
  get pid(): number {
    return this.#process!.pid!;
  }

  get password(): string {
    return this.#password;
  }

  /** Starts it (again) with what its append-only file says. */
  async restart(): Promise<void> {
    const options = {
      port: this.#port,
      bind: '127.0.0.1',
      requirepass: this.#password,
      dir: this.#folder,
      save: '',
      appendonly: 'yes',
    };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn('redis-server', words, { stdio: 'ignore' });
    this.#process = child;
    // The last resort, for tests that break off.
    process.once('exit', () => child.kill('SIGKILL'));
    const redis = new Redis(this.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => {});
    await redis.ping();
    redis.disconnect();
  }

  /** Ends it without notice. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  registry(say: (message: string) => void = () => {}): Promise<Registry> {
    return Registry.open({ address: redisAddress(this.url), say });
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
