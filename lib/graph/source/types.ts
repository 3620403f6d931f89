import type { Value } from '../value.ts';

/** Where events go. Values are views that end with the call, or with its promise. */
export interface EventTaker {
  /**
   * @param values of the graph's sources, in their order; undefined where the detector is missing. The array is used again.
   * @param time seconds, as the event has it
   * @returns a promise if it must wait
   */
  event(values: readonly (Value | undefined)[], time: number): Promise<void> | undefined;
  transition(name: string, time: number): Promise<void> | undefined;
  /** Between blocks of events: takes time to send what is ready. */
  turn(): Promise<void> | undefined;
}

/** A source of events for a graph (spec graph.md 3.3). */
export interface EventSource {
  readonly name: string;
  /** Gives all events, and returns at the end. */
  run(taker: EventTaker): Promise<void>;
  close(): void;
  /** At the end: faults of the input, and what a person should know. */
  readonly faults: number;
  words(): readonly string[];
}
