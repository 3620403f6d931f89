/** Which entries of the streams everybody has read (spec mapreduce.md 5.2: bounds). Pure. */

import type { CommonEvent } from './messages.ts';

interface Written {
  readonly id: string;
  /** Highest event in the entry. */
  readonly last: number;
  /** By ingester: its last event in the entry. */
  readonly readers: ReadonlyMap<string, number>;
}

/**
 * A complete event with frames of an ingester proves that the ingester has read its entry, and all before it. An event without shares
 * is complete at once and proves nothing.
 */
export class Trimmer {
  /** All events before this one are complete. */
  #low = 0;
  readonly #complete = new Set<number>();
  readonly #streams = new Map<string, Written[]>();
  /** By ingester: events that will prove something, and the last that did. */
  readonly #proving = new Map<string, number[]>();
  readonly #proved = new Map<string, number>();

  /** Everything before `low` is complete. */
  begin(low: number): void {
    this.#low = low;
  }

  completed(events: readonly number[]): void {
    for (const event of events) this.#complete.add(event);
    while (this.#complete.delete(this.#low)) this.#low++;
  }

  /** A published event that gives frames of an ingester to somebody. */
  published(ingester: string, event: number): void {
    const list = this.#proving.get(ingester);
    if (list) list.push(event);
    else this.#proving.set(ingester, [event]);
  }

  /** An entry that was written. @param readers by ingester that must read it: its last event in it */
  wrote(stream: string, id: string, last: number, readers: ReadonlyMap<string, number> = new Map()): void {
    const list = this.#streams.get(stream);
    if (list) list.push({ id, last, readers });
    else this.#streams.set(stream, [{ id, last, readers }]);
  }

  /** By stream: id of the oldest entry that must stay; what is older can go. Nothing is said twice. */
  take(): Map<string, string> {
    for (const [ingester, events] of this.#proving) {
      let count = 0;
      while (count < events.length && events[count]! < this.#low) count++;
      if (count > 0) this.#proved.set(ingester, events[count - 1]!);
      events.splice(0, count);
    }
    const oldest = new Map<string, string>();
    for (const [stream, entries] of this.#streams) {
      let count = 0;
      while (count < entries.length && this.#isRead(entries[count]!)) count++;
      if (count === 0) continue;
      const next = entries[count];
      // The last one stays until another follows: a stream that is empty has no id to speak of.
      if (next) oldest.set(stream, next.id);
      entries.splice(0, next ? count : count - 1);
    }
    return oldest;
  }

  #isRead({ last, readers }: Written): boolean {
    if (last >= this.#low) return false;
    for (const [ingester, event] of readers) if ((this.#proved.get(ingester) ?? -1) < event) return false;
    return true;
  }
}

/** Who reads an entry of the common stream, and up to which event. */
export function readersOf(
  events: readonly CommonEvent[],
  ingesterOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const readers = new Map<string, number>();
  for (const { event_number, assignments } of events) {
    for (const stream of Object.keys(assignments)) {
      const ingester = ingesterOf.get(stream);
      if (ingester !== undefined) readers.set(ingester, event_number);
    }
  }
  return readers;
}
