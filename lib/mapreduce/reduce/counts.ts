/** What a reducer counts: every result that comes has one end. */

import type { Balance } from '../../cli/balance.ts';

export class ReducerCounts {
  received = 0;
  accepted = 0;
  duplicate = 0;
  /** Could not be read, or the payload raised: the event is damaged. */
  refused = 0;
  /** Of another map, or no results at all. */
  stale = 0;
  odd = 0;
  /** Of workers that are not in the configurations. */
  strange = 0;
  /** Given to the payload again from the journal. */
  replayed = 0;
  /** Accepted, and gone with the process that held what was made of them. */
  forgotten = 0;

  get held(): number {
    return this.received - this.accepted - this.duplicate - this.refused - this.stale - this.odd - this.strange;
  }

  balance(info: Readonly<Record<string, number>>): Balance {
    const { received, accepted, duplicate, refused, stale, odd, strange, held, replayed, forgotten } = this;
    return {
      in: received,
      out: accepted,
      losses: { duplicate, refused, stale, odd, strange, held },
      info: { replayed, forgotten, ...info },
    };
  }
}
