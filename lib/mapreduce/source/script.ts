/**
 * A user's class as a source (spec mapreduce.md 7, kind script): generators of frames, one per stream. A stream may say that it is software
 * triggered: then a second generator makes its frames, once per event that wants one, for all such streams together.
 */

import { MISSING, type StreamData } from '../frames/types.ts';
import type { SourceFrame } from './types.ts';

/** What a generator of a stream gives; undefined: it has ended. */
export type ScriptItem = StreamData | 'triggered' | undefined;

/** The class, wherever it runs. What user code raises is the message of what is thrown. */
export interface ScriptRuntime {
  /** A new object for a new map. */
  begin(streams: readonly string[]): Promise<void>;
  next(stream: string): Promise<ScriptItem>;
  /** Frames of one event; undefined: there will be no more. */
  trigger(event: number): Promise<ReadonlyMap<string, StreamData> | undefined>;
  close(): Promise<void>;
}

/** The frames of one stream, as an endless queue with an end. */
class Side {
  kind: 'unknown' | 'driven' | 'triggered' = 'unknown';
  /** undefined: the end. */
  readonly frames: (SourceFrame | undefined)[] = [];
  pulling = false;
  wake = () => {};

  put(frame: SourceFrame | undefined): void {
    this.frames.push(frame);
    this.wake();
  }
}

interface Wanted {
  readonly event: number;
  readonly streams: Set<string>;
}

/** One upstream of an ingester for its life; `begin` for each map. */
export class Script {
  readonly #runtime: ScriptRuntime;
  readonly #say: (text: string) => void;
  #sides = new Map<string, Side>();
  /** Events that want a frame, in order, from the first that is not answered on. */
  #wanted: Wanted[] = [];
  #triggering = false;

  constructor(runtime: ScriptRuntime, say: (text: string) => void) {
    this.#runtime = runtime;
    this.#say = say;
  }

  /** A new map. What the old one was waiting for ends. @param streams those that the map uses */
  async begin(streams: readonly string[]): Promise<void> {
    for (const side of this.#sides.values()) side.put(undefined);
    this.#sides = new Map(streams.map((stream) => [stream, new Side()]));
    this.#wanted = [];
    try {
      await this.#runtime.begin(streams);
    } catch (error) {
      this.#say((error as Error).message);
      for (const side of this.#sides.values()) side.put(undefined);
    }
  }

  /** Frames of a stream up to the end of its generator, or of the map. */
  async *frames(stream: string): AsyncGenerator<SourceFrame> {
    const side = this.#sides.get(stream);
    if (side === undefined) return;
    let first = true;
    while (this.#sides.get(stream) === side) {
      if (side.kind !== 'triggered' && side.frames.length === 0 && !side.pulling) void this.#pull(stream, side);
      while (side.frames.length === 0)
        await new Promise<void>((wake) => {
          side.wake = wake;
        });
      const frame = side.frames.shift();
      if (frame === undefined) return;
      yield first && frame.typ !== MISSING.typ ? { ...frame, mark: 'start' } : frame;
      first = false;
    }
  }

  async #pull(stream: string, side: Side): Promise<void> {
    let item: ScriptItem;
    side.pulling = true;
    try {
      item = await this.#runtime.next(stream);
    } catch (error) {
      this.#say(`stream ${stream}: ${(error as Error).message}`);
    }
    side.pulling = false;
    side.kind = item === 'triggered' ? 'triggered' : 'driven';
    if (item !== 'triggered') side.put(item && { ...item, mark: 'data' });
    void this.#trigger();
  }

  /** Nobody reads the stream any more. */
  leave(stream: string): void {
    this.#sides.get(stream)?.put(undefined);
  }

  /** An event that wants the next frame of a stream; in order of the events. */
  wanted(event: number, stream: string): void {
    const last = this.#wanted.at(-1);
    if (last?.event === event) last.streams.add(stream);
    else this.#wanted.push({ event, streams: new Set([stream]) });
    // The other streams of the event are told in the same turn.
    setImmediate(() => void this.#trigger());
  }

  async #trigger(): Promise<void> {
    if (this.#triggering) return;
    this.#triggering = true;
    const sides = this.#sides;
    for (let next = this.#wanted[0]; next !== undefined && this.#sides === sides; next = this.#wanted[0]) {
      const wanting = [...next.streams].map((name) => ({ name, side: sides.get(name)! }));
      // Whether a stream is triggered is known when its generator has said the first thing.
      if (wanting.some(({ side }) => side.kind === 'unknown')) break;
      this.#wanted.shift();
      const triggered = wanting.filter(({ side }) => side.kind === 'triggered');
      if (triggered.length === 0) continue;
      const made = await this.#made(next.event);
      for (const { name, side } of triggered)
        side.put(made === undefined ? undefined : { ...(made.get(name) ?? MISSING), mark: 'data' });
    }
    this.#triggering = false;
    if (this.#sides !== sides) void this.#trigger();
  }

  /** Nothing for an event for which user code raised. */
  async #made(event: number): Promise<ReadonlyMap<string, StreamData> | undefined> {
    try {
      return await this.#runtime.trigger(event);
    } catch (error) {
      this.#say(`event ${event}: ${(error as Error).message}`);
      return new Map();
    }
  }

  close(): Promise<void> {
    for (const side of this.#sides.values()) side.put(undefined);
    this.#sides = new Map();
    return this.#runtime.close();
  }
}
