/** A graph that is ready to run. */

import type { AmiSplit } from '../run/ami-station.ts';
import type { EventInfo, GraphSpec, Kernel, NodeSpec, Outcome, Row, SourceSpec } from '../types.ts';
import type { Value } from '../value.ts';
import type { Arrow, NodePlace } from './wiring.ts';

/** Number of processes of each kind. */
export interface Cluster {
  readonly workers: number;
  readonly collectors: number;
}

/** A node, ready to run. */
export type CompiledNode = {
  readonly spec: NodeSpec;
  readonly place: NodePlace;
  readonly arrows: readonly Arrow[];
  readonly ports: readonly string[];
  /** Equal for nodes that compute the same from the same inputs: such nodes keep their state when a graph is replaced. */
  readonly fingerprint: string;
} & (
  | {
      readonly kind: 'map' | 'filter';
      readonly expression: (inputs: readonly Value[], info: EventInfo) => Value | undefined;
      /** Instead of `expression` on workers, where it is there: many events at once. */
      readonly many?: ((rows: readonly Row[]) => readonly Outcome<Value | undefined>[]) | undefined;
    }
  | {
      readonly kind: 'operation';
      readonly kernel: Kernel<unknown>;
      readonly n: number | undefined;
      readonly split: AmiSplit | undefined;
    }
);

export interface CompiledGraph {
  readonly spec: GraphSpec;
  readonly cluster: Cluster;
  readonly amiCompat: boolean;
  readonly sources: readonly SourceSpec[];
  /** In an order in which every node stands behind those it reads. */
  readonly nodes: readonly CompiledNode[];
  /** `id.port` of what records carry. */
  readonly outputs: readonly string[];
  readonly warnings: readonly string[];
}
