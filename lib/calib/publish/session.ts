/** From "a run begins" to "its constants are out": what is wanted, where it comes from, who gets it. */

import { DaqError } from '../../errors.ts';
import type { ConstantFetcher } from '../fetch.ts';
import { constantSet } from '../set.ts';
import type { ConstantSet, DetectorWanted } from '../types.ts';
import { detectorsOf, type Segment, uniqueId } from '../wanted.ts';
import type { ServedName } from './endpoint.ts';
import type { RunEvents } from './follow-stream.ts';
import type { Publisher } from './publisher.ts';

/** What one publisher answers for: the segments of a DRP, or whole detectors. */
export type Scope = 'drp' | 'detector';

export interface SessionOptions {
  fetcher: ConstantFetcher;
  publisher: Publisher;
  /** Detectors that are known from the start, with all serial numbers. */
  wanted: readonly DetectorWanted[];
  /** Of a stream's detectors only these are wanted; empty for all. */
  served: readonly ServedName[];
  scope: Scope;
  /** Fetch what the next run will need as soon as that can be known. */
  prefetch: boolean;
  /** Known from the command line, for `prefetch` before the first run. */
  exp: string | undefined;
  say: (message: string) => void;
}

export class Session implements RunEvents {
  private readonly options: SessionOptions;
  private wanted: readonly DetectorWanted[];
  private exp: string | undefined;
  private run = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.wanted = options.wanted;
    this.exp = options.exp;
  }

  /** @throws DataError `calib-segments` if serial numbers are missing or contradict each other */
  async configure(segments: readonly Segment[]): Promise<void> {
    const { wanted, scope, served, prefetch, say } = this.options;
    if (wanted.length === 0) this.wanted = detectorsOf(segmentsServed(segments, served, say), scope);
    if (prefetch && this.exp !== undefined) await this.prefetch(this.exp, this.run + 1);
  }

  /**
   * Fetches and publishes.
   * @returns the set that is out, once the expected subscribers are there or are waited for no longer
   * @throws DaqError if the source failed and nothing shall be published
   */
  async publish(exp: string | undefined, run: number): Promise<ConstantSet> {
    const { publisher, say } = this.options;
    publisher.begin(exp, run);
    if (exp === undefined) say('this BeginRun says neither experiment nor run: no constants are published for it');
    const set = exp === undefined ? this.none() : await this.options.fetcher.constants(exp, run, this.wanted);
    this.exp = exp ?? this.exp;
    this.run = run;
    await publisher.publish(set);
    return set;
  }

  async begin(exp: string | undefined, run: number): Promise<void> {
    await this.publish(exp, run);
  }

  end(): void {
    this.options.publisher.end();
  }

  /** Brings contents into the cache; a failure will show at BeginRun if it matters. */
  async prefetch(exp: string, run: number): Promise<void> {
    try {
      await this.options.fetcher.constants(exp, run, this.wanted);
    } catch (error) {
      if (!(error instanceof DaqError)) throw error;
      this.options.say(`constants could not be fetched ahead: ${error.message}`);
    }
  }

  /** What existing publishers send without runinfo: the detectors, and nothing for them. */
  private none(): ConstantSet {
    const detectors = this.wanted.map(
      (detector) => [detector.name, { id: uniqueId(detector, undefined), constants: new Map() }] as const,
    );
    return constantSet(undefined, 0, new Map(detectors));
  }
}

/** Of all segments those that shall be served: of a detector all, or the one that was named. */
export function segmentsServed(
  segments: readonly Segment[],
  served: readonly ServedName[],
  say: (message: string) => void,
): readonly Segment[] {
  if (served.length === 0) return segments;
  for (const { detector } of served) {
    if (!segments.some(({ name }) => name === detector)) say(`there is no detector ${detector}: it gets no constants`);
  }
  return segments.filter(({ name, segment }) =>
    served.some((one) => one.detector === name && (one.segment === undefined || one.segment === segment)),
  );
}
