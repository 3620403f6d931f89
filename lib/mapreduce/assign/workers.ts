import type { Share } from './ledger.ts';

/** A share that was handed to a worker. */
export interface Delivery {
  readonly share: Share;
  readonly attempt: number;
  /** Streams, if it was given again; else those of its entries. */
  readonly given?: readonly string[] | undefined;
}

/** A worker as the assigner sees it. A name that comes back is a new one. */
export interface Seat {
  readonly name: string;
  /** Stands for it in arrays. */
  readonly number: number;
  readonly tags: ReadonlySet<string>;
  live: boolean;
  /** It joined after the start event was published. */
  readonly joinedLate: boolean;
  /** What was given to it and not reported yet, oldest first. */
  readonly deliveries: Delivery[];
  /** Constraints bound to it none of whose events is published, and entries of unpublished events it is listed for. */
  grants: number;
  /** Events before this one have nothing for it. */
  cursor: number;
  /** Events that it may hold. */
  depth: number;
  /** Events can be given to it again; a peer of the reference knows first attempts only (spec 5.2). */
  readonly takesAgain: boolean;
}

export function hasTags({ tags }: Seat, wanted: readonly string[]): boolean {
  for (const tag of wanted) if (!tags.has(tag)) return false;
  return true;
}

export class WorkerTable {
  readonly #byName = new Map<string, Seat>();
  readonly #all: Seat[] = [];
  /** Live ones, in order of their first report in this map. */
  #reported: Seat[] = [];
  #live: Seat[] = [];
  #waiting: Seat[] = [];
  /** By event: deliveries to live workers that were given again and are not reported. */
  readonly #redoing = new Map<number, number>();
  /** Reports of events that the worker did not have. */
  stray = 0;

  get live(): readonly Seat[] {
    return this.#live;
  }

  get inOrderOfReport(): readonly Seat[] {
    return this.#reported;
  }

  /** A copy: filling changes the queue. */
  get waiting(): readonly Seat[] {
    return [...this.#waiting];
  }

  get all(): readonly Seat[] {
    return this.#all;
  }

  find(name: string): Seat | undefined {
    return this.#byName.get(name);
  }

  mustFind(name: string): Seat {
    return this.#byName.get(name) as Seat;
  }

  byNumber(number: number): Seat {
    return this.#all[number] as Seat;
  }

  join(
    name: string,
    tags: readonly string[],
    { joinedLate, depth, takesAgain }: Pick<Seat, 'joinedLate' | 'depth' | 'takesAgain'>,
  ): void {
    if (this.#byName.get(name)?.live) return;
    const number = this.#all.length;
    const fresh = { live: true, deliveries: [], grants: 0, cursor: 0 };
    const seat: Seat = { name, number, tags: new Set(tags), joinedLate, depth, takesAgain, ...fresh };
    this.#all.push(seat);
    this.#byName.set(name, seat);
    this.#live.push(seat);
  }

  leave(seat: Seat): void {
    for (const delivery of seat.deliveries) this.#countRedoing(delivery, -1);
    seat.live = false;
    seat.grants = 0;
    const others = (one: Seat) => one !== seat;
    this.#live = this.#live.filter(others);
    this.#reported = this.#reported.filter(others);
    this.#waiting = this.#waiting.filter(others);
  }

  /** Hands it to the worker. */
  deliver(seat: Seat, delivery: Delivery): void {
    seat.deliveries.push(delivery);
    this.#countRedoing(delivery, 1);
  }

  /** The oldest delivery of the worker with this event, which it has reported. */
  takeDelivery(seat: Seat, event: number): Delivery | undefined {
    const at = seat.deliveries.findIndex(({ share }) => share.event === event);
    if (at < 0) return undefined;
    const [delivery] = seat.deliveries.splice(at, 1) as [Delivery];
    if (seat.live) this.#countRedoing(delivery, -1);
    return delivery;
  }

  #countRedoing({ share: { event }, given }: Delivery, change: 1 | -1): void {
    if (!given) return;
    const count = (this.#redoing.get(event) ?? 0) + change;
    if (count > 0) this.#redoing.set(event, count);
    else this.#redoing.delete(event);
  }

  /** Whether a live worker was given the event again and has not reported it. Its share may be done meanwhile, by the one before. */
  isRedone(event: number): boolean {
    return this.#redoing.has(event);
  }

  /** The first event, behind the start event, that is being done again; undefined: none. */
  get firstRedone(): number | undefined {
    let first: number | undefined;
    for (const event of this.#redoing.keys()) if (event > 0 && event < (first ?? event + 1)) first = event;
    return first;
  }

  /** @returns true if it is the first report */
  reported(seat: Seat): boolean {
    if (this.#reported.includes(seat)) return false;
    this.#reported.push(seat);
    return true;
  }

  wait(seat: Seat): void {
    if (!this.#waiting.includes(seat)) this.#waiting.push(seat);
  }

  stopWaiting(seat: Seat): void {
    this.#waiting = this.#waiting.filter((one) => one !== seat);
  }

  /** Constraints have become free somewhere: everybody looks again from the front. */
  rewind(front: number): void {
    for (const seat of this.#live) seat.cursor = front;
  }

  /** Puts back what was saved. */
  restore(seats: readonly Seat[], reported: readonly number[], waiting: readonly number[]): void {
    for (const seat of seats) {
      this.#all.push(seat);
      this.#byName.set(seat.name, seat);
    }
    this.#live = seats.filter(({ live }) => live);
    for (const { deliveries } of this.#live) for (const delivery of deliveries) this.#countRedoing(delivery, 1);
    this.#reported = reported.map((number) => this.byNumber(number));
    this.#waiting = waiting.map((number) => this.byNumber(number));
  }
}
