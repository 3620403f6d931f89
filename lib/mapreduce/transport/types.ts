/**
 * How assignments and reports travel between the controller and services of ours (spec mapreduce.md 5.2 and 18). A service opens one
 * link per map with `openWorkerLink`, `openIngesterLink` or `openReducerLink` (open.ts); the link knows which way it goes: the common
 * stream of the reference's controller, streams of Redis, or credits over ZeroMQ.
 *
 * A link lasts for one map: close it when an update names another one. Everything given arrives in order and once, also after the
 * controller was killed and another one took over; a report is sent until it is known to have been taken.
 */

import type { ResultKey } from '../redis/fields.ts';
import type { ProcessingTimes } from '../redis/reports.ts';

/** An event for a worker. */
export interface Work {
  readonly event_number: number;
  /** Ingesters that send one message each. An event without any is done as soon as it is met. */
  readonly streams_from: readonly string[];
  /** From 1; higher if it was given before. */
  readonly attempt: number;
  /** Worker that got the event first; part of the key of the result. */
  readonly origin: string;
}

/** What the controller says to a worker. */
export interface WorkNews {
  readonly given: readonly Work[];
  /** Given before, and nobody's or somebody else's by now: it is not to be waited for. */
  readonly withdrawn: readonly Work[];
}

/** What an ingester has to do for an event. */
export interface Feed {
  readonly event_number: number;
  /** By stream of this ingester: workers. An empty list: take a frame and throw it away. */
  readonly assignments: Readonly<Record<string, readonly string[]>>;
  /** 1: take the next frame of each stream; higher: the frames are held already. */
  readonly attempt: number;
  /** null with the first attempt: each worker is the origin of its own share. */
  readonly origin: string | null;
}

/** First and last of events in a row. */
export type Run = readonly [first: number, last: number];

/** Events that an ingester is not told, because they are over: all from 1 to before `before`. */
export interface Passed {
  readonly before: number;
  /** By stream: how many of them take part, so many frames pass. */
  readonly places: Readonly<Record<string, number>>;
}

/** What the controller says to an ingester. */
export interface FeedNews {
  readonly events: readonly Feed[];
  /** Events whose frames nobody will ask for again; some may be unknown. They hold after `events`. */
  readonly over: readonly Run[];
  /** Events that are complete for long, whose frames are asked for again only if a worker dies: they go if there is no room. */
  readonly spare: readonly Run[];
  /**
   * The events are all that a service that has said hello may not know. An empty list may stand for a share that is done, or whose worker is gone,
   * so it may yet be given again; else it is a frame that the map throws away.
   */
  readonly afterHello?: boolean;
  /** Stands between the start event and the others, once at most. */
  readonly passed?: Passed | undefined;
}

/** Every completed event once, in the order done. */
export interface WorkDone {
  readonly completed: readonly number[];
  readonly has_result: readonly boolean[];
  readonly processing_times?: ProcessingTimes | null;
  /** Among `completed`: the payload raised, or a frame never came because its ingester is gone. The event is damaged. */
  readonly failed?: readonly number[];
  /** Among `completed`: a stream was missing and the payload does not take that (spec 3.6). */
  readonly incomplete?: readonly number[];
}

export interface Link {
  /** The controller has another address by now. Links through Redis need none. */
  moved?(control: string): void;
  /** After `finish()` of the payload: the scan ends when everybody has said so. It may be called again: updates are repeated. */
  finished(): Promise<void>;
  /** Waits until everything reported is on its way. Works twice. */
  close(): Promise<void>;
}

export interface WorkerLink extends Link {
  /** First of all, once: ready for this map. */
  ready(): Promise<void>;
  /** Ends with `close`. */
  work(): AsyncIterable<WorkNews>;
  /** Reports of one turn of the event loop travel together. */
  report(done: WorkDone): void;
}

export interface IngesterLink extends Link {
  /** Ends with `close`. */
  feed(): AsyncIterable<FeedNews>;
  /** By event: workers that have reported it, for an ingester that begins amid a map and is told events that may be done. */
  done(): Promise<ReadonlyMap<number, ReadonlySet<string>>>;
}

export interface ReducerLink extends Link {
  /** Results whose keys are accepted, or were accepted before (duplicates), and results that could not be read. */
  report(accepted: readonly ResultKey[], refused?: readonly ResultKey[]): void;
}
