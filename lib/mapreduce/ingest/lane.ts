/**
 * One stream of an ingester: frames as they come on one side, events that want them on the other (spec mapreduce.md 3.6, 6.4). Pure.
 *
 * Frames and events meet in order. What a frame number proves to be lost takes its place in that order, so the frames behind it find
 * their own events.
 */

import { bytesOf, MISSING, type StreamData } from '../frames/types.ts';
import type { SourceFrame } from '../source/types.ts';
import { Fifo } from './fifo.ts';
import { FrameNumbers, type GapPolicy } from './gaps.ts';

export interface LaneOptions {
  readonly gaps: GapPolicy;
  /** Number of the first data frame of a series. */
  readonly firstFrame: number;
  /** Bytes of frames without an event above which there is no room. */
  readonly queue: number;
  /** The source does not wait: without room its frames are dropped. */
  readonly lossy: boolean;
  /** Every process reads it from its start: a file. */
  readonly repeats?: boolean;
}

/** Why a frame never reached a worker. */
export type DropReason =
  /** A second frame with this number; a frame whose event was given up. */
  | 'repeated'
  | 'late'
  /** No room, and a source that does not wait. */
  | 'queue'
  /** The map ended, or was replaced, before an event wanted it. */
  | 'map'
  /** Its event was over before it could be sent. */
  | 'over'
  /** Let go to make room, before it could be sent. */
  | 'evicted'
  /** Behind a gap, with `--gaps stop`. */
  | 'gap'
  /** Its place is not known: the ingester began amid a series without numbers. */
  | 'unplaced';

export interface LaneCounts {
  received: number;
  /** Handed to at least one worker. */
  sent: number;
  /** Wanted by nobody: cell `[]`. */
  discarded: number;
  readonly dropped: Partial<Record<DropReason, number>>;
  /** Events that got the stream as missing. */
  missing: number;
}

/** What an event gets of a stream. */
export interface Want {
  fill(data: StreamData): void;
  /** For so many events in a row; one unless given. */
  places?: number;
}

/** A run of events without frames. */
interface Gap {
  missing: number;
}

export class Lane {
  readonly name: string;
  readonly options: LaneOptions;
  readonly counts: LaneCounts = { received: 0, sent: 0, discarded: 0, dropped: {}, missing: 0 };
  /** Frames that an event has taken and that have no fate yet. */
  taken = 0;
  /** Events have frames enough that cannot be sent: there is no room for more. */
  choked = false;
  readonly #frames = new Fifo<StreamData | Gap>();
  readonly #wants = new Fifo<Want>();
  #bytes = 0;
  #frameCount = 0;
  #numbers: FrameNumbers;
  /** Places before the first data frame: the start frame. */
  #base = 0;
  /** Places that were settled before this process began. */
  #settled = 0;
  #joined = false;
  /** Places of a source that repeats itself that were settled before. */
  #skip = 0;
  #over = false;
  #stopped: { expected: number; number: number } | undefined;

  constructor(name: string, options: LaneOptions) {
    this.name = name;
    this.options = options;
    this.#numbers = new FrameNumbers(options.firstFrame);
  }

  /** Frames that no event has taken. */
  get waiting(): number {
    return this.#frameCount;
  }

  /** Frames without a fate. */
  get held(): number {
    return this.#frameCount + this.taken;
  }

  get room(): boolean {
    return !this.choked && this.#bytes <= this.options.queue;
  }

  /** The gap that ended it, with `--gaps stop`. */
  get stopped(): { readonly expected: number; readonly number: number } | undefined {
    return this.#stopped;
  }

  /**
   * A new map.
   * @param settled undefined: a new series. Else the ingester began amid one, and so many places of the stream were over by then; -1: nobody
   *   knows how many, and no frame can be placed
   */
  begin(settled?: number): void {
    this.end();
    this.#numbers = new FrameNumbers(this.options.firstFrame);
    const repeated = this.options.repeats === true && settled !== undefined && settled >= 0;
    this.#base = settled === undefined || repeated ? 0 : 1;
    this.#settled = settled ?? 0;
    this.#joined = settled !== undefined && !repeated;
    this.#skip = repeated ? settled : 0;
    this.#over = false;
    this.choked = false;
    this.#stopped = undefined;
    if (settled === -1) this.finish();
  }

