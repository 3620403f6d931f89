/** Messages that wait for their turn, while those that must not wait are dealt with at once. */

export class Inbox<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** The next one; undefined when it is closed and empty. */
  async next(): Promise<T | undefined> {
    while (this.#items.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#items.shift();
  }
}
