/** A worker in JavaScript, in this process. */

import { setImmediate as breathe } from 'node:timers/promises';
import { JsModule } from './js-module.ts';
import {
  type Beginning,
  type EventInput,
  type EventOutcome,
  type Failure,
  failureOf,
  type Parameters,
  type PayloadFacts,
  type WorkerPayload,
} from './types.ts';
import { encodeValue } from './values.ts';

/** Sockets and timers get their turn at least so often, as far as single events allow. */
const BREATH_MS = 5;

export class JsWorker implements WorkerPayload {
  readonly encoding = 'cbor';
  readonly restarts = 0;
  readonly #module: JsModule;
  readonly #retries: number;
  #line: { event: EventInput; resolve: (outcome: EventOutcome) => void }[] = [];
  #running: Promise<void> | undefined;

  private constructor(module: JsModule, retries: number) {
    this.#module = module;
    this.#retries = retries;
  }

  /** @throws InputError, UsageError */
  static async open(path: string, retries: number): Promise<JsWorker> {
    return new JsWorker(await JsModule.open(path), retries);
  }

  get facts(): PayloadFacts {
    return this.#module.facts;
  }

  async begin(beginning: Beginning): Promise<number | undefined> {
    await this.#running;
    this.#module.begin(beginning, ['processEvent']);
    const interval = this.#module.property('tickInterval');
    const seconds =
      typeof interval === 'function' ? this.#module.call('tickInterval', this.#module.parameters) : interval;
    return typeof seconds === 'number' && seconds > 0 ? seconds : undefined;
  }

  setParameters(parameters: Parameters): void {
    this.#module.setParameters(parameters);
  }

  process(event: EventInput): Promise<EventOutcome> {
    return new Promise((resolve) => {
      this.#line.push({ event, resolve });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Those who asked in this turn of the event loop are served together.
    await null;
    let begin = performance.now();
    while (this.#line.length > 0) {
      const jobs = this.#line;
      this.#line = [];
      for (const { event, resolve } of jobs) {
        const outcome = this.#once(event);
        resolve(outcome instanceof Promise ? await outcome : outcome);
        if (performance.now() - begin < BREATH_MS) continue;
        await breathe();
        begin = performance.now();
      }
    }
    this.#running = undefined;
  }

  #once(event: EventInput, retries = this.#retries): EventOutcome | Promise<EventOutcome> {
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    const failed = (error: unknown) =>
      retries > 0 ? this.#once(event, retries - 1) : { failure: failureOf(error), seconds: seconds() };
    const done = (result: unknown): EventOutcome =>
      result === undefined || result === null
        ? { seconds: seconds() }
        : { body: encodeValue(result), seconds: seconds() };
    try {
      const result = this.#module.call('processEvent', event, this.#module.parameters, event.tick);
      return result instanceof Promise ? result.then(done).catch(failed) : done(result);
    } catch (error) {
      return failed(error);
    }
  }

  async finish(): Promise<Failure | undefined> {
    await this.#running;
    return this.#module.finish();
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#module.close();
  }
}
