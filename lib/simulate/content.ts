/** What a generator is: the content of one field, as a recipe. `compile.ts` turns recipes into writing functions. */

import type { FieldTypeName } from '../xtc/layout.ts';
import type { Fill, Moment } from './moment.ts';
import type { Random } from './random.ts';
import type { Section } from './section.ts';

/** A number for each event. */
export type Source = (moment: Moment) => number;

export interface Content {
  /** Name of the generator. */
  readonly generator: string;
  /** Its parameters with defaults filled in. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Type of a field that names none. */
  readonly type: FieldTypeName;
  /** The value never changes: it is written once. */
  readonly constant?: boolean;
  /** What the generator is for; both if it does not say. */
  readonly ranks?: 'scalar' | 'array';
  /** Scalars. Each call gives a source with a state of its own. */
  scalar?(random: Random, type: FieldTypeName): Source;
  /**
   * Arrays from a pool: one frame, drawn anew.
   * @returns what there is to count in it (photons, pulses), else 0
   */
  frame?(random: Random, into: Float64Array, shape: readonly number[]): number;
  /** Instead of the others: writes the stored bytes itself. */
  direct?(type: FieldTypeName, elements: number): Fill;
  /** Content of a text field. */
  readonly text?: string;
  /** Labels of an enum field. */
  readonly labels?: Readonly<Record<string, number>>;
  /** `ALG.FIELD` of the same detector: the value is what `frame` counted in the frame of this event. */
  readonly countOf?: string;
}

/** What readers of fields need to know of the run. */
export interface ReadContext {
  /** Values of each motor by step. */
  motors: ReadonlyMap<string, readonly number[]>;
}

export interface GeneratorKind {
  readonly name: string;
  /** One line for --list-kinds. */
  readonly summary: string;
  /** Its own keys, for --list-kinds. */
  readonly keys: string;
  read(section: Section, context: ReadContext): Content;
}
