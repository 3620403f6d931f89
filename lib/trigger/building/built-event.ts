import type { Milliseconds, PulseId, Why } from '../types.ts';
import type { EbDgram } from '../wire/eb-dgram.ts';

/**
 * An event that the builder has closed: a view of the builder's memory, valid until `EventBuilder.release` gives it back. Objects are
 * reused; keep none of them longer.
 */
export interface BuiltEvent {
  readonly pid: PulseId;
  readonly service: number;
  /** Env word of the first contribution. */
  readonly env: number;
  readonly rogs: number;
  readonly keep: boolean;
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Of the contributions, and DroppedContribution, TimedOut, OutOfSynch of the builder. */
  readonly damage: number;
  readonly why: Why;
  /** An L1Accept: a decider is asked (decide/types.ts). */
  readonly isL1: boolean;
  /** An L1Accept of the common group and at least one other. */
  readonly slow: boolean;
  /** Sources whose contribution is in. */
  readonly presentLow: number;
  readonly presentHigh: number;
  /** contract(e) without those. */
  readonly missingLow: number;
  readonly missingHigh: number;
  /** receivers(e). */
  readonly receiversLow: number;
  readonly receiversHigh: number;
  /** When its first contribution came. */
  readonly firstSeen: Milliseconds;
  has(source: number): boolean;
  /**
   * Puts a cursor on the record of a source.
   * @returns false, and the cursor as it was, if the source is missing
   */
  record(source: number, cursor: EbDgram): boolean;
  /** The whole record of a source (header and payload, no copy); undefined if it is missing. */
  bytes(source: number): Buffer | undefined;
}
