/** Several recordings as one series of events: by lowest number, all messages of that number together (spec mapreduce.md 10). */

import type { StreamData } from '../frames/types.ts';
import type { RecordedEvent } from '../record/event-item.ts';

/** A recording, or a source class. */
export interface Source extends AsyncIterable<RecordedEvent> {
  readonly name: string;
}

export interface MergedEvent {
  readonly event_number: number;
  readonly streams: ReadonlyMap<string, StreamData>;
}

/** What a source has given. */
export interface SourceCount {
  readonly name: string;
  messages: number;
  /** Streams that another source had for the same event. */
  repeated: number;
  /** Number of its last event; undefined: it had none. */
  last: number | undefined;
}

export class Merge {
  readonly counts: readonly SourceCount[];
  readonly #sources: readonly Source[];

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
    this.counts = sources.map(({ name }) => ({ name, messages: 0, repeated: 0, last: undefined }));
  }

  /** Sources that ended before the last event. */
  get short(): readonly SourceCount[] {
    const last = Math.max(...this.counts.map((count) => count.last ?? -1));
    return this.counts.filter((count) => (count.last ?? -1) < last);
  }

  /** Ends with the longest source. What a source has twice, or out of order, is an event of its own. */
  async *[Symbol.asyncIterator](): AsyncGenerator<MergedEvent> {
    const iterators = this.#sources.map((source) => source[Symbol.asyncIterator]());
    const heads = await Promise.all(iterators.map((one, i) => this.#next(one, i)));
    for (;;) {
      const numbers = heads.flatMap((head) => head?.event_number ?? []);
      if (numbers.length === 0) return;
      const event_number = Math.min(...numbers);
      const streams = new Map<string, StreamData>();
      for (const [i, head] of heads.entries()) {
        if (head?.event_number !== event_number) continue;
        for (const [name, data] of head.streams) {
          if (streams.has(name)) this.counts[i]!.repeated++;
          else streams.set(name, data);
        }
        heads[i] = await this.#next(iterators[i]!, i);
      }
      yield { event_number, streams };
    }
  }

  async #next(iterator: AsyncIterator<RecordedEvent>, i: number): Promise<RecordedEvent | undefined> {
    const next = await iterator.next();
    if (next.done) return undefined;
    const count = this.counts[i]!;
    count.messages++;
    count.last = Math.max(count.last ?? 0, next.value.event_number);
    return next.value;
  }
}
