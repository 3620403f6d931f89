import type { Machine, MainsRate, Ticks } from './machine.ts';

/** What makes a readout group fire (spec timing 5). */
export type Select =
  | { readonly kind: 'fixed'; readonly label: string; readonly interval: Ticks }
  /** A marker number without definition: it may do anything. */
  | { readonly kind: 'undefinedMarker'; readonly index: number }
  | { readonly kind: 'mains'; readonly rate: MainsRate; readonly slots: readonly number[] }
  | { readonly kind: 'code'; readonly code: number; readonly sequence?: readonly [word: number, bit: number] };

export interface Group {
  readonly index: number;
  /** Absent only for an automatic common group. */
  readonly select: Select | null;
  /** Bit d = destination d accepted; null = every destination and no beam. */
  readonly destinations: number | null;
  readonly detectors: readonly string[];
  readonly l0Delay?: number;
  readonly keepRawRate?: number;
}

/** Ticks p with p mod period in {start + i*step, i < count}. */
export interface Run {
  readonly period: Ticks;
  readonly start: Ticks;
  readonly step: Ticks;
  readonly count: number;
}

/** Ticks p with p mod period in `at`. */
export interface Residues {
  readonly period: Ticks;
  readonly at: readonly Ticks[];
}

/** A union of these is what a code without engine does; an empty list never fires. */
export type Pattern = Run | Residues;

export type Beam =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | { readonly kind: 'always'; readonly destination: number }
  /** The first run that contains a pulse gives its destination. */
  | { readonly kind: 'runs'; readonly runs: readonly { readonly pattern: Pattern; readonly destination: number }[] };

export interface SequenceProgram {
  readonly words: ArrayLike<number>;
  /** Tick of the first instruction, or unknown. */
  readonly start: Ticks | 'any';
  /** Marker index to interval for a program written for another order. */
  readonly markerIntervals?: readonly Ticks[];
  /** Where it came from, for messages. */
  readonly origin?: string;
}

/** At most `limit` accepted pulses in any `interval` consecutive ticks (spec timing 6). */
export interface Inhibit {
  readonly interval: Ticks;
  readonly limit: number;
}

export interface Warning {
  readonly code: string;
  readonly group: number | null;
  readonly text: string;
}

/** Everything the proof needs, by value: no file, no index without its name. */
export interface Partition {
  readonly title?: string;
  readonly machine: Machine;
  /** Number of the common group, 0..7. */
  readonly common: number;
  /** The common group is the OR of the accepted others (spec timing 7). */
  readonly autoCommon: boolean;
  /** Groups in use, at most one per index. */
  readonly groups: readonly Group[];
  /** Engine number to program. */
  readonly programs: ReadonlyMap<number, SequenceProgram>;
  /** 8: code 256 + 4e + b; 4 (before 2023-11-27): code 272 + 4e + b. */
  readonly engines: 8 | 4;
  /** Event code to pattern. */
  readonly codes: ReadonlyMap<number, readonly Pattern[]>;
  readonly beam: Beam;
  /** Enabled inhibits by group. */
  readonly inhibits: ReadonlyMap<number, readonly Inhibit[]>;
  readonly maxPeriods: number;
  readonly transient: 'auto' | 'check' | 'report';
  /** What was noticed while reading. */
  readonly warnings: readonly Warning[];
}

export const GROUPS = 8;
/** Codes above this never fire (spec timing 3). */
export const LAST_CODE = 287;
export const DEFAULT_MAX_PERIODS = 1000;

/** First code of an engine under either numbering. */
export function firstCode(engines: 8 | 4, engine: number): number {
  return (engines === 8 ? 256 : 272) + 4 * engine;
}
