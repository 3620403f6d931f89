/** The events of a map whose frames an ingester holds, and which of them are let go, when and why (spec mapreduce.md 6.4: retention). Pure. */

import type { Run } from '../transport/types.ts';
import { EVENT_COST, type EventFrames, type FrameStore, type Share } from './event-frames.ts';
import { Fifo } from './fifo.ts';
import type { DropReason } from './lane.ts';

export class HeldEvents {
  readonly #hold: number;
  readonly #store: FrameStore | undefined;
  readonly #byNumber = new Map<number, EventFrames>();
  /** Those whose messages have been made, in order. */
  readonly #kept = new Fifo<EventFrames>();
  /** Of them those that may be let go if there is no room in shared memory. */
  readonly #spare = new Fifo<EventFrames>();
  #bytes = 0;
  #heldFrom: number | null = null;

  /** @param hold bytes of frames to keep of events whose messages have been made */
  constructor(hold: number, store: FrameStore | undefined) {
    this.#hold = hold;
    this.#store = store;
  }

  /** Lowest event of which everything that was not complete is kept; null while nothing was let go. */
  get heldFrom(): number | null {
    return this.#heldFrom;
  }

  /** Bytes kept of events, without those in shared memory and the start event's. */
  get bytes(): number {
    return this.#bytes;
  }

  find(number: number): EventFrames | undefined {
    return this.#byNumber.get(number);
  }

  /** A new event, without frames as yet. */
  add(event: EventFrames): void {
    this.#byNumber.set(event.number, event);
  }

  begin(): void {
    this.#heldFrom = null;
  }

  /** The map is over: nothing is held. */
  end(): void {
    for (const event of this.#byNumber.values()) this.#release(event, 'map');
    this.#byNumber.clear();
    this.#kept.clear();
    this.#spare.clear();
    this.#bytes = 0;
  }

  /** Its messages have been made. A late worker needs the start event, so its frames stay. */
  keep(event: EventFrames): void {
    if (event.number === 0) return;
    if (event.shares.every(({ asked, open }) => !asked && !open)) {
      this.#byNumber.delete(event.number);
      return;
    }
    event.kept = true;
    this.#bytes += costOf(event);
    this.#kept.put(event);
  }

  /** As much as may be kept. */
  makeRoom(): void {
    while (this.#bytes > this.#hold) if (!this.evict('any')) return;
  }

  /** Lets go of the first event that has not been let go. @returns false if there is none */
  evict(which: 'any' | 'spare'): boolean {
    const events = which === 'any' ? this.#kept : this.#spare;
    for (let event = events.take(); event; event = events.take()) {
      if (event.released) continue;
      this.#heldFrom = Math.max(this.#heldFrom ?? 0, event.number + 1);
      this.#letGo(event, 'evicted');
      return true;
    }
    return false;
  }

  /** Nobody will ask for the frames of these events again. */
  over(runs: readonly Run[]): void {
    for (const [first, last] of runs) {
      // What a controller says after a crash covers the whole scan.
      if (last - first < this.#byNumber.size)
        for (let number = first; number <= last; number++) this.#isOver(this.#byNumber.get(number));
      else for (const [number, event] of this.#byNumber) if (number >= first && number <= last) this.#isOver(event);
    }
    while (this.#kept.first?.released) this.#kept.take();
    while (this.#spare.first?.released) this.#spare.take();
  }

  #isOver(event: EventFrames | undefined): void {
    if (event && event.number !== 0) this.#letGo(event, 'over');
  }

  /** They are done, and are asked for again only if a worker dies: they go first if there is no room in shared memory. */
  spare(runs: readonly Run[]): void {
    for (const [first, last] of runs)
      for (let number = first; number <= last; number++) {
        const event = this.#byNumber.get(number);
        if (event?.kept) this.#spare.put(event);
      }
  }

  #letGo(event: EventFrames, why: DropReason): void {
    if (event.kept) this.#bytes -= costOf(event);
    event.kept = false;
    this.#release(event, why);
    this.#byNumber.delete(event.number);
  }

  #release(event: EventFrames, why: DropReason): void {
    event.released ??= why;
    this.settle(event);
  }

  /** Frames of a released event that no message carries any more have their fate. */
  settle(event: EventFrames): void {
    if (!event.released || event.underway > 0) return;
    for (const share of event.shares) {
      if (share.placed) this.#store?.release(share.placed);
      share.placed = undefined;
      forgo(share, event.released);
    }
  }
}

/** A frame that goes to nobody (any more). */
export function forgo(share: Share, why: DropReason): void {
  share.data = undefined;
  if (!share.open) return;
  share.open = false;
  share.lane.taken--;
  if (share.asked) share.lane.drop(why);
  else share.lane.counts.discarded++;
}

function costOf({ bytes, placedBytes }: EventFrames): number {
  return bytes - placedBytes + EVENT_COST;
}
