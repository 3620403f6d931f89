/** What the joiner counts (spec teb.md, sections 7 and 10). */

export type RejectReason = 'no_common' | 'svc' | 'back' | 'duplicate' | 'no_decision';

export interface JoinerCounts {
  /** Events taken; recorded + discarded + all rejected + those that wait (I1). */
  events: number;
  recorded: number;
  discarded: number;
  rejected: Record<RejectReason, number>;
  /** Events without the common bit that were recorded. */
  bypass: number;
  /** Events whose decision never came. */
  noDecision: number;
  /** Result records that came: joined + extra + dupResult + badResult + those that wait. */
  results: number;
  /** Results of events that this receiver does not have. */
  extra: number;
  /** Results that went back or came again. */
  dupResult: number;
  /** Records that are no results. */
  badResult: number;
}

export function zeroCounts(): JoinerCounts {
  return {
    events: 0,
    recorded: 0,
    discarded: 0,
    rejected: { no_common: 0, svc: 0, back: 0, duplicate: 0, no_decision: 0 },
    bypass: 0,
    noDecision: 0,
    results: 0,
    extra: 0,
    dupResult: 0,
    badResult: 0,
  };
}
