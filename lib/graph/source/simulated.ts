/** Simulated events from a `worker.json` as AMI has them (spec graph.md 3.3): one seeded stream, whoever works on it. */

import { setTimeout } from 'node:timers/promises';
import { InputError } from '../../errors.ts';
import { uniform } from '../random.ts';
import type { SourceSpec } from '../types.ts';
import { type Dtype, isDtype, newArray, type Value } from '../value.ts';
import type { EventSource, EventTaker } from './types.ts';

type Json = Readonly<Record<string, unknown>>;
type Maker = (random: () => number) => Value;

export interface SimulatedOptions {
  readonly seed: number;
  /** True for `static:`: ones instead of random numbers. */
  readonly constant: boolean;
  readonly stop?: AbortSignal | undefined;
  /** Waits between events as the file says; else as fast as they are taken. */
  readonly paced: boolean;
}

export class SimulatedEvents implements EventSource {
  readonly name: string;
  readonly #makers: readonly (Maker | undefined)[];
  readonly #bound: number;
  readonly #interval: number;
  readonly #initTime: number;
  readonly #repeat: boolean;
  readonly #options: SimulatedOptions;
  #stopped = false;

  /** @throws InputError with the file and the name of what is wrong */
  constructor(text: string, file: string, sources: readonly SourceSpec[], options: SimulatedOptions) {
    const fail = (message: string, cause?: unknown): never => {
      throw new InputError(message, { place: { file }, cause });
    };
    let document: Json;
    try {
      document = JSON.parse(text) as Json;
    } catch (error) {
      document = fail(`this is no JSON: ${(error as Error).message}`, error);
    }
    const config = (document.config ?? {}) as Readonly<Record<string, Json>>;
    this.name = file;
    this.#makers = sources.map(({ name, from, type }) => {
      const found = config[from];
      if (!found)
        return fail(`there is no "${from}" in config for source ${name}; there are ${Object.keys(config).join(', ')}`);
      const dtype = type?.kind === 'array' && isDtype(type.dtype) ? type.dtype : 'float64';
      return makerOf(found, dtype, options.constant, (message) => fail(`${from}: ${message}`));
    });
    const amount = (key: string, initial: number): number => {
      const value = document[key] ?? initial;
      return typeof value === 'number' && value >= 0
        ? value
        : fail(`${key} is a number from 0, not ${JSON.stringify(value)}`);
    };
    this.#bound = amount('bound', Number.POSITIVE_INFINITY);
    this.#interval = amount('interval', 0);
    this.#initTime = amount('init_time', 0);
    this.#repeat = document.repeat === true;
    this.#options = options;
  }

  async run(taker: EventTaker): Promise<void> {
    const { paced } = this.#options;
    const begin = performance.now() + this.#initTime * 1000;
    if (paced) await this.#until(begin);
    let total = 0;
    do {
      const random = uniform(this.#options.seed);
      const begun = taker.transition('Configure', total * this.#interval);
      if (begun) await begun;
      const values = new Array<Value | undefined>(this.#makers.length);
      for (let n = 0; n < this.#bound && !this.#over; n++) {
        for (const [i, maker] of this.#makers.entries()) values[i] = maker?.(random);
        const wait = taker.event(values, total * this.#interval);
        if (wait) await wait;
        total++;
        if (paced && (await this.#until(begin + total * this.#interval * 1000))) await taker.turn();
        else if (total % 256 === 0) await this.#yield(taker, total);
      }
    } while (this.#repeat && this.#bound >= 1 && !this.#over);
  }

  get #over(): boolean {
    return this.#stopped || this.#options.stop?.aborted === true;
  }

  /** Gives way to what is written, and now and then to signals and clocks. */
  async #yield(taker: EventTaker, total: number): Promise<void> {
    const turn = taker.turn();
    if (turn) await turn;
    else if (total % 4096 === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits, if there is more than a timer's step to wait for, and says so. */
  async #until(time: number): Promise<boolean> {
    const left = time - performance.now();
    if (left < 1) return false;
    const { stop } = this.#options;
    await setTimeout(left, undefined, stop ? { signal: stop } : {}).catch(() => undefined);
    return true;
  }

  readonly faults = 0;

  words(): readonly string[] {
    return [];
  }

  close(): void {
    this.#stopped = true;
  }
}

/** Two uniform numbers make one of the normal distribution (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function makerOf(config: Json, dtype: Dtype, constant: boolean, fail: (message: string) => never): Maker {
  switch (config.dtype) {
    case 'Scalar':
      return constant ? () => 1 : scalarMaker(config, fail);
    case 'Waveform':
    case 'Image':
      return arrayMaker(config, dtype, constant, fail);
    case 'List': {
      const length = Number(config.length ?? 1);
      return (random) => Array.from({ length }, () => (constant ? 1 : random()));
    }
    default:
      return fail(`dtype is Scalar, Waveform, Image or List, not ${JSON.stringify(config.dtype ?? null)}`);
  }
}

function scalarMaker({ range, integer }: Json, fail: (message: string) => never): Maker {
  const [low, high] = Array.isArray(range) ? (range as number[]) : [0, 1];
  if (low === undefined || high === undefined || !(low <= high)) return fail('range is [low, high]');
  if (integer === true) return (random) => low + Math.floor(random() * (high - low));
  return (random) => low + random() * (high - low);
}

function arrayMaker(config: Json, dtype: Dtype, constant: boolean, fail: (message: string) => never): Maker {
  const shape = (Array.isArray(config.shape) ? config.shape : [config.length ?? config.shape]).map(Number);
  if (shape.some((size) => !Number.isInteger(size) || size < 1)) return fail('shape is a list of sizes');
  const length = shape.reduce((product, size) => product * size, 1);
  const [pedestal, width] = [Number(config.pedestal ?? 0), Number(config.width ?? 1)];
  const one =
    config.binary === true
      ? (random: () => number) => (random() < 0.5 ? 0 : 1)
      : (random: () => number) => pedestal + width * normal(random);
  if (constant) {
    const ones = { dtype, shape, data: newArray(dtype, length).fill(1) };
    return () => ones;
  }
  return (random) => {
    const data = newArray(dtype, length);
    for (let i = 0; i < length; i++) data[i] = one(random);
    return { dtype, shape, data };
  };
}
