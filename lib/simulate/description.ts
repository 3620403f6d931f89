/** A run, as the YAML describes it, with all defaults filled in and everything checked. */

import type { Rate } from './clock.ts';
import type { FieldPlan } from './fields.ts';
import type { KindPlan } from './kinds/kind.ts';
import type { Bypass } from './schedule.ts';

/** Where injected damage sits: dgram root, ShapesData blocks, or their Data headers (spec xtc2.md, section 6). */
export const DAMAGE_PLACES = ['block', 'data', 'root'] as const;
export type DamagePlace = (typeof DAMAGE_PLACES)[number];

export interface DamageRule {
  /** As written: names of damage. */
  kinds: readonly string[];
  /** The damage word. */
  damage: number;
  probability: number;
  at: DamagePlace;
}

export interface DetectorDescription {
  name: string;
  kind: string;
  /** detType. */
  type: string;
  /** detId of the configuration; `-N` is added for segment N > 0. */
  id: string;
  group: number;
  segments: number;
  /** Node id of the stream; undefined if streams are dealt out. */
  stream: number | undefined;
  /** Probability that a segment's contribution to an event is lost. */
  drop: number;
  damage: readonly DamageRule[];
  /** Settings of the description, in addition to those of the kind. */
  settings: readonly FieldPlan[];
  plan: KindPlan;
}

export interface EpicsVariable {
  /** Name of the process variable itself. */
  pv: string;
  field: FieldPlan;
}

export interface RunDescription {
  experiment: string;
  run: number;
  /** Number of the partition and of its common readout group. */
  partition: number;
  seed: number;
  start: { pulseId: number; sec: number; nsec: number };
  groups: ReadonlyMap<number, Rate>;
  bypass: Bypass;
  /** L1Accepts per step; 0 means until stopped. */
  events: number;
  steps: { count: number; motors: ReadonlyMap<string, readonly number[]>; docstring: string };
  slowUpdates: Rate | undefined;
  keepRaw: Rate | undefined;
  /** Steps per chunk file; 0 for one chunk. */
  chunkSteps: number;
  /** Streams among which the segments are dealt out; 0 if detectors say where they go. */
  streams: number;
  eventBuilt: boolean;
  /** Damage of whole events, in the root of every stream. */
  damage: readonly DamageRule[];
  epics: readonly EpicsVariable[];
  detectors: readonly DetectorDescription[];
}
