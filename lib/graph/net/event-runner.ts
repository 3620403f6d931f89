/** Events as they come in messages, into a worker: fields are cut out of dgrams, transitions act. No sockets. */

import { DataError } from '../../errors.ts';
import { Dgram } from '../../xtc/dgram.ts';
import { Fields } from '../../xtc/fields.ts';
import { Walker } from '../../xtc/walk.ts';
import type { CompiledGraph } from '../compile/compiled.ts';
import type { Answer } from '../run/answer.ts';
import { CLOSING } from '../run/dealer.ts';
import { type FailureReport, Worker } from '../run/worker.ts';
import type { SourceSpec } from '../types.ts';
import { eachDgram } from './batch.ts';
import type { MessageOf, Welcome } from './messages.ts';

export class EventRunner {
  readonly #worker: Worker;
  readonly #walker = new Walker();
  readonly #dgram = new Dgram();
  readonly #simulated: readonly string[];
  #sources: readonly SourceSpec[] = [];
  #fields: Fields | undefined;
  /** Simulated events: which field each source takes. */
  #taken: readonly number[] = [];

  constructor(id: number, graph: CompiledGraph, welcome: Welcome, onFailure: (report: FailureReport) => void) {
    const { heartbeat, run, fields, configure } = welcome;
    this.#worker = new Worker(id, graph, onFailure, { heartbeat, run });
    this.#simulated = fields;
    this.#follow();
    if (configure.length > 0) this.#describe(configure);
  }

  /** Events since the last answer. */
  get gathered(): number {
    return this.#worker.gathered;
  }

  /** @throws DataError `graph-events` if numbers and dgrams do not fit each other */
  events({ numbers, dgrams }: MessageOf<'events'>): void {
    const fields = this.#fields;
    if (!fields) throw new DataError('graph-events', 'dgrams came, but the manager said simulated events');
    const worker = this.#worker;
    let count = 0;
    const whole = eachDgram(asBuffer(dgrams), this.#dgram, (i) => {
      count++;
      fields.clear();
      this.#walker.walk(this.#dgram, fields);
      worker.event(numbers[i]!, fields.values);
    });
    if (!whole || count !== numbers.length)
      throw new DataError('graph-events', `${count} whole dgrams came for ${numbers.length} events`);
  }

  values({ numbers, values }: MessageOf<'values'>): void {
    for (const [i, event] of values.entries()) {
      this.#worker.event(
        numbers[i]!,
        this.#taken.map((at) => event[at]),
      );
    }
  }

  transition({ name, dgram }: MessageOf<'transition'>): void {
    if (name === 'Configure') this.#fields?.forget();
    if (dgram.length > 0) this.#describe(dgram);
    if (name === 'Configure') this.#worker.configure();
    else if (CLOSING.has(name)) this.#worker.transition(name);
  }

  change(graph: CompiledGraph, from: number): void {
    this.#worker.change(graph, from);
    this.#follow();
  }

  issue(heartbeat: number): Answer {
    const answer = this.#worker.issue(heartbeat);
    this.#follow();
    return answer;
  }

  /** The graph in force says which fields are wanted. */
  #follow(): void {
    const { sources } = this.#worker.graph;
    if (sources === this.#sources) return;
    this.#sources = sources;
    if (this.#simulated.length > 0) this.#taken = sources.map(({ from }) => this.#simulated.indexOf(from));
    else this.#fields = new Fields(sources);
  }

  #describe(dgram: Uint8Array): void {
    const fields = this.#fields;
    eachDgram(asBuffer(dgram), this.#dgram, () => {
      if (fields) fields.transition(() => this.#walker.walk(this.#dgram, fields));
      else this.#walker.walk(this.#dgram, {});
    });
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
