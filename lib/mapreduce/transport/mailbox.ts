/** A queue between one who puts and one who takes, without a limit: what is in it is bounded by credits. */
export class Mailbox<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  put(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Whoever takes sees the end; what is left is dropped. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#ended) {
      const items = this.#items;
      this.#items = [];
      for (const item of items) {
        if (this.#ended) return;
        yield item;
      }
      if (this.#items.length > 0 || this.#ended) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
