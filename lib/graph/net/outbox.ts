/** Messages that leave one after the other: a socket takes one at a time. */

export class Outbox<T> {
  readonly #send: (item: T) => Promise<void>;
  readonly #items: T[] = [];
  #running: Promise<void> | undefined;

  /** @param send must deal with its failures */
  constructor(send: (item: T) => Promise<void>) {
    this.#send = send;
  }

  get length(): number {
    return this.#items.length;
  }

  post(item: T): void {
    this.#items.push(item);
    this.#running ??= this.#run();
  }

  /** Until everything has been handed over. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) await this.#send(item);
    this.#running = undefined;
  }
}
