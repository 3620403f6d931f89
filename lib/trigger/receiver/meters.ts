/** What `--metrics` shows of eb-join; names of the existing system where the meaning is the same (spec teb.md, section 10). */

import type { Meter } from '../../cli/metrics.ts';
import { damageKinds, type JoinState } from './counts.ts';

export function joinMeters(state: () => JoinState): Meter[] {
  const counter = (name: string, help: string, value: (state: JoinState) => number): Meter => ({
    name,
    help,
    kind: 'counter',
    exact: true,
    value: () => value(state()),
  });
  return [
    counter('TCtbI_EvtCt', 'events that have their fates', ({ joiner, waiting }) => joiner.events - waiting),
    counter('TCtbI_BatCt', 'reads that brought results', ({ receiver }) => receiver.batches),
    counter('TCtbI_BypCt', 'events without the common group that were recorded', ({ joiner }) => joiner.bypass),
    counter('TCtbI_MisCt', 'events whose decision did not come', ({ joiner }) => joiner.noDecision),
    {
      name: 'TCtbI_DefSz',
      help: 'events that wait for their decisions',
      kind: 'gauge',
      exact: true,
      value: () => state().waiting,
    },
    counter('DRP_Damage', 'events with damage', ({ receiver }) => receiver.damaged),
    {
      name: 'DRP_DamageType',
      help: 'events with damage, by kind',
      kind: 'counter',
      exact: true,
      label: 'type',
      value: () => Object.fromEntries(damageKinds(state().receiver)),
    },
    counter(
      'join_recorded',
      'events that were recorded',
      ({ joiner, receiver }) => joiner.recorded - receiver.droppedEmpty,
    ),
    counter('join_discarded', 'events that were not recorded, by decision', ({ joiner }) => joiner.discarded),
    {
      name: 'join_rejected',
      help: 'events that were rejected',
      kind: 'counter',
      exact: true,
      label: 'reason',
      value: () => state().joiner.rejected,
    },
    counter(
      'join_extra',
      'results for events of others',
      ({ joiner, receiver }) => joiner.extra + receiver.lateResults,
    ),
    counter('join_no_decision', 'events whose decision did not come', ({ joiner }) => joiner.noDecision),
    counter('join_dup_result', 'results that came again or went back', ({ joiner }) => joiner.dupResult),
    {
      name: 'join_waiting',
      help: 'events that wait for their decisions',
      kind: 'gauge',
      exact: true,
      value: () => state().waiting,
    },
  ];
}
