/** A JavaScript module as a source: `async *runSource(stream)`, `*softwareTrigger()` of its default export. */

import type { StreamData } from '../frames/types.ts';
import { JsModule } from '../payload/js-module.ts';
import type { ScriptItem, ScriptRuntime } from './script.ts';

/** What user code gives: `{ typ, frames: [Uint8Array] }`, or `{ softwareTriggered: true }`. */
interface Given {
  readonly typ?: unknown;
  readonly frames?: unknown;
  readonly softwareTriggered?: unknown;
}

type Steps = AsyncIterator<unknown> | Iterator<unknown>;

export class JsScript implements ScriptRuntime {
  readonly #module: JsModule;
  #sources = new Map<string, Steps>();
  #trigger: Steps | undefined;

  private constructor(module: JsModule) {
    this.#module = module;
  }

  /** @throws InputError, UsageError */
  static async open(path: string): Promise<JsScript> {
    return new JsScript(await JsModule.open(path));
  }

  async begin(streams: readonly string[]): Promise<void> {
    for (const source of this.#sources.values()) void Promise.resolve(source.return?.()).catch(() => {});
    this.#sources = new Map();
    this.#trigger = undefined;
    this.#module.begin({ map: '', name: '', parameters: new Map(), state: { streams } }, ['runSource']);
  }

  async next(stream: string): Promise<ScriptItem> {
    let source = this.#sources.get(stream);
    if (!source) {
      source = stepsOf(this.#module.call('runSource', stream), 'runSource');
      this.#sources.set(stream, source);
    }
    const { done, value } = await source.next();
    if (done) return undefined;
    return (value as Given | undefined)?.softwareTriggered === true ? 'triggered' : dataOf(value);
  }

  async trigger(): Promise<ReadonlyMap<string, StreamData> | undefined> {
    this.#trigger ??= stepsOf(this.#module.call('softwareTrigger'), 'softwareTrigger');
    const { done, value } = await this.#trigger.next();
    if (done) return undefined;
    return new Map(Object.entries((value ?? {}) as object).map(([name, data]) => [name, dataOf(data)]));
  }

  close(): Promise<void> {
    return this.#module.close();
  }
}

function stepsOf(made: unknown, method: string): Steps {
  const { [Symbol.asyncIterator]: slow, [Symbol.iterator]: quick } = (made ?? {}) as AsyncIterable<unknown> &
    Iterable<unknown>;
  if (slow) return slow.call(made);
  if (quick) return quick.call(made);
  throw new TypeError(`${method} is no generator`);
}

function dataOf(given: unknown): StreamData {
  const { typ, frames } = (given ?? {}) as Given;
  if (typeof typ !== 'string' || !Array.isArray(frames) || !frames.every((frame) => frame instanceof Uint8Array))
    throw new TypeError('a frame is { typ, frames: [Uint8Array] }');
  const parts = (frames as Uint8Array[]).map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength));
  return { typ, frames: parts };
}
