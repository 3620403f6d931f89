/** Trigger maps (spec mapreduce.md 2): which frames of which streams form an event, and which events meet on one worker. */

/** One copy of a frame: to the worker that has the constraint, or to every worker with the tags. */
export interface Entry {
  readonly tags: readonly string[];
  /** null: every live worker whose tags include these; a barrier. */
  readonly constraint: number | null;
}

/** null: no frame for this event; []: a frame that is thrown away. */
export type Cell = readonly Entry[] | null;

export interface Part {
  readonly name: string;
  /** Streams in the order of the text. All lists of cells have `length` cells. */
  readonly streams: ReadonlyMap<string, readonly Cell[]>;
  readonly length: number;
}

export interface TriggerMap {
  readonly parts: ReadonlyMap<string, Part>;
  readonly sequence: readonly string[];
  /** The map may grow. */
  readonly open: boolean;
  /** Streams that only later parts use. */
  readonly streams: readonly string[];
}

/** Name of the part that holds start and end event. */
export const START_END = 'reserved_start_end';

export type MapProblemCode =
  | 'json'
  | 'part'
  | 'length'
  | 'cell'
  | 'reserved'
  | 'streams'
  | 'workers'
  | 'tags'
  | 'finished'
  | 'closed'
  | 'part-differs';

/** A map, or a change of one, that is refused. */
export class MapRefused extends Error {
  readonly code: MapProblemCode;

  constructor(code: MapProblemCode, message: string) {
    super(message);
    this.code = code;
  }
}
