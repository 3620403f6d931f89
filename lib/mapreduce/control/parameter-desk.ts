/** Parameters at the controller: values, versions, defaults, and whether everybody has them (spec mapreduce.md 5.1 and 9). */

import { randomUUID } from 'node:crypto';
import { type Configs, servicesOf } from '../redis/configs.ts';
import { BadRecord } from '../redis/fields.ts';
import { isName } from '../redis/keys.ts';
import {
  encodeParameter,
  type Parameter,
  type ParameterDescription,
  parameterProblem,
  parametersHash,
  readDescription,
} from '../redis/parameters.ts';
import { type Registry, scan } from '../redis/registry.ts';
import type { Fence } from './fence.ts';
import { Refused } from './refused.ts';

/** Always there (spec 9): where recordings go. */
const DUMP_PREFIX: ParameterDescription = {
  name: 'dump_prefix',
  description: 'prefix to dump ingester values',
  dtype: 'str',
  default: '',
};

/** Parameters above which only those are taken that a class describes. */
const MOST = 1000;

export class ParameterDesk {
  readonly #registry: Registry;
  readonly #fence: Fence;
  readonly #values = new Map<string, Parameter>();
  #descriptions: ReadonlyMap<string, ParameterDescription> = new Map([[DUMP_PREFIX.name, DUMP_PREFIX]]);
  /** Keys of values that were replaced; somebody may still fetch them. */
  #old: string[] = [];

  /** @param fence whoever is no controller any more sets nothing */
  constructor(registry: Registry, fence: Fence) {
    this.#registry = registry;
    this.#fence = fence;
  }

  get versions(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#values].map(([name, { uuid }]) => [name, uuid]));
  }

  get hash(): string {
    return parametersHash(this.versions);
  }

  get descriptions(): readonly ParameterDescription[] {
    return [...this.#descriptions.values()];
  }

  get(name: string): Buffer | undefined {
    return this.#values.get(name)?.data;
  }

  /** Names with their values. */
  get all(): readonly (readonly [string, Buffer])[] {
    return [...this.#values].map(([name, { data }]) => [name, data]);
  }

  /** Values that an earlier controller has set. */
  async recover(): Promise<void> {
    const { redis, keys } = this.#registry;
    const newest = await this.#registry.newestUpdate();
    for (const [name, uuid] of Object.entries(newest?.parameters_version ?? {})) {
      const data = await redis.getBuffer(keys.parameter(name, uuid));
      if (data !== null) this.#values.set(name, { uuid, data });
    }
  }

  /**
   * Sets a value. The update that tells the services must follow.
   * @throws Refused 422 for a name or a text that cannot be; LockLost
   */
  async set(name: string, data: Buffer): Promise<void> {
    if (!isName(name)) throw new Refused(422, 'name', 'names are 1 to 128 printable characters without ":" and "/"');
    const description = this.#descriptions.get(name);
    const problem = description && parameterProblem(description.dtype, data);
    if (problem)
      throw new Refused(422, 'value', `parameter ${name} is of type ${description.dtype}; what was sent ${problem}`);
    if (!description && !this.#values.has(name) && this.#values.size >= MOST)
      throw new Refused(413, 'parameters', `there are ${this.#values.size} parameters; no class describes ${name}`);
    await this.#put(name, data);
  }

  async #put(name: string, data: Buffer): Promise<void> {
    const { keys } = this.#registry;
    const uuid = randomUUID();
    const before = this.#values.get(name);
    await this.#fence.write([['SET', keys.parameter(name, uuid), data]]);
    this.#values.set(name, { uuid, data });
    if (before) this.#old.push(keys.parameter(name, before.uuid));
  }

  /**
   * Reads descriptions, sets defaults, writes values that are missing in Redis again.
   * @returns true if services must be told: a default was set, or somebody has other values
   * @throws LockLost
   */
  async tend(configs: Configs): Promise<boolean> {
    const { keys } = this.#registry;
    await this.#describe();
    let tell = false;
    for (const { name, default: value } of this.#descriptions.values()) {
      if (this.#values.has(name)) continue;
      await this.#put(name, encodeParameter(value));
      tell = true;
    }
    const again = [...this.#values].map(([name, { uuid, data }]) => ['SET', keys.parameter(name, uuid), data, 'NX']);
    if (again.length > 0) await this.#fence.write(again);
    const { hash } = this;
    if (servicesOf(configs).some(({ parameters_hash }) => parameters_hash !== hash)) tell = true;
    else if (this.#old.length > 0) await this.#fence.write([['DEL', ...this.#old.splice(0)]]);
    return tell;
  }

  async #describe(): Promise<void> {
    const { redis, keys } = this.#registry;
    const names = await scan(redis, keys.allParameterDescriptions);
    const texts = names.length === 0 ? [] : await redis.mget(...names);
    const found = new Map([[DUMP_PREFIX.name, DUMP_PREFIX]]);
    for (const text of texts) {
      if (!text) continue;
      try {
        const description = readDescription(text);
        if (isName(description.name)) found.set(description.name, description);
      } catch (error) {
        // A description that nobody can read describes nothing; its parameter stays untyped.
        if (!(error instanceof BadRecord)) throw error;
      }
    }
    this.#descriptions = found;
  }
}
