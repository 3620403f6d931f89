/** What happens on one pulse, for all streams of a partition. One object is changed from pulse to pulse. */

export interface Moment {
  /** Transition id. */
  service: number;
  pulseId: number;
  sec: number;
  nsec: number;
  /** Whole env word: service, accept, tag, keepRaw, groups (spec xtc2.md, section 5.1). */
  env: number;
  /** Readout groups that fired, bits 7:0. */
  groups: number;
  /** 0-based number of the step. */
  step: number;
  /** Events before this one in the run. */
  event: number;
}

/** Writes one field of one event at a position of a block. */
export type Fill = (bytes: Buffer, view: DataView, at: number, moment: Moment) => void;

export function newMoment(): Moment {
  return { service: 0, pulseId: 0, sec: 0, nsec: 0, env: 0, groups: 0, step: 0, event: 0 };
}
