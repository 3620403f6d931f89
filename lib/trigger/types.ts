/** What the parts of the trigger chain say to each other (spec teb.md; docs/trigger.md). No part needs sockets or clocks. */

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
