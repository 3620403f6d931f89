/** A kind of detector: it only says which fields there are; everything else is the same for all. */

import type { ReadContext } from '../content.ts';
import type { BlockPlan, FieldPlan } from '../fields.ts';
import type { Section } from '../section.ts';

export interface KindPlan {
  /** Parameters with defaults filled in, for --print. */
  params: Readonly<Record<string, unknown>>;
  /** Data of each event. */
  blocks: readonly BlockPlan[];
  /** Configuration, written in Configure. All content is constant. */
  config: readonly FieldPlan[];
}

export interface DetectorKind {
  readonly name: string;
  /** One line for --list-kinds. */
  readonly summary: string;
  /** Its own keys, for --list-kinds. */
  readonly keys: string;
  /** detType of detectors that name none. */
  readonly type: string;
  read(section: Section, context: ReadContext): KindPlan;
}

export const V2 = [2, 0, 0] as const;

/** Reads how large a pool shall be; undefined leaves it to the size of the frames. */
export function readPool(section: Section): number | undefined {
  return section.has('pool') ? section.integer('pool', 2, 0, 65536) : undefined;
}
