/** User code of graphs, whatever its language (spec graph.md 3.2). The compiler gets it loaded and knows no files. */

import type { EventInfo, Outcome, Problem, Row } from '../types.ts';
import type { Value } from '../value.ts';

/** A reduction for inputs in a known order. States are plain: they travel and are kept here, also those of other processes' code. */
export interface Reduction {
  /** The neutral state; undefined if the code makes it itself at the first event. */
  init(): unknown;
  /** @returns the new state. @throws anything: the node fails for this event */
  add(state: unknown, inputs: readonly Value[], info: EventInfo): unknown;
  /** Many events in one call, where one call per event would be slow. */
  addMany?(
    state: unknown,
    rows: readonly Row[],
  ): { readonly state: unknown; readonly outcomes: readonly Outcome<boolean>[] };
  merge(a: unknown, b: unknown): unknown;
  /** Values of the ports. */
  output(state: unknown): readonly (Value | undefined)[];
  transition?(state: unknown, name: string): unknown;
}

export interface MapCode {
  map(inputs: readonly Value[], info: EventInfo): Value | undefined;
  many?(rows: readonly Row[]): readonly Outcome<Value | undefined>[];
}

export interface LoadedReduction {
  readonly kind: 'reduction';
  readonly sha256: string;
  readonly ports: readonly string[];
  /** @param roles names of the inputs, in their order */
  bind(roles: readonly string[]): Reduction;
}

export interface LoadedMap {
  readonly kind: 'map';
  readonly sha256: string;
  bind(roles: readonly string[]): MapCode;
}

export type UserCode = LoadedReduction | LoadedMap;

/** By node: its code, or why it could not be loaded. */
export type LoadedCode = ReadonlyMap<string, UserCode | Problem>;

/** Parameters of the node, as written: what `init` gets. */
export type CodeParameters = Readonly<Record<string, unknown>>;
