/** Who gets which event, and when a heartbeat is issued (spec graph.md 2.1). Pure: time comes in. */

export interface Marker {
  readonly heartbeat: number;
  /** Events dealt for it, by worker. */
  readonly dealt: ReadonlyMap<number, number>;
  /** Number of the first event; equal to `before` if there is none. */
  readonly first: number;
  /** All events before this number have been dealt. */
  readonly before: number;
  /** Event times of the first and last one, seconds; undefined if there is none. */
  readonly times: readonly [number, number] | undefined;
}

/** Seconds of event time, or a number of events. */
export type Period =
  | { readonly kind: 'seconds'; readonly seconds: number }
  | { readonly kind: 'events'; readonly events: number };

/** Transitions before which work is closed, and which user code hears of (spec 2.1, 2.9). */
export const CLOSING: ReadonlySet<string> = new Set([
  'Configure',
  'Unconfigure',
  'BeginRun',
  'EndRun',
  'BeginStep',
  'EndStep',
]);

const anyone = () => true;

export class Dealer {
  readonly #period: Period;
  readonly #workers: number[];
  #turn = 0;
  #number = 0;
  #heartbeat = 0;
  #first = 0;
  #dealt = new Map<number, number>();
  #times: readonly [number, number] | undefined;
  /** Boundary of the open heartbeat, in event time. */
  #until: number | undefined;

  /** @param start number of the first event, and of the last heartbeat that was issued before */
  constructor(workers: readonly number[], period: Period, start = { event: 0, heartbeat: 0 }) {
    this.#workers = [...workers];
    this.#period = period;
    this.#number = start.event;
    this.#first = start.event;
    this.#heartbeat = start.heartbeat;
  }

  /** Heartbeat that gathers now. */
  get open(): number {
    return this.#heartbeat + 1;
  }

  get events(): number {
    return this.#number;
  }

  /** Events of the open heartbeat, by worker. */
  get gathering(): ReadonlyMap<number, number> {
    return this.#dealt;
  }

  /** Workers that get events. */
  get workers(): readonly number[] {
    return this.#workers;
  }

  /** True if the event at this time belongs to the next heartbeat: issue first. */
  due(time: number): boolean {
    if (this.#period.kind === 'events') return this.#number - this.#first >= this.#period.events;
    return this.#until !== undefined && (time >= this.#until || time < this.#until - 2 * this.#period.seconds);
  }

  /**
   * Numbers an event and says who gets it: in turn, but not to one who cannot take it.
   * @returns undefined if there is no worker that can
   */
  deal(time: number, canTake: (worker: number) => boolean = anyone): { number: number; worker: number } | undefined {
    const workers = this.#workers;
    for (let i = 0; i < workers.length; i++) {
      const worker = workers[this.#turn]!;
      this.#turn = (this.#turn + 1) % workers.length;
      if (!canTake(worker)) continue;
      if (this.#period.kind === 'seconds') this.#until ??= time + this.#period.seconds;
      this.#times = [this.#times?.[0] ?? time, time];
      this.#dealt.set(worker, (this.#dealt.get(worker) ?? 0) + 1);
      return { number: this.#number++, worker };
    }
    return undefined;
  }

  /** Closes the open heartbeat, with or without events. */
  issue(): Marker {
    const marker = {
      heartbeat: ++this.#heartbeat,
      dealt: this.#dealt,
      first: this.#first,
      before: this.#number,
      times: this.#times,
    };
    this.#dealt = new Map();
    this.#first = this.#number;
    this.#times = undefined;
    this.#until = undefined;
    return marker;
  }

  /** Nothing more is dealt to a worker. */
  giveUp(worker: number): void {
    const at = this.#workers.indexOf(worker);
    if (at < 0) return;
    this.#workers.splice(at, 1);
    if (at < this.#turn) this.#turn--;
    if (this.#turn >= this.#workers.length) this.#turn = 0;
  }

  /** A worker joins, or comes back, with the open heartbeat. */
  join(worker: number): void {
    if (!this.#workers.includes(worker)) this.#workers.push(worker);
  }
}
