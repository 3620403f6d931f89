/** A graph as written (spec graph.md 3), problems of it (2.10), and what an operation is (2.5). */

import type { Value } from './value.ts';

export type SourceType =
  | { readonly kind: 'float' | 'int' | 'bool' | 'string' | 'list' }
  /** `undefined` in a shape: that length varies. */
  | { readonly kind: 'array'; readonly dtype: string; readonly shape: readonly (number | undefined)[] };

export interface SourceSpec {
  readonly name: string;
  /** `detector:interface:field`; the name itself for simulated sources and case files. */
  readonly from: string;
  readonly type: SourceType | undefined;
}

export interface NodeSpec {
  readonly id: string;
  readonly op: string;
  /** role -> source, node, or `id.port`. */
  readonly in: Readonly<Record<string, string>>;
  readonly reset: 'run' | 'never';
  readonly hold: boolean;
  readonly of: 'used' | 'dealt';
  readonly allowSmall: boolean;
  readonly code: CodeSpec | undefined;
  /** Parameters of the operation, as written. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** User code is named by file and hash; it never travels (spec 3.2). */
export interface CodeSpec {
  readonly file: string;
  readonly name: string;
  readonly sha256: string | undefined;
}

export interface GraphSpec {
  readonly name: string;
  readonly sources: readonly SourceSpec[];
  readonly nodes: readonly NodeSpec[];
  /** `id.port`, or undefined: all ports of nodes nobody reads. */
  readonly outputs: readonly string[] | undefined;
  readonly codeDir: string;
}

export type ProblemCode =
  | 'unknown-op'
  | 'unknown-input'
  | 'unknown-port'
  | 'unknown-output'
  | 'missing-input'
  | 'bad-parameter'
  | 'type-mismatch'
  | 'duplicate-id'
  | 'cycle'
  | 'bad-expression'
  | 'needs-event-value'
  | 'window-too-small'
  | 'bad-cluster'
  | 'bad-code'
  | 'code-mismatch'
  | 'not-mergeable'
  | 'window-memory';

export interface Problem {
  readonly error: ProblemCode;
  readonly node: string | null;
  readonly message: string;
}

/** Where a node runs: its colour. `split` nodes run on all three. */
export type Place = 'worker' | 'localCollector' | 'globalCollector';

/** What an operation may know of the event it adds. */
export interface EventInfo {
  /** Event number; on the global side, where an operation steps once per heartbeat, the heartbeat. */
  event: number;
  heartbeat: number;
  worker: number;
}

/** What became of one event at a node that takes many at once. `off`: the node is to be switched off. */
export type Outcome<T> = { readonly result: T } | { readonly failure: string; readonly off?: boolean };

/** One event for a node that takes many at once. */
export interface Row {
  readonly inputs: readonly Value[];
  readonly info: EventInfo;
}

/** What the global collector knows when it closes a heartbeat. */
export interface ClosingInfo {
  readonly heartbeat: number;
  /** All events before this number have been dealt. */
  readonly dealtBefore: number;
}

/**
 * One operation with its parameters. The state is plain: numbers, strings, lists, Maps, typed arrays and NdArrays in objects, so that
 * it can travel. `S` is known to the kernel only.
 */
export interface Kernel<S> {
  /** Names of the outputs, in the order of `output`. */
  readonly ports: readonly string[];
  zero(): S;
  /**
   * Takes the inputs of one event. It may change `state` and must not keep a reference to the inputs.
   * @returns false when it did not use the event (a NaN key, for example)
   * @throws anything: the node fails for this event
   */
  add(state: S, inputs: readonly Value[], info: EventInfo): boolean;
  /** For code in another process, where one call per event would be slow: many events in order, with one outcome each. */
  addMany?(state: S, rows: readonly Row[]): readonly Outcome<boolean>[];
  /** What goes up, while `state` becomes zero again and keeps its memory. Without it a state is given away as it is. */
  take?(state: S): S;
  /** Adds `part` to `state`; associative, and commutative up to rounding. `part` is never seen again. */
  merge(state: S, part: S): void;
  /** Values of `ports`; undefined leaves a port out. Changes nothing. */
  output(state: S): readonly (Value | undefined)[];
  /**
   * Windows only: after a heartbeat has closed, and before `output`, on the global collector. What a window has given once it does not
   * give again.
   */
  settle?(state: S, info: ClosingInfo): void;
  /** User code only: a transition, by name. It may change `state`. */
  transition?(state: S, name: string): void;
}
