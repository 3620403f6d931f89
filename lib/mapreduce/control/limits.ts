/** What requests may ask for (spec mapreduce.md 14). */
export interface Limits {
  /** Bytes of a map. */
  readonly map: number;
  /** Bytes of a parameter. */
  readonly parameter: number;
  /** Bytes of a body of the old scan hook. */
  readonly sardana: number;
  readonly events: number;
}
