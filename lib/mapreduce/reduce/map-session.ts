/** One map of a reducer: first result of a key wins, the payload called, keys acknowledged (spec mapreduce.md 3.4). */

import type { FailureLog } from '../payload/failure-log.ts';
import type { Beginning, ReducerPayload, ResultInput } from '../payload/types.ts';
import type { Accepted } from '../redis/accepted.ts';
import type { ResultKey } from '../redis/fields.ts';
import type { ReducerLink } from '../transport/types.ts';
import { AcceptedKeys } from './accepted-keys.ts';
import type { ReducerCounts } from './counts.ts';
import type { Journal } from './journal.ts';
import type { ResultMessage } from './result-message.ts';

export interface SessionOptions {
  readonly map: string;
  readonly link: ReducerLink;
  readonly payload: ReducerPayload;
  readonly journal: Journal | undefined;
  readonly counts: ReducerCounts;
  readonly failures: FailureLog;
  readonly say: (message: string) => void;
  /** The payload cannot be brought up again, or the journal cannot be written. */
  readonly failed: (error: Error) => void;
}

/** Results that are given to the payload at once. */
const BATCH = { results: 256, bytes: 8 << 20 } as const;
/** Results that wait above which no more are taken from the socket. */
const ROOM = { results: 4096, bytes: 128 << 20 } as const;

export class ReduceSession {
  #keys = new AcceptedKeys();
  #gone = 0;
  readonly #options: SessionOptions;
  #line: ResultMessage[] = [];
  #bytes = 0;
  readonly #pending = new Set<string>();
  #running: Promise<void> | undefined;
  #roomy: (() => void)[] = [];
  #ended = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    options.payload.forgotten = () => this.#forgotten();
  }

  get map(): string {
    return this.#options.map;
  }

  /** @param before keys that were accepted by another process; the journal has what was made of them, or it is gone */
  async begin(beginning: Beginning, before: AcceptedKeys): Promise<void> {
    const { payload, counts, link, say } = this.#options;
    await payload.begin(beginning);
    const unknown: ResultKey[] = [];
    const known = before.count;
    let found = 0;
    this.#keys = before;
    for await (const batch of this.#journalled()) {
      await payload.process(batch);
      for (const result of batch) if (this.#keys.add(result.event_number, result.origin)) unknown.push(keyOf(result));
      found += batch.length;
    }
    if (unknown.length > 0) link.report(unknown);
    if (found > 0) say(`${found} results are taken from the journal`);
    counts.replayed += found;
    this.#isGone(known - (found - unknown.length));
  }

  /** Keys are many because workers take turns. */
  get isScattered(): boolean {
    return this.#keys.isScattered;
  }

  /** What the controller counts as accepted. */
  learn(accepted: Accepted): void {
    this.#keys.learn(accepted);
  }

  /** What was made of so many results went with a process. */
  #isGone(results: number): void {
    if (results <= 0) return;
    this.#gone += results;
    this.#options.counts.forgotten += results;
    const hint = this.#options.journal ? '' : ' (--replay-results FILE would keep them)';
    this.#options.say(`what was made of ${results} accepted results is gone${hint}`);
  }

  async *#journalled(): AsyncGenerator<readonly ResultMessage[]> {
    let batch: ResultMessage[] = [];
    for await (const result of this.#options.journal?.resultsOf(this.map) ?? []) {
      batch.push(result);
      if (batch.length < BATCH.results) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** The process that held what was reduced has died. */
  async *#forgotten(): AsyncGenerator<readonly ResultInput[]> {
    let found = 0;
    for await (const batch of this.#journalled()) {
      found += batch.length;
      yield batch;
    }
    this.#options.counts.replayed += found;
    this.#isGone(this.#keys.count - found - this.#gone);
  }

  /** @returns when there is room for more */
  take(results: readonly ResultMessage[]): Promise<void> | undefined {
    for (const result of results) this.#takeOne(result);
    if (this.#ended || (this.#line.length < ROOM.results && this.#bytes < ROOM.bytes)) return undefined;
    return new Promise((done) => this.#roomy.push(done));
  }

  #takeOne(result: ResultMessage): void {
    const { counts, link } = this.#options;
    const { event_number: event, origin } = result;
    if ((result.map !== null && result.map !== this.map) || this.#ended) {
      counts.stale++;
    } else if (this.#keys.has(event, origin)) {
      counts.duplicate++;
      // Whoever has sent it again may be waiting for the word.
      link.report([[event, origin]]);
    } else if (this.#pending.has(keyText(result))) {
      counts.duplicate++;
    } else {
      this.#pending.add(keyText(result));
      this.#line.push(result);
      this.#bytes += result.body.length;
      this.#running ??= this.#run();
    }
  }

  async #run(): Promise<void> {
    // What came in this turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#line.length > 0) await this.#reduce(this.#batch());
    } catch (error) {
      this.#ended = true;
      this.#options.failed(error as Error);
    } finally {
      this.#running = undefined;
      for (const done of this.#roomy.splice(0)) done();
    }
  }

  #batch(): readonly ResultMessage[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#line.length && count < BATCH.results && bytes < BATCH.bytes)
      bytes += this.#line[count++]!.body.length;
    this.#bytes -= bytes;
    return this.#line.splice(0, count);
  }

  async #reduce(batch: readonly ResultMessage[]): Promise<void> {
    const { payload, journal, counts, failures, link } = this.#options;
    const readable = batch.filter(({ encoding }) => encoding !== 'pickle' || payload.acceptsPickle);
    const outcomes = readable.length === 0 ? [] : await payload.process(readable);
    const good: ResultMessage[] = [];
    const refused: ResultMessage[] =
      batch.length === readable.length ? [] : batch.filter((one) => !readable.includes(one));
    for (const one of refused)
      failures.add(`result of event ${one.event_number}`, {
        ...{ text: 'a pickle, and --accept-pickle was not given', place: 'pickled results', traceback: '' },
      });
    for (const [i, { failure }] of outcomes.entries()) {
      const result = readable[i]!;
      if (failure) failures.add(`result of event ${result.event_number}`, failure);
      (failure ? refused : good).push(result);
    }
    if (good.length > 0) journal?.append(this.map, good);
    for (const result of batch) {
      this.#keys.add(result.event_number, result.origin);
      this.#pending.delete(keyText(result));
    }
    counts.accepted += good.length;
    counts.refused += refused.length;
    link.report(good.map(keyOf), refused.map(keyOf));
    if (this.#line.length < ROOM.results && this.#bytes < ROOM.bytes) for (const done of this.#roomy.splice(0)) done();
  }

  /** The controller has ended the map: what is here is reduced, then the finish hook, then the word that we are through. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    await this.#running;
    this.#ended = true;
    const failure = await this.#options.payload.finish();
    if (failure) this.#options.failures.add('finish', failure);
    await this.#options.link.finished();
  }

  /** Works twice. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#running;
    await this.#options.link.close();
  }
}

const keyText = ({ event_number, origin }: ResultMessage) => `${event_number} ${origin}`;
const keyOf = ({ event_number, origin }: ResultMessage): ResultKey => [event_number, origin];