  /** A frame of the source; its typ is MISSING if the source has none for the next event. */
  arrive(frame: SourceFrame): void {
    if (frame.typ === MISSING.typ) {
      this.#gap(1);
      return this.#meet();
    }
    this.counts.received++;
    if (this.#stopped) return this.drop('gap');
    if (this.#over) return this.drop('unplaced');
    if (frame.mark === 'data') this.#data(frame);
    else this.#marker(frame);
    this.#meet();
  }

  #marker(frame: SourceFrame): void {
    if (frame.mark === 'start') {
      // A series that begins anew: nothing was missed after all.
      this.#joined = false;
      this.#base = 1;
    }
    this.#put(frame);
    if (frame.mark === 'end') this.#over = true;
  }

  #data(frame: SourceFrame): void {
    const { gaps, lossy } = this.options;
    if (gaps !== 'ignore' && frame.number !== undefined) {
      const fate = this.#numbers.place(frame.number);
      if (fate.kind === 'dropped') return this.drop(fate.reason);
      const missing = fate.index - fate.missingFrom;
      if (this.#joined) {
        this.#joined = false;
        const place = this.#base + fate.index;
        if (place < this.#settled) return this.drop('late');
        this.#gap(place - this.#settled);
      } else if (missing > 0) {
        if (gaps === 'stop') {
          this.#stopped = { expected: this.options.firstFrame + fate.missingFrom, number: frame.number };
          return this.drop('gap');
        }
        this.#gap(missing);
      }
    } else if (this.#joined) return this.drop('unplaced');
    if (lossy && !this.room) {
      this.#gap(1);
      return this.drop('queue');
    }
    this.#put(frame);
  }

  #put(frame: StreamData): void {
    if (this.#skip > 0) {
      this.#skip--;
      return this.drop('over');
    }
    this.#frames.put(frame);
    this.#bytes += bytesOf(frame);
    this.#frameCount++;
  }

  #gap(places: number): void {
    const skipped = Math.min(this.#skip, places);
    this.#skip -= skipped;
    const missing = places - skipped;
    if (missing > 0) this.#frames.put({ missing });
  }

  /** An event that wants the next frame. */
  want(want: Want): void {
    this.#wants.put(want);
    this.#meet();
  }

  /** So many events of which nobody wants the frame. */
  pass(places: number): void {
    if (places === 0) return;
    const fill = (data: StreamData) => {
      if (data === MISSING) return;
      this.taken--;
      this.counts.discarded++;
    };
    this.#wants.put({ fill, places });
    this.#meet();
  }

  /** Nothing will come any more in this map: whoever still wants a frame gets the stream as missing. */
  finish(): void {
    this.#over = true;
    this.#meet();
  }

  /** The map is over: frames that nobody took are dropped. */
  end(): void {
    for (const item of this.#frames.clear()) if (!('missing' in item)) this.drop('map');
    this.#wants.clear();
    this.#bytes = 0;
    this.#frameCount = 0;
  }

  drop(reason: DropReason): void {
    this.counts.dropped[reason] = (this.counts.dropped[reason] ?? 0) + 1;
  }

  #meet(): void {
    for (let want = this.#wants.first; want; want = this.#wants.first) {
      const data = this.#next();
      if (data === undefined) return;
      if (want.places !== undefined && want.places > 1) want.places--;
      else this.#wants.take();
      want.fill(data);
    }
  }

  #next(): StreamData | undefined {
    const { first } = this.#frames;
    if (first === undefined) {
      if (!this.#over) return undefined;
    } else if (!('missing' in first)) {
      this.#frames.take();
      this.#bytes -= bytesOf(first);
      this.#frameCount--;
      this.taken++;
      return first;
    } else if (first.missing > 1) first.missing--;
    else this.#frames.take();
    this.counts.missing++;
    return MISSING;
  }
}
