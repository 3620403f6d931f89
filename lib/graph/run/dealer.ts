/** Who gets which event, and when a heartbeat is issued (spec graph.md 2.1). Pure: time comes in. */

export interface Marker {
  readonly heartbeat: number;
  /** Events dealt for it, by worker. */
  readonly dealt: ReadonlyMap<number, number>;
  /** Number of the first event; equal to `before` if there is none. */
  readonly first: number;
  /** All events before this number have been dealt. */
  readonly before: number;
}

/** Seconds of event time, or a number of events. */
export type Period =
  | { readonly kind: 'seconds'; readonly seconds: number }
  | { readonly kind: 'events'; readonly events: number };

export class Dealer {
  readonly #period: Period;
  readonly #workers: number[];
  #turn = 0;
  #number = 0;
  #heartbeat = 0;
  #first = 0;
  #dealt = new Map<number, number>();
  /** Boundary of the open heartbeat, in event time. */
  #until: number | undefined;

  constructor(workers: readonly number[], period: Period) {
    this.#workers = [...workers];
    this.#period = period;
  }

  /** Heartbeat that gathers now. */
  get open(): number {
    return this.#heartbeat + 1;
  }

  get events(): number {
    return this.#number;
  }

  get workers(): readonly number[] {
    return this.#workers;
  }

  /** True if the event at this time belongs to the next heartbeat: issue first. */
  due(time: number): boolean {
    if (this.#period.kind === 'events') return this.#number - this.#first >= this.#period.events;
    return this.#until !== undefined && (time >= this.#until || time < this.#until - 2 * this.#period.seconds);
  }

  /** Numbers an event and says who gets it: in turn. @returns undefined if there is no worker */
  deal(time: number): { number: number; worker: number } | undefined {
    const worker = this.#workers[this.#turn % this.#workers.length];
    if (worker === undefined) return undefined;
    if (this.#period.kind === 'seconds') this.#until ??= time + this.#period.seconds;
    this.#turn = (this.#turn + 1) % this.#workers.length;
    this.#dealt.set(worker, (this.#dealt.get(worker) ?? 0) + 1);
    return { number: this.#number++, worker };
  }

  /** Closes the open heartbeat, with or without events. */
  issue(): Marker {
    const marker = { heartbeat: ++this.#heartbeat, dealt: this.#dealt, first: this.#first, before: this.#number };
    this.#dealt = new Map();
    this.#first = this.#number;
    this.#until = undefined;
    return marker;
  }

  /** Nothing more is dealt to a worker. */
  giveUp(worker: number): void {
    const at = this.#workers.indexOf(worker);
    if (at < 0) return;
    this.#workers.splice(at, 1);
    this.#turn = this.#workers.length === 0 ? 0 : this.#turn % this.#workers.length;
  }

  /** A worker joins, or comes back, with the open heartbeat. */
  join(worker: number): void {
    if (!this.#workers.includes(worker)) this.#workers.push(worker);
  }
}
