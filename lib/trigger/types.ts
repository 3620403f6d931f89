/** What the parts of the trigger chain say to each other (spec teb.md; docs/trigger.md). No part needs sockets or clocks. */

import type { EbDgram } from './wire/eb-dgram.ts';

/** A pulse id. 56 bits on the wire; below 2^53 here, so a number is exact. */
export type PulseId = number;

/** Milliseconds of a clock that never goes back. */
export type Milliseconds = number;

/** Why a contribution was not taken (section 4.1). */
export const REJECTIONS = ['foreign', 'no_common', 'duplicate', 'late', 'back', 'svc_mismatch'] as const;
export type Rejection = (typeof REJECTIONS)[number];

/**
 * What became of a contribution. `rogs_mismatch` is accepted, with damage OutOfSynch. `full` means NOT taken: offer the same record again
 * when an event has left, and read no more of this input meanwhile (I21).
 */
export type Verdict = 'accepted' | 'rogs_mismatch' | 'marker' | 'full' | Rejection;

/** Why an event was closed (sections 2.6 and 4.2). */
export const WHYS = ['complete', 'watermark', 'eof', 'skew', 'timeout'] as const;
export type Why = (typeof WHYS)[number];

/** A mask of up to 64 sources: bits 0..31 and 32..63 as two int32 words. */
export interface SourceMask {
  readonly low: number;
  readonly high: number;
}

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

/** What every line says of an event and its result (section 2.6). */
interface ResultLine {
  pid: PulseId;
  svc: number;
  rogs: number;
  prescale: 0 | 1;
  persist: 0 | 1;
  monitor: number;
  monbuf: string;
  damage: number;
  aux: number;
  bypass: 0 | 1;
}

/** What a decision line says (section 2.6); masks of receivers and of missing sources as ascending numbers. */
export interface DecisionLine extends ResultLine {
  recv: number[];
  missing: number[];
  why: Why;
  forced?: 1;
  meb?: number;
}

/** What becomes of an event of a receiver. */
export type Act = 'record' | 'discard' | 'reject';

/** A line of `eb-join` (section 2.6). */
export interface JoinedLine extends ResultLine {
  rcv: number;
  act: Act;
  /** Only with `reject`. */
  reason?: string;
}

/** A detector process: sends contributions, receives decisions. Shaped for `DeciderSetup` of the deciders. */
export interface DrpConfig {
  readonly id: number;
  readonly alias: string;
  readonly rog: number;
  /** Events it can hold until they are decided. */
  readonly buffers: number;
  /** Largest primitive, if announced. */
  readonly primBytes?: number;
  /** `tmo`, `timing`, … if told. */
  readonly kind?: string;
}

/** A monitor event builder. */
export interface MebConfig {
  readonly id: number;
  readonly alias: string;
  readonly buffers: number;
}

/** How decisions are made if the command line does not say: a value rule or a script. */
export type TriggerKind =
  | { readonly kind: 'value'; readonly persistValue: number; readonly monitorValue: number }
  | { readonly kind: 'script'; readonly script: string };

/** The configuration of the whole chain (section 4). */
export interface TriggerConfig {
  readonly common: number;
  /** Ascending by id. */
  readonly drps: readonly DrpConfig[];
  /** Ids of those that contribute: all, or exactly the aliases in buildDets (D5). */
  readonly contributors: readonly number[];
  /** Ascending by id. */
  readonly mebs: readonly MebConfig[];
  /** rogRsrvdBuf by group, 8 entries. */
  readonly reserved: readonly number[];
  readonly monThrottle: number;
  readonly trigger: TriggerKind | undefined;
  /** What scripts get at Configure. */
  readonly triggerBody: Readonly<Record<string, unknown>>;
  readonly skewTicks: number | undefined;
  /** Things that are ignored or odd, for stderr. */
  readonly notes: readonly string[];
}
