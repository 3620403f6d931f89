/**
 * The events of a map without an object per event: parts are laid out once, instances only know where they begin and who has their
 * constraints (spec mapreduce.md 2).
 */

import type { Part } from '../map/types.ts';

/** An entry of an event: of constraint number `constraint` of the part, or, if that is -1, of the null entry number `barrier`. */
export interface LaidEntry {
  readonly stream: string;
  readonly constraint: number;
  readonly barrier: number;
  readonly tags: readonly string[];
}

export interface LaidEvent {
  /** Streams that have a cell, `[]` included, in order. */
  readonly streams: readonly string[];
  readonly entries: readonly LaidEntry[];
  /** Constraints, each once, in order of occurrence. */
  readonly constraints: readonly number[];
  /** Entries without a constraint. */
  readonly barriers: readonly LaidEntry[];
}

export interface LaidConstraint {
  /** As it stands in the map. */
  readonly name: number;
  /** Of the first occurrence; later ones do not count. */
  readonly tags: readonly string[];
  /** Offsets of its events, ascending. */
  readonly events: number[];
}

/** A part, laid out for walking. */
export interface LaidPart {
  readonly part: Part;
  readonly events: readonly LaidEvent[];
  readonly constraints: readonly LaidConstraint[];
}

export function layOut(part: Part): LaidPart {
  const constraints: LaidConstraint[] = [];
  const numbers = new Map<number, number>();
  const events = Array.from({ length: part.length }, (_, offset) => {
    const streams: string[] = [];
    const entries: LaidEntry[] = [];
    for (const [stream, cells] of part.streams) {
      const cell = cells[offset] ?? null;
      if (cell === null) continue;
      streams.push(stream);
      for (const { tags, constraint } of cell) {
        let number = -1;
        if (constraint !== null) {
          number = numbers.get(constraint) ?? constraints.length;
          if (number === constraints.length) {
            numbers.set(constraint, number);
            constraints.push({ name: constraint, tags, events: [] });
          }
          const seen = constraints[number]!.events;
          if (seen.at(-1) !== offset) seen.push(offset);
        }
        const barrier = number < 0 ? entries.reduce((count, entry) => count + Number(entry.barrier >= 0), 0) : -1;
        entries.push({ stream, constraint: number, barrier, tags });
      }
    }
    return {
      streams,
      entries,
      constraints: [...new Set(entries.map(({ constraint }) => constraint).filter((number) => number >= 0))],
      barriers: entries.filter(({ barrier }) => barrier >= 0),
    };
  });
  return { part, events, constraints };
}

export const FREE = -1;
export const HELD = -2;

/** One use of a part in the sequence. */
export class Instance {
  readonly laid: LaidPart;
  /** Number of its first event. */
  readonly start: number;
  /** By constraint: number of the worker, FREE, or HELD by a bundle. */
  readonly holders: Int32Array;
  /** By constraint: 1 once one of its events is published. */
  readonly begun: Uint8Array;

  constructor(laid: LaidPart, start: number) {
    this.laid = laid;
    this.start = start;
    this.holders = new Int32Array(laid.constraints.length).fill(FREE);
    this.begun = new Uint8Array(laid.constraints.length);
  }

  get end(): number {
    return this.start + this.laid.events.length;
  }

  event(number: number): LaidEvent {
    return this.laid.events[number - this.start]!;
  }
}

/** All events of a map, by number. */
export class Events {
  readonly instances: Instance[] = [];
  #last = 0;

  get total(): number {
    return this.instances.at(-1)?.end ?? 0;
  }

  /** The last event of the constraints of an event. */
  groupEnd(number: number): number {
    const { start, laid } = this.instance(number);
    const { constraints } = laid.events[number - start]!;
    return constraints.reduce((last, one) => Math.max(last, start + laid.constraints[one]!.events.at(-1)!), number);
  }

  append(laid: LaidPart): void {
    this.instances.push(new Instance(laid, this.total));
  }

  /** The instance of an event. Neighbours are asked for one after the other, so the search begins at the last answer. */
  instance(number: number): Instance {
    const { instances } = this;
    let at = Math.min(this.#last, instances.length - 1);
    while (number < instances[at]!.start) at--;
    while (number >= instances[at]!.end) at++;
    this.#last = at;
    return instances[at]!;
  }
}
