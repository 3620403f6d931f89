/** Payloads in JavaScript: the default export of a module, a class or a function that makes an object (spec mapreduce.md 8). */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importModule } from '../../cli/import-module.ts';
import { InputError, UsageError } from '../../errors.ts';
import { type ParameterDescription, readDescription } from '../redis/parameters.ts';
import { type WorkParameter, workParameters } from './parameters.ts';
import { type Beginning, failureOf, type Parameters, type PayloadFacts, PayloadFailed } from './types.ts';

type Methods = Readonly<Record<string, unknown>>;
export type JsParameters = Readonly<Record<string, WorkParameter>>;

/** The export, and the object that it made for the current map. */
export class JsModule {
  readonly facts: PayloadFacts;
  readonly #path: string;
  readonly #make: (settings: object) => Methods;
  /** Survives maps. */
  readonly #context = {};
  #object: Methods = {};
  parameters: JsParameters = {};

  private constructor(path: string, exported: unknown) {
    if (typeof exported !== 'function')
      throw new UsageError(`${path} has no default export that is a class or a function`);
    this.#path = path;
    const isClass = /^class\b/.test(Function.prototype.toString.call(exported));
    const make = exported as (new (settings: object) => Methods) & ((settings: object) => Methods);
    this.#make = (settings) => (isClass ? new make(settings) : make(settings));
    this.facts = factsIn(path, exported as unknown as Methods);
  }

  /** @throws InputError if the module cannot be imported, UsageError if it exports something else */
  static async open(path: string): Promise<JsModule> {
    if (!existsSync(path)) throw new InputError('no such file', { place: { file: path } });
    const module = await importModule(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
      throw new InputError(`cannot import: ${(error as Error).message}`, { place: { file: path }, cause: error });
    });
    return new JsModule(path, module.default);
  }

  /** @param needs methods, of which the object must have one: a misspelt one would be a scan without results. @throws PayloadFailed */
  begin({ map, name, parameters, state }: Beginning, needs: readonly string[]): void {
    this.setParameters(parameters);
    const settings = {
      parameters: this.parameters,
      context: this.#context,
      state: { ...state, mapping_uuid: map, name },
    };
    try {
      this.#object = this.#make(settings);
      if (!needs.some((method) => this.has(method))) throw new TypeError(`the class has no ${needs.join(' or ')}`);
    } catch (error) {
      throw new PayloadFailed(this.#path, failureOf(error));
    }
  }

  setParameters(parameters: Parameters): void {
    this.parameters = workParameters(parameters, this.facts.descriptions);
  }

  /** A property of the object, for `publish`. */
  property(name: string): unknown {
    return this.#object[name];
  }

  has(method: string): boolean {
    return typeof this.#object[method] === 'function';
  }

  /** Calls a method; undefined if there is none. What it throws is the user's. */
  call(method: string, ...args: unknown[]): unknown {
    const found = this.#object[method];
    return typeof found === 'function' ? found.apply(this.#object, args) : undefined;
  }

  async finish(): Promise<ReturnType<typeof failureOf> | undefined> {
    try {
      await this.call('finish', this.parameters);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  }

  async close(): Promise<void> {
    try {
      await this.call('close', this.#context);
    } catch {
      // Nobody is left who could do anything about it.
    }
  }
}

function factsIn(path: string, exported: Methods): PayloadFacts {
  const describe = exported.describeParameters;
  const described: unknown = typeof describe === 'function' ? describe.call(exported) : [];
  if (!Array.isArray(described)) throw new UsageError(`${path}: describeParameters does not return a list`);
  const descriptions: ParameterDescription[] = described.map((one: object) => {
    try {
      return readDescription(JSON.stringify({ dtype: 'str', ...one }));
    } catch (error) {
      throw new UsageError(`${path}: describeParameters: ${(error as Error).message}`);
    }
  });
  if (!descriptions.some(({ name }) => name === 'dump_prefix'))
    descriptions.push({
      name: 'dump_prefix',
      description: 'recordings begin with this',
      dtype: 'str',
      default: '',
    });
  return { descriptions, stateful: exported.stateful === true, acceptMissing: exported.acceptMissing === true };
}
