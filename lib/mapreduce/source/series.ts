/**
 * One series of a source: waits for its start marker, gives its frames up to the end marker, throws away the rest until the next map
 * (spec mapreduce.md 7). Pure.
 */

import type { Protocol, SourceFrame } from './types.ts';

export interface SeriesCounts {
  /** Messages in all. */
  messages: number;
  /** Messages that became frames, or parts of them. */
  used: number;
  /** Frames given. */
  frames: number;
  /** Messages before the start marker, and behind the end marker. */
  before: number;
  after: number;
  /** Messages of a type that is nobody's frame. */
  skipped: number;
  /** Messages that could not be read. */
  bad: number;
  /** A second start marker within a series. */
  unexpected: number;
}

export type SeriesState = 'waiting' | 'running' | 'ended';

const NOTHING: readonly SourceFrame[] = [];

export class Series {
  readonly counts: SeriesCounts = {
    messages: 0,
    used: 0,
    frames: 0,
    before: 0,
    after: 0,
    skipped: 0,
    bad: 0,
    unexpected: 0,
  };
  readonly #protocol: Protocol;
  #state: SeriesState = 'waiting';
  #midway = false;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  get state(): SeriesState {
    return this.#state;
  }

  /**
   * A new map: the next start marker counts.
   * @param midway the series may have begun while nobody listened: data with numbers are taken without a start marker
   */
  begin(midway = false): void {
    this.#state = 'waiting';
    this.#midway = midway;
    this.#protocol.forget();
  }

  /** A message that is too large to be read. */
  refuse(): void {
    this.counts.messages++;
    this.counts.bad++;
  }

  /** @returns the frames that this message completes */
  message(parts: readonly Buffer[]): readonly SourceFrame[] {
    const { counts } = this;
    counts.messages++;
    if (this.#state === 'ended') {
      counts.after++;
      return NOTHING;
    }
    const reading = this.#protocol.read(parts);
    if (reading.kind === 'frames') return this.#frames(reading.frames);
    if (reading.kind === 'part') counts.used++;
    else counts[reading.kind]++;
    return NOTHING;
  }

  #frames(frames: readonly SourceFrame[]): readonly SourceFrame[] {
    const { counts } = this;
    const [first] = frames;
    if (first === undefined) {
      counts.used++;
      return NOTHING;
    }
    if (this.#state === 'waiting') {
      const joins = first.mark === 'start' || (this.#midway && first.mark === 'data' && first.number !== undefined);
      if (!joins) {
        counts.before++;
        return NOTHING;
      }
      this.#state = 'running';
    } else if (first.mark === 'start') {
      counts.unexpected++;
      return NOTHING;
    }
    if (first.mark === 'end') this.#state = 'ended';
    counts.used++;
    counts.frames += frames.length;
    return frames;
  }
}
