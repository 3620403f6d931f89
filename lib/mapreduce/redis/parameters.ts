/** Values of parameters in Redis, and their hash (spec mapreduce.md 5.1 and 9). */

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { BadRecord, parseFields, text } from './fields.ts';
import type { Keys } from './keys.ts';

export interface Parameter {
  readonly uuid: string;
  readonly data: Buffer;
}

export type ParameterType = 'str' | 'binary' | 'int' | 'float' | 'bool';
const TYPES: ReadonlySet<string> = new Set(['str', 'binary', 'int', 'float', 'bool']);

export interface ParameterDescription {
  readonly name: string;
  readonly description: string | null;
  readonly dtype: ParameterType;
  readonly default: unknown;
}

/** sha256 over the 16-byte uuids in order of the names (by code point); of nothing if there are none. */
export function parametersHash(versions: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(versions).sort(byCodePoint)) hash.update(uuidBytes(versions[name]!));
  return hash.digest('hex');
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** 16 bytes of a uuid with dashes. */
export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** @throws BadRecord */
export function readDescription(json: string): ParameterDescription {
  const fields = parseFields(json, 'description of a parameter');
  const dtype = text(fields, 'dtype');
  if (!TYPES.has(dtype)) throw new BadRecord(`"${dtype}" is no type of a parameter`);
  const description = typeof fields.description === 'string' ? fields.description : null;
  return { name: text(fields, 'name'), description, dtype: dtype as ParameterType, default: fields.default ?? null };
}

/** A value as it goes on the wire; numbers as decimal text, true and false as Python writes them. */
export function encodeParameter(value: unknown): Buffer {
  if (value === true) return Buffer.from('True');
  if (value === false) return Buffer.from('False');
  return value === null || value === undefined ? Buffer.alloc(0) : Buffer.from(String(value));
}

/** Why bytes are no value of the type; undefined if they are one. */
export function parameterProblem(dtype: ParameterType, data: Buffer): string | undefined {
  const decimal = data.toString('latin1');
  switch (dtype) {
    case 'int':
      return /^\s*[+-]?\d+\s*$/.test(decimal) ? undefined : 'is no whole number in decimal text';
    case 'float':
      return /^\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)\s*$/i.test(decimal)
        ? undefined
        : 'is no number in decimal text';
    case 'str':
      return data.equals(Buffer.from(data.toString('utf8'))) ? undefined : 'is no UTF-8 text';
    case 'bool':
      return decimal === 'True' || decimal === 'False' ? undefined : 'is neither True nor False';
    case 'binary':
      return undefined;
  }
}

/** The values that a service has, fetched when an update names another version. */
export class ParameterStore {
  readonly #redis: Redis;
  readonly #keys: Keys;
  #values: ReadonlyMap<string, Parameter> = new Map();
  #hash = parametersHash({});

  constructor(redis: Redis, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  get values(): ReadonlyMap<string, Parameter> {
    return this.#values;
  }

  /** Of the values here; services put it into their configuration. */
  get hash(): string {
    return this.#hash;
  }

  /**
   * Takes over the versions of an update; only what differs is fetched.
   * @returns true if anything has changed. A value that is not there leaves its name out, so the hash differs and it is sent again.
   */
  async update(versions: Readonly<Record<string, string>>): Promise<boolean> {
    const before = this.hash;
    const values = new Map<string, Parameter>();
    await Promise.all(
      Object.entries(versions).map(async ([name, uuid]) => {
        const old = this.#values.get(name);
        const data = old?.uuid === uuid ? old.data : await this.#redis.getBuffer(this.#keys.parameter(name, uuid));
        if (data !== null) values.set(name, { uuid, data });
      }),
    );
    this.#values = values;
    this.#hash = parametersHash(Object.fromEntries([...values].map(([name, { uuid }]) => [name, uuid])));
    return this.hash !== before;
  }
}
