/** A reducer in JavaScript, in this process. */

import { JsModule } from './js-module.ts';
import { publishedNode, publishedValue } from './published.ts';
import {
  type Beginning,
  type Failure,
  failureOf,
  type Parameters,
  type PayloadFacts,
  type ReducerPayload,
  type ResultInput,
  type ResultOutcome,
  type Selection,
  type TreeNode,
  type TreeValue,
} from './types.ts';
import { decodeValue } from './values.ts';

export class JsReducer implements ReducerPayload {
  readonly acceptsPickle = false;
  readonly restarts = 0;
  forgotten: () => AsyncIterable<readonly ResultInput[]> = async function* () {};
  readonly #module: JsModule;
  readonly #say: (message: string) => void;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(module: JsModule, say: (message: string) => void) {
    this.#module = module;
    this.#say = say;
  }

  /** @throws InputError, UsageError */
  static async open(path: string, say: (message: string) => void): Promise<JsReducer> {
    return new JsReducer(await JsModule.open(path), say);
  }

  get facts(): PayloadFacts {
    return this.#module.facts;
  }

  begin(beginning: Beginning): Promise<void> {
    return this.#next(async () => {
      clearTimeout(this.#timer);
      this.#module.begin(beginning, ['processResult', 'timer']);
      if (this.#module.has('timer')) this.#callTimer();
    });
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #callTimer(): void {
    let seconds: unknown;
    try {
      seconds = this.#module.call('timer', this.#module.parameters);
    } catch (error) {
      this.#say(`timer: ${failureOf(error).text}`);
    }
    const wait = typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(0.001, seconds) : 1;
    this.#timer = setTimeout(() => this.#callTimer(), 1000 * wait);
  }

  setParameters(parameters: Parameters): void {
    this.#module.setParameters(parameters);
  }

  process(results: readonly ResultInput[]): Promise<readonly ResultOutcome[]> {
    return this.#next(async () => {
      const outcomes: ResultOutcome[] = [];
      for (const result of results) outcomes.push(await this.#once(result));
      return outcomes;
    });
  }

  #once({
    event_number,
    worker,
    parameters_hash,
    encoding,
    body,
  }: ResultInput): ResultOutcome | Promise<ResultOutcome> {
    let payload: unknown;
    try {
      payload = decoded(encoding, body);
    } catch (error) {
      return { failure: failureOf(error), unread: true };
    }
    const failed = (error: unknown): ResultOutcome => ({ failure: failureOf(error) });
    try {
      const result = { event_number, worker, parameters_hash, payload };
      const done = this.#module.call('processResult', result, this.#module.parameters);
      return done instanceof Promise ? done.then(() => ({}), failed) : {};
    } catch (error) {
      return failed(error);
    }
  }

  async node(path: readonly string[]): Promise<TreeNode | undefined> {
    return publishedNode(this.#module.property('publish'), path);
  }

  async value(path: readonly string[], select: Selection | undefined): Promise<TreeValue | undefined> {
    return publishedValue(this.#module.property('publish'), path, select);
  }

  finish(): Promise<Failure | undefined> {
    return this.#next(() => this.#module.finish());
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#module.close();
  }
}

/** @throws Error for bytes that are not of this encoding */
function decoded(encoding: ResultInput['encoding'], body: Buffer): unknown {
  switch (encoding) {
    case 'cbor':
      return decodeValue(body);
    case 'json':
      return JSON.parse(body.toString());
    case 'raw':
      return body;
    case 'pickle':
      throw new Error('a pickle, which only a Python reducer with --accept-pickle reads');
  }
}
