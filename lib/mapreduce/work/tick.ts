/**
 * Ticks: once per interval one worker of all is told (spec mapreduce.md 5.1: clock key). Whoever sets the key, which expires after the
 * interval, has the tick; the others need not ask before it expires.
 */

import type { Redis } from 'ioredis';

const CLOCK = '\u{1f559}';

export class Ticks {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #interval: number;
  #nextTry = 0;

  /** @param interval seconds */
  constructor(redis: Redis, key: string, interval: number) {
    this.#redis = redis;
    this.#key = key;
    this.#interval = Math.max(1, Math.round(1000 * interval));
  }

  /** Whether it is worth asking. @param now milliseconds of a clock that does not jump */
  isDue(now: number): boolean {
    return now >= this.#nextTry;
  }

  /** True for the one worker that has the tick. */
  async take(now: number): Promise<boolean> {
    const set = await this.#redis.set(this.#key, CLOCK, 'PX', this.#interval, 'NX');
    const left = set === null ? await this.#redis.pttl(this.#key) : this.#interval;
    this.#nextTry = now + Math.max(1, left);
    return set !== null;
  }
}
