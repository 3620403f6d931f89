/** What `--metrics` shows of teb-decide; names of the existing system where the meaning is the same (spec teb.md, 10). */

import type { Meter } from '../../cli/metrics.ts';
import { LIMIT } from '../wire/layout.ts';
import type { Teb } from './teb.ts';

type Tally = Readonly<Record<string, number>>;

/** @param age of the oldest open event, ms */
export function tebMeters(teb: Teb, sources: readonly number[], age: () => number): Meter[] {
  const { builder } = teb;
  const now = () => teb.counts;
  const counter = (name: string, help: string, value: () => number) => meter('counter', name, help, value);
  const gauge = (name: string, help: string, value: () => number) => meter('gauge', name, help, value);
  const labelled = (kind: Meter['kind'], name: string, label: string, help: string, value: () => Tally): Meter => ({
    ...meter(kind, name, help, value),
    label,
  });
  const perMeb = (make: (meb: number) => Meter): Meter[] => Array.from({ length: LIMIT.mebs }, (_, meb) => make(meb));
  return [
    counter('TEB_EvtCt', 'L1Accepts that were built', () => now().events),
    counter('TEB_TrCt', 'transitions and SlowUpdates that were built', () => now().transitions),
    counter('TEB_SpltCt', 'split events; there are none', () => 0),
    counter('TEB_BatCt', 'batches of results written to the first output', () => teb.batches),
    counter('TEB_WrtCt', 'events to be recorded', () => now().persisted),
    counter('TEB_MonCt', 'events given to a monitor', () => now().monitored.reduce((total, count) => total + count, 0)),
    counter('TEB_nMonCt', 'events that wished for a monitor and got none', () => now().monDenied),
    ...perMeb((meb) => counter(`TEB_MebCt${meb}`, `events given to monitor ${meb}`, () => now().monitored[meb]!)),
    counter('TEB_PsclCt', 'events recorded by prescale', () => now().prescaled),
    gauge('TEB_trg_dt', 'time of the last decision, ns per event', () => teb.last?.decideNs ?? 0),
    gauge('TEB_EvtLat', 'from first contribution to result, last batch, microseconds', () => teb.last?.latencyUs ?? 0),
    gauge('TEB_BtEnt', 'events in the last batch to the decider', () => teb.last?.entries ?? 0),
    ...perMeb((meb) =>
      gauge(`TEB_MBufCt${meb}`, `free buffers of monitor ${meb}`, () => teb.dealer?.freeBuffers(meb) ?? 0),
    ),
    counter('EB_FxUpCt', 'events that lack contributions', () => now().fixedUp),
    counter('EB_ToEvCt', 'events closed by age or skew', () => now().timedOut),
    gauge('EB_CbMsMk', 'missing sources of the last event that lacked some', () => maskNumber(builder.lastMissing)),
    gauge('EB_EvAge', 'age of the oldest open event, ms', age),
    gauge('EB_EvOcCt', 'open events', () => builder.openEvents),
    labelled('counter', 'teb_rejected', 'reason', 'contributions that were not taken', () => now().rejected),
    labelled('counter', 'teb_missing', 'source', 'contributions that did not come', () => now().missing),
    labelled('counter', 'teb_prim_bad', 'source', 'primitives that could not be used', () => now().primBad),
    labelled('gauge', 'teb_watermark', 'source', 'largest pulse id shown', () =>
      Object.fromEntries(sources.map((source) => [source, builder.watermark(source)])),
    ),
    labelled('gauge', 'teb_awaited', 'source', '1 if the oldest event waits for it', () =>
      Object.fromEntries(sources.map((source) => [source, builder.awaited === source ? 1 : 0])),
    ),
    counter('teb_decider_restarts', 'restarts of the decider', () => now().restarts),
    counter('teb_forced', 'events decided by --on-error', () => now().forced),
    counter('teb_stale_answer', 'answers for events that nobody waits for', () => now().staleAnswers),
    counter('teb_mon_denied', 'events that wished for a monitor and got none', () => now().monDenied),
    counter('teb_bad_frame', 'messages or lines that were no contributions', () => now().badFrames),
    counter('teb_lost_source', 'connections that broke', () => now().lostSources),
  ];
}

function meter(kind: Meter['kind'], name: string, help: string, value: Meter['value']): Meter {
  return { name, help, kind, value, exact: true };
}

function maskNumber({ low, high }: { low: number; high: number }): number {
  return (low >>> 0) + (high >>> 0) * 2 ** 32;
}
