/**
 * What a service of ours keeps in Redis: its configuration with an expiry, the updates that it follows, parameters, log lines
 * (spec mapreduce.md 5). The controller uses the same class for its connections.
 */

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { IngesterConfig, ReducerConfig, WorkerConfig } from './configs.ts';
import { connectRedis, type RedisAddress } from './connect.ts';
import { BadRecord } from './fields.ts';
import { Keys, type Role } from './keys.ts';
import { type ParameterDescription, ParameterStore } from './parameters.ts';
import { type Entry, entriesOf, follow } from './stream.ts';
import { type ControllerUpdate, readUpdate } from './updates.ts';

/** Seconds after which a configuration that is not refreshed is gone. */
const EXPIRY = 10;
const REFRESH_MS = 1200;
const LOG_LENGTH = 1000;

export interface RegistryOptions {
  readonly address: RedisAddress;
  readonly prefix?: string | undefined;
  /** Sentences for a person: what could not be read, and similar. */
  readonly say: (message: string) => void;
}

type ConfigOf = { ingester: IngesterConfig; worker: WorkerConfig; reducer: ReducerConfig };
/** What a service says of itself; identity and protocol are filled in. */
export type OwnConfig<R extends Role> = Omit<ConfigOf[R], 'service_uuid' | 'impl' | 'protocol' | 'name'>;

export class Registry {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly address: RedisAddress;
  /** Names this process; a restarted service has another one. */
  readonly serviceUuid = randomUUID();
  readonly parameters: ParameterStore;
  readonly #say: (message: string) => void;
  readonly #blocking = new Set<Redis>();
  #presence: Presence | undefined;

  private constructor(redis: Redis, { address, prefix, say }: RegistryOptions) {
    this.redis = redis;
    this.address = address;
    this.keys = new Keys(prefix);
    this.parameters = new ParameterStore(redis, this.keys);
    this.#say = say;
  }

  /** @throws DaqError `connection-failed` */
  static async open(options: RegistryOptions): Promise<Registry> {
    return new Registry(await connectRedis(options.address), options);
  }

  /** A further connection, for commands that block. It is closed with the registry. @throws DaqError `connection-failed` */
  async connection(): Promise<Redis> {
    const redis = await connectRedis(this.address);
    this.#blocking.add(redis);
    redis.once('end', () => this.#blocking.delete(redis));
    return redis;
  }

  /**
   * Writes the configuration of this service now, wakes the controller, and refreshes it until `close`.
   * Call it again with every change; a new call replaces what the refresh writes. Without a connection the configuration expires, and is
   * written again with it.
   * @param descriptions of parameters; written as long as the configuration is
   */
  async publish<R extends Role>(
    role: R,
    name: string,
    config: OwnConfig<R>,
    descriptions: readonly ParameterDescription[] = [],
  ): Promise<void> {
    this.#presence ??= new Presence(this.redis, this.keys, this.keys.config(role, name));
    const whole = { ...config, service_uuid: this.serviceUuid, name, impl: 'daqpipe', protocol: 1 };
    await this.#presence.set(whole, descriptions).catch(() => {});
  }

  /**
   * Updates of the controller, beginning with the newest that is there. Of several at once only the last counts.
   * Ends when `signal` aborts.
   */
  async *updates(signal: AbortSignal): AsyncGenerator<ControllerUpdate> {
    const newest = await this.#newest();
    if (newest) yield* this.#read(newest.data);
    const from = newest?.id ?? '0';
    for await (const entries of follow(await this.connection(), this.keys.updates, { from, signal })) {
      yield* this.#read(entries.at(-1)!.data);
    }
  }

  async #newest(): Promise<Entry | undefined> {
    return entriesOf(await this.redis.xrevrange(this.keys.updates, '+', '-', 'COUNT', 1))[0];
  }

  /** The newest update, if there is one that can be read. */
  async newestUpdate(): Promise<ControllerUpdate | undefined> {
    const newest = await this.#newest();
    try {
      return newest && readUpdate(newest.data);
    } catch (error) {
      if (error instanceof BadRecord) return undefined;
      throw error;
    }
  }

  *#read(json: string): Generator<ControllerUpdate> {
    try {
      yield readUpdate(json);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#say(`an update cannot be read: ${error.message}`);
    }
  }

  /** Configurations of one role that are there now, as text by name. */
  async configTexts(role: Role): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const start = `${this.keys.prefix}:${role}:`;
    const keys = await scan(this.redis, `${start}*:config`);
    const values = keys.length === 0 ? [] : await this.redis.mget(...keys);
    for (const [i, key] of keys.entries()) {
      const value = values[i];
      if (value) found.set(key.slice(start.length, -':config'.length), value);
    }
    return found;
  }

  /** A line for the common log (spec 5.1: dranspose_logs). */
  async log(level: 'INFO' | 'WARNING' | 'ERROR', name: string, message: string): Promise<void> {
    const created = String(Date.now() / 1000);
    const line = ['msg', message, 'lineno', '0', 'name', name, 'created', created, 'levelname', level];
    await this.redis.xadd(this.keys.logs, 'MAXLEN', '~', LOG_LENGTH, '*', ...line);
  }

  /** Takes the configuration away, so that others know at once, and closes all connections. Works twice. */
  async close(): Promise<void> {
    for (const redis of this.#blocking) redis.disconnect();
    if (this.redis.status === 'end') return;
    await this.#presence?.close();
    this.redis.disconnect();
  }
}

/** Fields that change all the time; nobody needs to look at once because of them. */
const FLEETING: ReadonlySet<string> = new Set(['processed_events', 'event_rate', 'last_seen']);

/** One configuration key, kept alive. */
class Presence {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #key: string;
  #text = '';
  /** Without what is fleeting. */
  #lasting = '';
  #descriptions: readonly ParameterDescription[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis, keys: Keys, key: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#key = key;
    // A refresh that fails is followed by the next one; meanwhile the connection comes back by itself.
    this.#timer = setInterval(() => this.#write().catch(() => {}), REFRESH_MS);
    this.#timer.unref();
  }

  async set(config: object, descriptions: readonly ParameterDescription[]): Promise<void> {
    this.#descriptions = descriptions;
    this.#text = JSON.stringify(config);
    const lasting = JSON.stringify(config, (key, value: unknown) => (FLEETING.has(key) ? undefined : value));
    const changed = lasting !== this.#lasting;
    this.#lasting = lasting;
    // The next refresh is due a while after this one.
    this.#timer.refresh();
    await this.#write();
    if (changed) await this.#redis.publish(this.#keys.wake, this.#key);
  }

  async #write(): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    const pipeline = this.#redis.pipeline().setex(this.#key, EXPIRY, this.#text);
    for (const description of this.#descriptions) {
      pipeline.setex(this.#keys.parameterDescription(description.name), EXPIRY, JSON.stringify(description));
    }
    await pipeline.exec();
  }

  /** Without a connection the key expires by itself. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#redis.status !== 'ready') return;
    await this.#redis.pipeline().del(this.#key).publish(this.#keys.wake, this.#key).exec();
  }
}

/** Keys that match a pattern, each once. */
export async function scan(redis: Redis, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}
