/** The configurations of all services as they come, change and go (spec mapreduce.md 5.1). */

import type { Redis } from 'ioredis';
import { type AnyConfig, type Configs, configKey, readConfig } from './configs.ts';
import { BadRecord } from './fields.ts';
import { type Registry, scan } from './registry.ts';

/** Services of ours say when they change; those of the reference are looked at. */
const PACE_MS = { waiting: 5, running: 100, idle: 3000 } as const;
/**
 * When a map begins or ends, all services change: who waits for nobody looks once for all of them, or N services would look N times each.
 */
const TOGETHER_MS = 50;
/** After a time without Redis nobody could refresh: they get this long before they count as gone. */
const FORGIVE_MS = 3000;

export type Pace = keyof typeof PACE_MS;

export class ConfigWatch {
  readonly #registry: Registry;
  readonly #say: (message: string) => void;
  readonly #onChange: () => void;
  #wake: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #looked = 0;
  #closed = false;
  #forgiveUntil = 0;
  #pace: Pace = 'idle';
  readonly #known = new Map<string, { text: string; config: AnyConfig | undefined }>();
  #configs: Configs = { ingesters: [], workers: [], reducer: null };
  /** Configurations that could not be read. */
  unreadable = 0;

  constructor(registry: Registry, say: (message: string) => void, onChange: () => void) {
    this.#registry = registry;
    this.#say = say;
    this.#onChange = onChange;
    registry.redis.on('close', () => {
      this.#forgiveUntil = Number.POSITIVE_INFINITY;
    });
    registry.redis.on('ready', () => {
      if (this.#forgiveUntil > 0) this.#forgiveUntil = performance.now() + FORGIVE_MS;
    });
  }

  get configs(): Configs {
    return this.#configs;
  }

  async start(): Promise<void> {
    const wake = await this.#registry.connection();
    this.#wake = wake;
    wake.on('message', () => this.#woken());
    await wake.subscribe(this.#registry.keys.wake);
    await this.look();
  }

  /** How often to look. */
  set pace(pace: Pace) {
    if (pace === this.#pace) return;
    this.#pace = pace;
    this.#schedule();
  }

  #schedule(milliseconds: number = PACE_MS[this.#pace]): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.look(), milliseconds);
  }

  #woken(): void {
    const wait = this.#pace === 'idle' ? this.#looked + TOGETHER_MS - performance.now() : 0;
    if (wait <= 0 || this.#looking) void this.look();
    else this.#schedule(wait);
  }

  /** Looks now; a look that is asked for during another one follows it. */
  look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#lookOnce().finally(() => {
      this.#looking = undefined;
      if (this.#again) {
        this.#again = false;
        this.#woken();
      } else this.#schedule();
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { redis, keys } = this.#registry;
    if (redis.status !== 'ready') return;
    this.#looked = performance.now();
    try {
      const names = await scan(redis, keys.allConfigs);
      const texts = names.length === 0 ? [] : await redis.mget(...names);
      if (this.#take(names, texts)) this.#onChange();
    } catch (error) {
      // The connection went away in between; the next look finds it again, or the lock is lost.
      if (!this.#closed) this.#say(`configurations cannot be read: ${(error as Error).message}`);
    }
  }

  /** @returns true if anything has changed */
  #take(names: readonly string[], texts: readonly (string | null)[]): boolean {
    let changed = false;
    const there = new Set<string>();
    for (const [i, key] of names.entries()) {
      const text = texts[i];
      if (text === null || text === undefined) continue;
      there.add(key);
      if (this.#known.get(key)?.text === text) continue;
      this.#known.set(key, { text, config: this.#read(key, text) });
      changed = true;
    }
    if (performance.now() >= this.#forgiveUntil || this.#forgiveUntil === 0) {
      this.#forgiveUntil = 0;
      for (const key of this.#known.keys()) {
        if (there.has(key)) continue;
        this.#known.delete(key);
        changed = true;
      }
    }
    if (changed) this.#configs = sorted([...this.#known.values()].flatMap(({ config }) => config ?? []));
    return changed;
  }

  #read(key: string, text: string): AnyConfig | undefined {
    const place = configKey(key, this.#registry.keys.prefix);
    if (!place) return undefined;
    try {
      return readConfig(place.role, place.name, text);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.unreadable++;
      this.#say(error.message);
      return undefined;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wake?.disconnect();
  }
}

function sorted(configs: readonly AnyConfig[]): Configs {
  const byName = [...configs].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ingesters: byName.filter((config) => config.role === 'ingester'),
    workers: byName.filter((config) => config.role === 'worker'),
    reducer: byName.find((config) => config.role === 'reducer') ?? null,
  };
}
