/** What the event builder counts (spec teb.md, sections 4.1 and 10). */

import type { Rejection } from '../types.ts';

export interface BuilderCounts {
  /** Contributions taken from the inputs; markers are not among them. accepted + everything rejected. */
  contributions: number;
  accepted: number;
  markers: number;
  /** `rogs_mismatch` contributions are accepted, and only listed here. */
  rejected: Record<Rejection | 'rogs_mismatch', number>;
  /** Events that have left: L1Accepts, and the rest. */
  events: number;
  transitions: number;
  /** Those of them that left incomplete. */
  fixedUp: number;
  /** Contributions in the events that have left. */
  built: number;
  /** Missing contributions, by source number. */
  missing: Record<number, number>;
}

export function zeroCounts(): BuilderCounts {
  return {
    contributions: 0,
    accepted: 0,
    markers: 0,
    rejected: { foreign: 0, no_common: 0, duplicate: 0, late: 0, back: 0, svc_mismatch: 0, rogs_mismatch: 0 },
    events: 0,
    transitions: 0,
    fixedUp: 0,
    built: 0,
    missing: {},
  };
}
