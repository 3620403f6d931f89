/**
 * The controller's lock, and writing that only its holder can do (spec mapreduce.md 5.1, 13.5, 3.5). Whoever takes the lock raises an
 * epoch; every write of a controller carries its own and does nothing if it is not the last one. So a holder that was paused and wakes
 * up late cannot disturb its successor.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Keys } from '../redis/keys.ts';

/** The value that the reference expects: a lock. */
const LOCK = '\u{1F512}';
const LOCK_SECONDS = 10;
/** An ending controller waits so long for Redis. */
const RELEASE_MS = 2000;

/**
 * A script is sent whole each time. Redis that was restarted does not know scripts by their hash any more, and what is sent once more after such
 * a refusal is overtaken by what was sent meanwhile; but writes must come in order.
 */
class Script {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  run(redis: Redis, keys: readonly string[], args: Command): Promise<unknown> {
    return redis.eval(this.#text, keys.length, ...keys, ...args);
  }
}

const TAKE = new Script(`
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
return redis.call('INCR', KEYS[2])`);

const KEEP = new Script(`
local epoch = redis.call('GET', KEYS[2])
if not epoch then return -1 end
if epoch ~= ARGV[3] then return 0 end
if not redis.call('SET', KEYS[1], ARGV[1], 'XX', 'EX', ARGV[2]) then return 0 end
return 1`);

const RELEASE = new Script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/**
 * Commands follow as: number of words, words. A position that is not behind the one that is there means that an earlier try has worked:
 * when a connection is lost, all writes whose answers have not come are sent again.
 */
const WRITE = new Script(`
local epoch = redis.call('GET', KEYS[1])
if not epoch then return 'emptied' end
if epoch ~= ARGV[1] then return 'fenced' end
if ARGV[2] ~= '' then
  local written = redis.call('GET', KEYS[2])
  if written then
    local ms, seq = string.match(ARGV[2], '(%d+)-(%d+)')
    local oldMs, oldSeq = string.match(written, '(%d+)-(%d+)')
    ms, seq, oldMs, oldSeq = tonumber(ms), tonumber(seq), tonumber(oldMs), tonumber(oldSeq)
    if ms < oldMs or (ms == oldMs and seq <= oldSeq) then return 'done' end
  end
  redis.call('SET', KEYS[2], ARGV[2])
end
local answers = {}
local at = 3
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  answers[#answers + 1] = redis.call(unpack(ARGV, at + 1, at + count))
  at = at + count + 1
end
return answers`);

export type Command = readonly (string | number | Buffer)[];

/** Somebody else is the controller now. */
export class LockLost extends Error {
  constructor() {
    super('the lock of the controller was lost: another controller has taken over, or Redis was away for too long');
  }
}

/** The epoch is never deleted by any controller. */
export class KeysLost extends LockLost {
  override readonly message =
    'the keys of the controller are gone: somebody has emptied Redis; the map that ran is lost, and must be posted again';
}

export class Fence {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly epoch: string;
  /** When the lock was last known to be ours. */
  #kept: number;

  private constructor(redis: Redis, keys: Keys, epoch: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.epoch = epoch;
    this.#kept = performance.now();
  }

  /** @returns undefined if somebody has the lock */
  static async take(redis: Redis, keys: Keys): Promise<Fence | undefined> {
    const epoch = Number(await TAKE.run(redis, [keys.lock, keys.epoch], [LOCK, LOCK_SECONDS]));
    return epoch === 0 ? undefined : new Fence(redis, keys, String(epoch));
  }

  /** @throws LockLost */
  async keep(): Promise<void> {
    const asked = performance.now();
    // After that long somebody may have had it in between, also one that knows no epochs.
    if (asked - this.#kept > LOCK_SECONDS * 1000) throw new LockLost();
    const answer = await KEEP.run(this.#redis, [this.#keys.lock, this.#keys.epoch], [LOCK, LOCK_SECONDS, this.epoch]);
    if (Number(answer) === -1) throw new KeysLost();
    if (Number(answer) !== 1) throw new LockLost();
    this.#kept = asked;
  }

  /** Gives the lock to the next one; where Redis does not answer it expires by itself. */
  async release(): Promise<void> {
    const waited = new AbortController();
    const released = RELEASE.run(this.#redis, [this.#keys.lock, this.#keys.epoch], [this.epoch]).catch(() => {});
    await Promise.race([released, sleep(RELEASE_MS, undefined, { signal: waited.signal }).catch(() => {})]);
    waited.abort();
  }

  /**
   * Runs commands in one step if this is still the controller.
   * @param position key and id of the log entry whose outcome this is: done once however often it is tried
   * @returns an answer per command; undefined if it had been done before
   * @throws LockLost
   */
  async write(
    commands: readonly Command[],
    position?: { readonly key: string; readonly id: string },
  ): Promise<readonly unknown[] | undefined> {
    const words = commands.flatMap((command) => [command.length, ...command]);
    const keys = [this.#keys.epoch, position?.key ?? this.#keys.epoch];
    const answer = await WRITE.run(this.#redis, keys, [this.epoch, position?.id ?? '', ...words]);
    if (answer === 'emptied') throw new KeysLost();
    if (answer === 'fenced') throw new LockLost();
    return answer === 'done' ? undefined : (answer as unknown[]);
  }
}
