import type { Warning } from './partition.ts';
import type { Site } from './pulse/tally.ts';

/** Statistics of one group in one phase; pulses are absolute. Null where the group is not known or has too few pulses. */
export interface GroupStatistics {
  /** Pulses where it fires in every state. */
  readonly sum: number;
  /** Pulses where it fires in some state. */
  readonly sumMax: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly minIntv: number | null;
  readonly maxIntv: number | null;
}

export interface GroupViolations {
  readonly certain: number;
  readonly possible: number;
  readonly first: number | null;
  readonly firstPossible: number | null;
  /** Of the 720 mains states, those in this group's select and not in the common group's. */
  readonly acSlots?: number;
}

export interface Violations {
  readonly pulses: { readonly certain: number; readonly possible: number };
  readonly first: number | null;
  readonly firstPossible: number | null;
  /** Every group except the common one. */
  readonly groups: Readonly<Record<string, GroupViolations>>;
}

export interface Phases<T> {
  readonly transient: T;
  readonly steady: T;
}

export interface EngineReport {
  readonly known: boolean;
  readonly warmup?: number;
  readonly superPeriod?: number;
  readonly halt?: number | null;
}

/** The same numbers for accepted pulses (spec timing 13.4). */
export interface AcceptedReport {
  readonly window: { readonly warmup: number; readonly superPeriod: number; readonly complete: boolean };
  readonly groups: Readonly<Record<string, Phases<GroupStatistics>>>;
  readonly coinc: Phases<(number | null)[]>;
  readonly violations: Phases<Violations>;
}

export type VerdictWord = 'OK' | 'VIOLATION' | 'UNPROVED';

/** The result of a proof, format rog-validate/1 (spec timing 13.6). */
export interface Verdict {
  readonly tool: 'rog-validate';
  readonly format: 'rog-validate/1';
  readonly verdict: VerdictWord;
  readonly exit: 0 | 1 | 3;
  readonly machine: { readonly name: string; readonly period: number };
  readonly common: number;
  readonly autoCommon: boolean;
  readonly window: {
    readonly warmup: number;
    /** Null for a stream of recorded masks. */
    readonly superPeriod: number | null;
    readonly complete: boolean;
    readonly transientCounted: boolean;
    readonly engines: Readonly<Record<string, EngineReport>>;
  };
  readonly groups: Readonly<
    Record<
      string,
      {
        readonly select: string;
        readonly detectors: readonly string[];
        readonly known: boolean;
      } & Phases<GroupStatistics>
    >
  >;
  /** Pairs (0,0)(0,1)...(0,7)(1,1)...(7,7), the order of the live counters. */
  readonly coinc: Phases<(number | null)[]>;
  readonly violations: Phases<Violations>;
  readonly accepted: AcceptedReport | null;
  readonly warnings: readonly Warning[];
  /** First violating pulses, certain before possible, of the phases that decide. */
  readonly sites: readonly (Site & { readonly certain: boolean })[];
  /** What would make the partition right, in words. */
  readonly hints: readonly string[];
  /** Independent recount (spec timing 14.3): comparisons made, all equal. */
  readonly crossCheck: { readonly comparisons: number };
  /** Pulses visited. */
  readonly pulses: number;
}

export const EXIT_OF: Readonly<Record<VerdictWord, 0 | 1 | 3>> = { OK: 0, VIOLATION: 1, UNPROVED: 3 };
