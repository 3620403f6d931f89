/**
 * What a local supervisor tells at once that has seen a process end (spec mapreduce.md 3.2): a configuration that nobody refreshes any more would
 * stand for 10 s. Taking it away is what the process itself does at an orderly end, so controllers of both kinds understand it.
 */

import type { Redis } from 'ioredis';
import { connectRedis, redisAddress } from '../redis/connect.ts';
import { Keys, type Role } from '../redis/keys.ts';
import type { UpMember } from './types.ts';

const CONFIGURED: readonly string[] = ['worker', 'ingester', 'reducer'] satisfies readonly Role[];

export interface ForgetOptions {
  /** URL of Redis; undefined: the environment's. */
  readonly redis: string | undefined;
  /** Redis is ours alone: a controller that has died was the one with the lock. */
  readonly own: boolean;
}

export class Forgetter {
  readonly #redis: Redis;
  readonly #keys = new Keys();
  readonly #own: boolean;

  private constructor(redis: Redis, { own }: ForgetOptions) {
    this.#redis = redis;
    this.#own = own;
  }

  /** @throws DaqError `connection-failed` */
  static async open(options: ForgetOptions): Promise<Forgetter> {
    return new Forgetter(await connectRedis(redisAddress(options.redis)), options);
  }

  /** A process has ended. Without Redis nothing is done: the configuration expires. */
  async ended({ role, name }: UpMember): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    if (role === 'control' && this.#own) await this.#redis.del(this.#keys.lock);
    if (!CONFIGURED.includes(role)) return;
    const key = this.#keys.config(role as Role, name);
    await this.#redis.pipeline().del(key).publish(this.#keys.wake, key).exec();
  }

  close(): void {
    this.#redis.disconnect();
  }
}
