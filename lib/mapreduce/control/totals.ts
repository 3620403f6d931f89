/**
 * What has become of the events of a map (spec mapreduce.md 12), and which of them are not complete: events = whole + damaged + incomplete +
 * unfinished.
 */

import { Intervals } from '../../intervals.ts';
import type { Formation } from './formation.ts';

export interface MapTotals {
  readonly events: number;
  /** Complete and whole. */
  readonly whole: number;
  /** Complete, but a share was lost or its payload failed. */
  readonly damaged: number;
  /** Complete and not damaged, but a frame was missing and the payload, which does not take that, was not called. */
  readonly incomplete: number;
  readonly unfinished: number;
  readonly lostShares: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly stray: number;
  readonly repeatedReports: number;
}

export const NO_EVENTS: MapTotals = {
  ...{ events: 0, whole: 0, damaged: 0, incomplete: 0, unfinished: 0, lostShares: 0, duplicates: 0 },
  ...{ refused: 0, stray: 0, repeatedReports: 0 },
};

export function totalsOf({ assigner, damaged, incomplete, counts }: Formation): MapTotals {
  const { ledger, events, workers } = assigner;
  // An event may be known as damaged or incomplete while another of its shares is still out.
  const open = openPublished(ledger);
  const damagedAndComplete = damaged.filter((event) => event < assigner.front && !open.has(event));
  const others = [...open, ...damagedAndComplete].filter((event) => incomplete.has(event));
  const incompleteOnly = incomplete.count - others.length;
  return {
    events: events.total,
    whole: ledger.complete - damagedAndComplete.length - incompleteOnly,
    damaged: damagedAndComplete.length,
    incomplete: incompleteOnly,
    unfinished: events.total - ledger.complete,
    lostShares: ledger.counts.lost,
    duplicates: ledger.duplicates,
    refused: counts.refused,
    stray: workers.stray,
    repeatedReports: counts.repeated,
  };
}

/** Events that are published and not complete. */
function openPublished({ records }: Formation['assigner']['ledger']): ReadonlySet<number> {
  const open = new Set<number>();
  for (const [event, { complete }] of records) if (!complete) open.add(event);
  return open;
}

export function sumOf(a: MapTotals, b: MapTotals): MapTotals {
  const names = Object.keys(a) as (keyof MapTotals)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as MapTotals;
}

/** Events that are not complete, ascending. */
export function openEvents({ assigner }: Formation): Intervals {
  const { ledger, front, events } = assigner;
  const open = new Intervals(front < events.total ? [[front, events.total - 1]] : []);
  for (const event of openPublished(ledger)) open.add(event);
  return open;
}

const MOST_RANGES = 20;

/** `3, 7-12, 15`; of very many the first. */
function rangesText({ ends }: Intervals): string {
  const shown = ends.slice(0, MOST_RANGES).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return shown.join(', ') + (ends.length > MOST_RANGES ? `, and ${ends.length - MOST_RANGES} more ranges` : '');
}

/** For a map that ends before it is done; undefined if it is. */
export function unfinishedText(formation: Formation): string | undefined {
  const { unfinished } = totalsOf(formation);
  return unfinished === 0 ? undefined : `${unfinished} events were not complete: ${rangesText(openEvents(formation))}`;
}
