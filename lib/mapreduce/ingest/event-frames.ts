/** The frames of an event at an ingester, and the messages that carry them. */

import type { StreamData } from '../frames/types.ts';
import type { PlacedData } from '../shared/ring.ts';
import type { Feed } from '../transport/types.ts';
import type { DropReason, Lane } from './lane.ts';

/** One message for one worker. */
export interface Message {
  readonly worker: string;
  readonly event: number;
  readonly attempt: number;
  /** null: the worker itself. */
  readonly origin: string | null;
  readonly streams: readonly { readonly name: string; readonly data: StreamData }[];
  /** For `delivered` and `undeliverable`. */
  readonly of: EventFrames;
}

/** What an event has of one stream. */
export interface Share {
  readonly lane: Lane;
  readonly workers: readonly string[];
  /** A worker has been named for it, when the event was given first or again. */
  asked: boolean;
  data: StreamData | undefined;
  /** Instead of `data`, if it lies in shared memory. */
  placed: PlacedData | undefined;
  /** A frame that has been taken and has no fate yet. */
  open: boolean;
}

/** Shared memory for large frames. */
export interface FrameStore {
  /** Smaller ones are not placed. */
  readonly least: number;
  /** 'full': there will be room later; undefined: not this one. */
  place(data: StreamData): PlacedData | 'full' | undefined;
  release(data: PlacedData): void;
  /** The worker reads from it. */
  reaches(worker: string): boolean;
}

/** What an event counts beside its frames, so that many small ones do not fill the memory. */
export const EVENT_COST = 4096;

/** The frames of one event. */
export class EventFrames {
  readonly number: number;
  readonly shares: readonly Share[];
  /** Streams whose frames have not come. */
  pending: number;
  /** Given again before all frames had come. */
  readonly again: Feed[] = [];
  bytes = 0;
  /** Of them in shared memory, which has a limit of its own. */
  placedBytes = 0;
  /** Also what no worker has been named for may yet be asked for. */
  readonly keepsAll: boolean;
  /** Counted among what is kept. */
  kept = false;
  /** Messages that are neither delivered nor given up. */
  underway = 0;
  /** Why its frames are no longer kept. */
  released: DropReason | undefined;

  constructor(number: number, shares: readonly Share[], keepsAll = false) {
    this.number = number;
    this.keepsAll = keepsAll;
    this.shares = shares;
    this.pending = shares.length;
  }
}

/** What of an event is recorded. */
export interface EventStreams {
  readonly event: number;
  readonly streams: ReadonlyMap<string, StreamData>;
}
