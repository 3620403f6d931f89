import { DgramReader } from '../../stream/dgram-reader.ts';
import type { ByteSource } from '../../stream/source.ts';
import { Fields } from '../../xtc/fields.ts';
import { SERVICE, serviceName } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';
import type { SourceSpec } from '../types.ts';
import type { EventSource, EventTaker } from './types.ts';

/** Events of an XTC2 stream: L1Accepts are events, transitions act (spec graph.md 2.9, 3.3). */
export class DgramEvents implements EventSource {
  readonly name: string;
  readonly #reader: DgramReader;
  readonly #walker = new Walker();
  readonly #fields: Fields;
  readonly #sources: readonly SourceSpec[];
  #configured = false;

  constructor(source: ByteSource, sources: readonly SourceSpec[], stop: AbortSignal | undefined) {
    this.name = source.name;
    this.#reader = new DgramReader(source, stop ? { stop } : {});
    this.#fields = new Fields(sources);
    this.#sources = sources;
  }

  /** Faults of the framing. */
  get faults(): number {
    return this.#reader.findings.filter(({ severity }) => severity === 'error').length;
  }

  words(): readonly string[] {
    const unknown = this.unknown.map((from) => `nothing in the input is called ${from}`);
    return [...this.#reader.findings.map(({ code, offset, detail }) => `${code} at ${offset}: ${detail}`), ...unknown];
  }

  /** Dgrams read so far. */
  get dgrams(): number {
    return this.#reader.framed;
  }

  /** Names of sources that no Configure has described, once one has been seen. */
  get unknown(): readonly string[] {
    return this.#configured ? this.#fields.neverDescribed.map((i) => this.#sources[i]!.from) : [];
  }

  async run(taker: EventTaker): Promise<void> {
    const reader = this.#reader;
    const fields = this.#fields;
    do {
      while (reader.next()) {
        const { dgram } = reader;
        const time = dgram.sec + dgram.nsec / 1e9;
        if (dgram.service === SERVICE.L1Accept) {
          fields.clear();
          this.#walker.walk(dgram, fields);
          const wait = taker.event(fields.values, time);
          if (wait) await wait;
        } else {
          if (dgram.service === SERVICE.Configure) fields.forget();
          fields.transition(() => this.#walker.walk(dgram, fields));
          this.#configured ||= dgram.service === SERVICE.Configure;
          const wait = taker.transition(serviceName(dgram.service), time);
          if (wait) await wait;
        }
      }
      const pause = taker.turn();
      if (pause) await pause;
    } while (await reader.fill());
  }

  close(): void {
    this.#reader.close();
  }
}
