/** What the manager deals: dgrams as they are, or simulated events. */

import { DgramReader } from '../../stream/dgram-reader.ts';
import { openStream } from '../../stream/open.ts';
import type { StreamOptions } from '../../stream/options.ts';
import type { ByteSource } from '../../stream/source.ts';
import { Fields } from '../../xtc/fields.ts';
import { SERVICE, serviceName } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import { type EventOptions, openEvents } from '../source/open.ts';
import type { EventSource } from '../source/types.ts';
import type { SourceSpec } from '../types.ts';
import type { EventData } from './batch.ts';

/** Where events go: each call may have to wait. */
export interface FeedTaker {
  event(event: EventData, time: number): Promise<void> | undefined;
  transition(name: string, dgram: Buffer): Promise<void> | undefined;
  /** Memory of the events so far is used again behind it. */
  turn(): void;
}

export interface Feed {
  readonly name: string;
  /** What simulated events consist of; empty for dgrams. */
  readonly fields: readonly string[];
  run(taker: FeedTaker): Promise<void>;
  readonly faults: number;
  words(): readonly string[];
  close(): void;
}

/** @throws InputError, UsageError */
export async function openFeed(url: string, sources: readonly SourceSpec[], options: EventOptions): Promise<Feed> {
  if (/^(random|static):/.test(url)) return new SimulatedFeed(await openEvents(url, sources, options), sources);
  return new DgramFeed(await openStream(url, options), sources, options);
}

class DgramFeed implements Feed {
  readonly fields = [];
  readonly #reader: DgramReader;
  readonly #sources: readonly SourceSpec[];
  readonly #described: Fields;
  readonly #walker = new Walker();
  #configured = false;

  constructor(source: ByteSource, sources: readonly SourceSpec[], { lifecycle }: StreamOptions) {
    this.#reader = new DgramReader(source, lifecycle ? { stop: lifecycle.stop } : {});
    this.#sources = sources;
    this.#described = new Fields(sources);
  }

  get name(): string {
    return this.#reader.name;
  }

  get faults(): number {
    return this.#reader.findings.filter(({ severity }) => severity === 'error').length;
  }

  words(): readonly string[] {
    const unknown = this.#configured ? this.#described.neverDescribed.map((i) => this.#sources[i]!.from) : [];
    return [
      ...this.#reader.findings.map(({ code, offset, detail }) => `${code} at ${offset}: ${detail}`),
      ...unknown.map((from) => `nothing in the input is called ${from}`),
    ];
  }

  async run(taker: FeedTaker): Promise<void> {
    const reader = this.#reader;
    do {
      while (reader.next()) {
        const { dgram } = reader;
        const wait =
          dgram.service === SERVICE.L1Accept
            ? taker.event({ kind: 'dgram', bytes: dgram.slice() }, dgram.sec + dgram.nsec / 1e9)
            : this.#transition(taker);
        if (wait) await wait;
      }
      taker.turn();
    } while (await reader.fill());
  }

  #transition(taker: FeedTaker): Promise<void> | undefined {
    const { dgram } = this.#reader;
    if (dgram.service === SERVICE.Configure) {
      this.#described.forget();
      this.#walker.walk(dgram, this.#described);
      this.#configured = true;
    }
    return taker.transition(serviceName(dgram.service), dgram.slice());
  }

  close(): void {
    this.#reader.close();
  }
}

const NO_DGRAM = Buffer.alloc(0);

class SimulatedFeed implements Feed {
  readonly fields: readonly string[];
  readonly #source: EventSource;

  constructor(source: EventSource, sources: readonly SourceSpec[]) {
    this.#source = source;
    this.fields = sources.map(({ from }) => from);
  }

  get name(): string {
    return this.#source.name;
  }

  readonly faults = 0;

  words(): readonly string[] {
    return this.#source.words();
  }

  run(taker: FeedTaker): Promise<void> {
    return this.#source.run({
      event: (values, time) => taker.event({ kind: 'values', values }, time),
      transition: (name) => taker.transition(name, NO_DGRAM),
      turn: () => {
        taker.turn();
        return undefined;
      },
    });
  }

  close(): void {
    this.#source.close();
  }
}
