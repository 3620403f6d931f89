/** One map on an ingester: its sources run, its events come, messages go out; until the next map (spec mapreduce.md 1). */

import { DataError } from '../../errors.ts';
import type { ItemWriter } from '../record/writer.ts';
import { openSource, type Source, type SourceOptions } from '../source/open.ts';
import type { SeriesCounts } from '../source/series.ts';
import { withoutDone } from '../transport/items.ts';
import type { Feed, IngesterLink, Passed } from '../transport/types.ts';
import type { Ingester } from './ingester.ts';
import type { Recorder } from './recorder.ts';
import type { WorkerRouter } from './router.ts';

export interface ScanParts {
  readonly ingester: Ingester;
  readonly router: WorkerRouter;
  readonly recorder: Recorder;
  readonly link: IngesterLink;
  /** Of the streams that the map uses. */
  readonly sources: readonly SourceOptions[];
  readonly captures: ReadonlyMap<string, ItemWriter>;
  /** Lowest event and what is settled, for a process that begins amid a map; undefined: from the beginning. */
  readonly settled: ((first: number) => Promise<ReadonlyMap<string, number>>) | undefined;
  /** The controller is one of ours. */
  readonly saysOver: boolean;
  /** Seconds after which a stream that is silent since we began amid a map counts as over; 0: never. */
  readonly resumeWait: number;
  readonly say: (text: string) => void;
  readonly failed: (error: unknown) => void;
  /** Something that the configuration shows has changed. */
  readonly changed: () => void;
}

export class Scan {
  /** What the sources saw, by stream. */
  readonly series = new Map<string, SeriesCounts>();
  readonly #parts: ScanParts;
  readonly #sources: Source[] = [];
  /** Those that make frames for events. */
  readonly #makers = new Map<string, Source>();
  readonly #waiting = new Map<string, () => void>();
  #running: Promise<unknown>[] = [];
  #closed = false;
  #heldFrom: number | null = null;

  constructor(parts: ScanParts) {
    this.#parts = parts;
  }

  /** Opens the sources and takes events. @throws UsageError, InputError if a source cannot be opened */
  async begin(): Promise<void> {
    const { ingester, sources, settled, saysOver } = this.#parts;
    const streams = new Set(sources.map(({ stream }) => stream));
    if (settled === undefined) {
      ingester.begin({ streams, saysOver });
      await this.#openSources(false);
    }
    this.#run(this.#takeEvents(streams));
  }

  async #openSources(midway: boolean): Promise<void> {
    for (const options of this.#parts.sources) {
      const capture = this.#parts.captures.get(options.stream);
      const source = await openSource(
        capture ? { ...options, capture: (message) => capture.message(message) } : options,
        midway,
      );
      if (this.#closed) return source.close();
      this.#sources.push(source);
      if (source.wanted) this.#makers.set(options.stream, source);
      if (source.counts) this.series.set(options.stream, source.counts);
      const silence = midway ? this.#silence(options.stream) : undefined;
      this.#run(this.#takeFrames(options.stream, source, capture, silence));
    }
  }

  #run(task: Promise<void>): void {
    this.#running.push(
      task.catch((error: unknown) => {
        if (!this.#closed) this.#parts.failed(error);
      }),
    );
  }

  async #takeEvents(streams: ReadonlySet<string>): Promise<void> {
    const { link, ingester, settled, saysOver } = this.#parts;
    let begun = settled === undefined;
    for await (const { events, over, spare, passed, afterHello } of link.feed()) {
      if (this.#closed) return;
      let open = events;
      const first = passed ? 0 : events[0]?.event_number;
      if (!begun && settled && first !== undefined) {
        begun = true;
        open = withoutDone(events, over, await link.done());
        ingester.begin({ streams, saysOver, settled: await settled(first) });
        await this.#openSources(true);
      }
      const { next } = ingester;
      if (passed) open = this.#pass(passed, open);
      ingester.give(open, afterHello);
      if (this.#makers.size > 0) this.#tellMakers(open.filter(({ event_number }) => event_number >= next));
      ingester.spare(spare);
      ingester.over(over);
      this.#flush();
    }
  }

  /** @returns events behind those that are passed over */
  #pass({ before, places }: Passed, events: readonly Feed[]): readonly Feed[] {
    const { ingester } = this.#parts;
    const later = events.findIndex(({ event_number }) => event_number >= before);
    const count = later < 0 ? events.length : later;
    const start = events.slice(0, count);
    ingester.give(start);
    // Who makes frames for events is not asked for these.
    ingester.pass(Object.fromEntries(Object.entries(places).filter(([stream]) => !this.#makers.has(stream))));
    this.#tellMakers(start.filter(({ origin }) => origin === null));
    return events.slice(count);
  }

  /** The rest of a series may have gone with the process before us: nobody would ever say so. */
  #silence(stream: string): NodeJS.Timeout | undefined {
    const { resumeWait, say, ingester } = this.#parts;
    if (resumeWait === 0) return undefined;
    const giveUp = () => {
      if (this.#closed) return;
      say(`stream ${stream}: nothing has come for ${resumeWait} s; events that wait for it get it as missing`);
      ingester.finish(stream);
      this.#flush();
    };
    return setTimeout(giveUp, resumeWait * 1000).unref();
  }

  /** @param silence ends with the first frame */
  async #takeFrames(
    stream: string,
    source: Source,
    capture: ItemWriter | undefined,
    silence: NodeJS.Timeout | undefined,
  ): Promise<void> {
    const { ingester, recorder } = this.#parts;
    const lane = ingester.lanes.get(stream)!;
    for await (const frames of source) {
      if (this.#closed) return;
      if (frames.length > 0) clearTimeout(silence);
      for (const frame of frames) ingester.arrive(stream, frame);
      this.#flush();
      if (lane.stopped) throw gapError(stream, lane.stopped);
      if (!lane.options.lossy && !this.#hasRoom(stream)) await this.#room(stream);
      await recorder.room();
      if (capture?.full) await capture.drain();
    }
    if (this.#closed) return;
    // A file has ended, or an input that cannot come again: nobody must wait for more.
    ingester.finish(stream);
    this.#flush();
  }

  /** @param feeds events that are new */
  #tellMakers(feeds: readonly Feed[]): void {
    for (const { event_number, assignments } of feeds)
      for (const stream of Object.keys(assignments)) this.#makers.get(stream)?.wanted?.(event_number);
  }

  #hasRoom(stream: string): boolean {
    const { ingester } = this.#parts;
    return ingester.lanes.get(stream)!.room && !ingester.blocked;
  }

  #room(stream: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(stream, resolve));
  }

  /** Messages that have been made meanwhile go out. */
  flush(): void {
    if (!this.#closed) this.#flush();
  }

  #flush(): void {
    const { ingester, router, changed } = this.#parts;
    for (const message of ingester.takeMessages()) router.send(message);
    for (const [stream, wake] of this.#waiting) {
      if (!this.#hasRoom(stream)) continue;
      this.#waiting.delete(stream);
      wake();
    }
    if (ingester.heldFrom === this.#heldFrom) return;
    this.#heldFrom = ingester.heldFrom;
    changed();
  }

  /** Nothing more is read or sent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of this.#sources) source.close();
    for (const wake of this.#waiting.values()) wake();
    await this.#parts.link.close();
    await Promise.all(this.#running);
    this.#running = [];
  }
}

function gapError(stream: string, { expected, number }: { expected: number; number: number }): DataError {
  return new DataError('frame-gap', `stream ${stream}: frame ${number} came where frame ${expected} was due`);
}
