/** `--depth auto`: how many events a worker may hold (spec mapreduce.md 3). Pure: reports in, a number out. */

import type { ProcessingTimes } from '../redis/reports.ts';

/** Work that a worker should have at hand, so that it does not wait for the controller. */
const AT_HAND_SECONDS = 0.02;
const MOST = 64;
/** Share of the newest report in the estimate. */
const NEWEST = 0.3;

/** Depth for workers that need `seconds` per event; 1 while that is not known. */
export function depthFor(seconds: number | undefined): number {
  if (seconds === undefined) return 1;
  return Math.min(MOST, Math.max(1, Math.round(AT_HAND_SECONDS / Math.max(seconds, AT_HAND_SECONDS / MOST))));
}

/**
 * A new estimate of the seconds per event.
 * @param before the last one, if there is one
 */
export function secondsPerEvent(before: number | undefined, times: ProcessingTimes): number | undefined {
  const { assemble_event, custom_code, send_result, no_events } = times;
  if (no_events <= 0) return before;
  const now = Math.max(0, assemble_event + custom_code + send_result) / no_events;
  return before === undefined ? now : before + NEWEST * (now - before);
}
