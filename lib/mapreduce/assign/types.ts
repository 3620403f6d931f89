/** What goes into the assigner and what comes out of it (spec mapreduce.md 3). */

import type { Changes } from './ledger.ts';

export interface AssignerOptions {
  /** Events that a worker may hold. */
  readonly depth: number;
  /** How far beyond the front a worker may be bound. */
  readonly future: number;
  /** What a successor does again: what was not reported, or the whole group of a constraint. */
  readonly redo: 'rest' | 'group';
  /** Start and end event round the map. */
  readonly wrap: boolean;
  /** Streams whose ingesters hold no frames: those of the reference (spec 5.2). */
  readonly unheld?: ReadonlySet<string>;
}

/** What is different for one worker. */
export interface WorkerOptions {
  /** Events that it may hold; the general depth unless given. */
  readonly depth?: number;
  /** False for peers of the reference: nothing is given to them again. */
  readonly takesAgain?: boolean;
}

export interface Assignment {
  readonly event_number: number;
  /** By stream in the order of the map: workers, sorted. */
  readonly assignments: ReadonlyMap<string, readonly string[]>;
}

export interface Again {
  readonly event_number: number;
  readonly assignments: ReadonlyMap<string, readonly string[]>;
  readonly attempt: number;
  readonly origin: string;
}

export interface Outcome extends Changes {
  readonly assign: readonly Assignment[];
  readonly again: readonly Again[];
  /** Both, in the order of giving: a worker must get its deliveries in the order in which they are counted. */
  readonly given: readonly (Assignment | Again)[];
  /** True once: when everything is done. */
  readonly finished: boolean;
}
