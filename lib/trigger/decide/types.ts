/** What decides about events, whatever it is: a rule, a script, another program. */

import type { EventBatch } from './batch.ts';

/** What is done with an event about which the decider fails (`--on-error`). */
export type OnError = 'record' | 'discard' | 'stop';

export interface DeciderCounts {
  /** Events decided by policy. */
  forced: number;
  restarts: number;
  /** Answers for events nobody waits for. */
  staleAnswers: number;
  /** Failures of single events by what was wrong: `exception`, `no result`. */
  failures: Record<string, number>;
  /** Primitives that could not be used, by alias. */
  primBad: Record<string, number>;
  /** Keys that were asked for and missing, as `alias.key`. */
  missingKeys: Record<string, number>;
}

export function zeroCounts(): DeciderCounts {
  return { forced: 0, restarts: 0, staleAnswers: 0, failures: {}, primBad: {}, missingKeys: {} };
}

/** Sources and monitors, for deciders that know them by name. */
export interface DeciderSetup {
  /** Number of the common group; the partition. */
  common: number;
  /** Number of this decider: `p<common>_teb<id>` is the base of names. */
  id: number;
  drps: readonly {
    id: number;
    alias: string;
    rog: number;
    buffers: number;
    primBytes?: number | undefined;
    kind?: string | undefined;
  }[];
  mebs: readonly { id: number; alias: string; buffers: number }[];
  /** For the connect information, if known. */
  instrument?: string | undefined;
  configDatabase?: string | undefined;
}

export interface Decider {
  /** Batches that may be under way at once. */
  readonly inFlight: number;
  /** Whether the answers are independent of earlier events; known when it has been configured. */
  readonly stateless: boolean;
  readonly counts: DeciderCounts;
  /** Why it has been given up (exit status 3), or undefined. It still answers, by policy. */
  readonly givenUp: string | undefined;

  /**
   * At every Configure: begins anew with this trigger body. Nothing may be under way. Settles when events can be decided, also by policy.
   */
  configure(body: unknown): Promise<void>;

  /**
   * Decides about all events of a batch: when it settles, `data` and `flags` of each are there, exactly one per event. It never rejects.
   * The batch must not be changed meanwhile.
   */
  decide(batch: EventBatch): Promise<void>;

  /** Ends politely, then by force. Also twice. */
  stop(): Promise<void>;

  /** At once; for emergencies. */
  kill(): void;
}
