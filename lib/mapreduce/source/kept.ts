/**
 * Sources that cannot be opened anew for each map: standard input, and the HTTP server that a scan must find at any time. One map after
 * the other reads from them.
 */

import type { MessageSource, RawMessage } from './messages.ts';

export class KeptMessages {
  readonly #source: MessageSource;
  readonly #iterator: AsyncIterator<RawMessage>;
  readonly #drains: boolean;
  #pending: Promise<IteratorResult<RawMessage>> | undefined;
  #readers = 0;
  #closed = false;
  /** Messages that came between maps. */
  unheard = 0;

  /** @param drains messages between maps are thrown away; else they wait */
  constructor(source: MessageSource, drains: boolean) {
    this.#source = source;
    this.#iterator = source[Symbol.asyncIterator]();
    this.#drains = drains;
    if (drains) void this.#drain();
  }

  #next(): Promise<IteratorResult<RawMessage>> {
    this.#pending ??= this.#iterator.next();
    return this.#pending;
  }

  async #drain(): Promise<void> {
    while (!this.#closed && this.#readers === 0) {
      const { done } = await this.#next();
      if (done || this.#readers > 0) return;
      this.#pending = undefined;
      this.unheard++;
    }
  }

  /** For one map. Closing it leaves the source open. */
  reader(): MessageSource {
    let stop = () => {};
    const stopped = new Promise<'stopped'>((resolve) => {
      stop = () => resolve('stopped');
    });
    const kept = this;
    let open = true;
    this.#readers++;
    return {
      async *[Symbol.asyncIterator]() {
        while (open) {
          const next = await Promise.race([kept.#next(), stopped]);
          if (next === 'stopped' || next.done) return;
          kept.#pending = undefined;
          yield next.value;
        }
      },
      close: () => {
        if (!open) return;
        open = false;
        stop();
        if (--this.#readers === 0 && this.#drains) void this.#drain();
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#source.close();
  }
}
