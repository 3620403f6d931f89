/** What fetching counts (spec calib-pub.md, section 9). */

import type { Meter } from '../cli/metrics.ts';

export type RequestKind = 'list' | 'contents' | 'name';

export class FetchCounters {
  /** Requests that left, by what for. */
  readonly requests: Record<RequestKind, number> = { list: 0, contents: 0, name: 0 };
  /** Answers by HTTP status; `none` for requests that got no usable answer. */
  readonly answers: Record<string, number> = {};
  bytes = 0;
  /** Summed over requests; they overlap. */
  seconds = 0;
  retries = 0;
  /** Asked while the same was under way already. */
  shared = 0;
  memoryHits = 0;
  diskHits = 0;
  /** Files of the cache that did not have the contents they were written with. */
  diskDamaged = 0;
  diskFailures = 0;
  /** Sets that could not be kept (`--save`). */
  keepFailures = 0;
  /** Constants left out because only Python's unpickler could read them. */
  skippedAny = 0;
  /** Documents passed over because their runs, type or id make no sense. */
  badDocuments = 0;
  constants = 0;
  sets = 0;
  staleRuns = 0;
  emptyRuns = 0;
  failedRuns = 0;

  request(kind: RequestKind): void {
    this.requests[kind]++;
  }

  answer(code: string): void {
    this.answers[code] = (this.answers[code] ?? 0) + 1;
  }
}

/** The counters as meters for `--metrics`. */
export function fetchMeters(counters: FetchCounters): Meter[] {
  const counter = (name: string, help: string, value: () => number): Meter => ({ name, help, kind: 'counter', value });
  return [
    {
      name: 'http_requests_total',
      help: 'Requests to the service, by what for',
      kind: 'counter',
      label: 'kind',
      value: () => counters.requests,
    },
    {
      name: 'http_answers_total',
      help: 'Answers of the service, by status; none where nothing usable came',
      kind: 'counter',
      label: 'code',
      value: () => counters.answers,
    },
    counter('http_bytes_total', 'Bytes of answers', () => counters.bytes),
    counter('http_seconds_total', 'Time of requests, summed', () => counters.seconds),
    counter('http_retries_total', 'Requests that were repeated', () => counters.retries),
    {
      name: 'cache_hits_total',
      help: 'Contents that were not fetched, by where they came from',
      kind: 'counter',
      label: 'cache',
      value: () => ({ memory: counters.memoryHits, disk: counters.diskHits, shared: counters.shared }),
    },
    counter(
      'cache_damaged_total',
      'Files of the cache that were damaged and fetched again',
      () => counters.diskDamaged,
    ),
    counter('cache_failures_total', 'Files of the cache that could not be written', () => counters.diskFailures),
    counter('save_failures_total', 'Sets that could not be kept with --save', () => counters.keepFailures),
    counter('skipped_any_total', 'Constants left out because they are pickles', () => counters.skippedAny),
    counter('bad_documents_total', 'Documents passed over because they make no sense', () => counters.badDocuments),
    counter('constants_total', 'Constants put into sets', () => counters.constants),
    counter('stale_runs_total', 'Runs that got the constants of an earlier one', () => counters.staleRuns),
    counter('empty_runs_total', 'Runs that got none because the source failed', () => counters.emptyRuns),
    counter('failed_runs_total', 'Runs that got an error', () => counters.failedRuns),
  ];
}
