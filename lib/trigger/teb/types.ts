/** What teb-decide is asked to do. */

export const FORMATS = ['bin', 'jsonl'] as const;
export type Format = (typeof FORMATS)[number];
export const IPCS = ['own', 'upstream'] as const;
export type Ipc = (typeof IPCS)[number];
export const ON_ERRORS = ['record', 'discard', 'stop'] as const;
export const NO_COMMONS = ['bypass', 'discard', 'error'] as const;
export type NoCommon = (typeof NO_COMMONS)[number];

/** A stream of contributions. */
export interface InputAddress {
  url: string;
  /** Sources that end with it even if it never brought one of their records. */
  sources: readonly number[];
}

/** A stream of results. */
export interface OutputAddress {
  url: string;
  /** Undefined: all results. */
  receiver: number | undefined;
}

export interface TebOptions {
  inputs: readonly InputAddress[];
  outputs: readonly OutputAddress[];
  inFormat: Format;
  format: Format;
  /** Results of 64 bytes. */
  extended: boolean;
  reconnect: boolean;
  /** Most events per message to the decider. */
  batch: number;
  /** This process answers events with (pid >> 6) mod count = index. */
  deciders: { index: number; count: number };
  /** The user says that decisions depend on nothing but the event. */
  stateless: boolean;
  noCommon: NoCommon;
  timeoutMs: number;
  deadAfterMs: number;
  maxOpen: number;
  strict: boolean;
  keepCounters: boolean;
  /** Stream of free buffers. */
  monIn: string | undefined;
  /** False: wishes are passed on without a buffer. */
  deal: boolean;
  fairGroups: boolean;
}
