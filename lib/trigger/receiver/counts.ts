/** What eb-join counts beside its joiner, the closed balance of its events, and the summary (spec teb.md, 10 to 12). */

import { type Balance, imbalance } from '../../cli/balance.ts';
import { damageNames } from '../../xtc/damage.ts';
import type { JoinerCounts } from '../join/counts.ts';

const DAMAGE_BITS = 16;

export class ReceiverCounts {
  /** Events recorded by decision, but without payload (`--drop-empty`). */
  droppedEmpty = 0;
  /** Events that had no room for triginfo. */
  truncated = 0;
  /** Recorded events that the output had not taken when it broke. */
  undelivered = 0;
  /** Results that came when no event could come any more. */
  lateResults = 0;
  /** Reads of results that brought some. */
  batches = 0;
  /** Streams that held something else than records. */
  badFrames = 0;
  /** Watermark markers among the events. */
  markers = 0;
  /** Events with damage that were recorded or shown, and those of each bit. */
  damaged = 0;
  damage: number[] = Array<number>(DAMAGE_BITS).fill(0);
  /** Monitored events, by MEB; and dgrams that a lost monitor did not get. */
  monitored: Record<string, number> = {};
  unmonitored = 0;
  lost: string[] = [];
}

/** Events by name of damage; only what there is. */
export function damageKinds({ damage }: ReceiverCounts): [string, number][] {
  return damage.flatMap((count, bit): [string, number][] => (count === 0 ? [] : [[damageNames(1 << bit)[0]!, count]]));
}

/** Everything at one moment. */
export interface JoinState {
  joiner: JoinerCounts;
  receiver: ReceiverCounts;
  /** Events that wait for decisions. */
  waiting: number;
  waitingResults: number;
}

/** Events in = recorded + discarded + each rejection + those that wait (I1). */
export function joinBalance({ joiner, receiver, waiting, waitingResults }: JoinState): Balance {
  const { droppedEmpty, undelivered } = receiver;
  return {
    in: joiner.events,
    out: joiner.recorded - droppedEmpty - undelivered,
    losses: {
      discarded: joiner.discarded,
      ...joiner.rejected,
      dropped_empty: droppedEmpty,
      undelivered,
      waiting,
    },
    info: {
      bypass: joiner.bypass,
      no_decision: joiner.noDecision,
      extra: joiner.extra + receiver.lateResults,
      dup_result: joiner.dupResult,
      bad_result: joiner.badResult,
      bad_frame: receiver.badFrames,
      waiting_results: waitingResults,
      monitored: Object.values(receiver.monitored).reduce((sum, count) => sum + count, 0),
      mon_lost: receiver.unmonitored,
    },
  };
}

export type JoinEnding = 'clean' | 'rejected' | 'connection-lost';

/** How it ended, and why (section 11). @param discards whether rejecting what lacks the common group is what was asked for */
export function joinEnding(state: JoinState, discards: boolean): { kind: JoinEnding; why: string } {
  const { joiner, receiver } = state;
  if (receiver.lost.length > 0) return { kind: 'connection-lost', why: receiver.lost.join(', ') };
  const wrong = {
    ...joiner.rejected,
    ...(discards ? { no_common: 0 } : {}),
    no_decision: joiner.noDecision,
    bad_frame: receiver.badFrames,
    bad_result: joiner.badResult,
    waiting: state.waiting,
    unaccounted: imbalance(joinBalance(state)),
  };
  const why = Object.entries(wrong).filter(([, count]) => count !== 0);
  if (why.length === 0) return { kind: 'clean', why: '' };
  return { kind: 'rejected', why: why.map(([name, count]) => `${count} ${name}`).join(', ') };
}

/** The object that is printed at the end. */
export function joinSummary({ joiner, receiver, waiting, waitingResults }: JoinState): Record<string, unknown> {
  const { droppedEmpty, undelivered } = receiver;
  return {
    events: joiner.events,
    recorded: joiner.recorded - droppedEmpty - undelivered,
    discarded: joiner.discarded,
    rejected: joiner.rejected,
    dropped_empty: droppedEmpty,
    undelivered,
    waiting,
    bypass: joiner.bypass,
    no_decision: joiner.noDecision,
    results: joiner.results,
    extra: joiner.extra + receiver.lateResults,
    dup_result: joiner.dupResult,
    bad_result: joiner.badResult,
    bad_frame: receiver.badFrames,
    waiting_results: waitingResults,
    monitored: receiver.monitored,
    mon_lost: receiver.unmonitored,
    triginfo_no_room: receiver.truncated,
    damaged: receiver.damaged,
    damage: Object.fromEntries(damageKinds(receiver)),
    lost: receiver.lost,
  };
}
