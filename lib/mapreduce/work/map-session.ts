/** One map of a worker: events in, the payload called, results and reports out (spec mapreduce.md 1, 5.1). */

import type { FailureLog } from '../payload/failure-log.ts';
import type { EventOutcome, WorkerPayload } from '../payload/types.ts';
import type { ProcessingTimes } from '../redis/reports.ts';
import type { ControllerUpdate } from '../redis/updates.ts';
import type { WorkerLink } from '../transport/types.ts';
import { type Assembled, Assembly, type IngesterMessage } from './assembly.ts';
import type { WorkerCounts } from './counts.ts';
import type { ResultLink } from './result-link.ts';
import type { Ticks } from './tick.ts';

export interface SessionOptions {
  readonly update: ControllerUpdate;
  readonly name: string;
  readonly link: WorkerLink;
  readonly payload: WorkerPayload;
  /** What the payload does with an event, wherever its frames lie. */
  readonly process: WorkerPayload['process'];
  readonly results: ResultLink;
  readonly ticks: Ticks | undefined;
  readonly counts: WorkerCounts;
  readonly failures: FailureLog;
  readonly parametersHash: () => string;
  readonly failed: () => void;
  /** A failed event ends the worker: what it has not begun goes to others. */
  readonly stopOnError: boolean;
}

const GONE_GRACE_MS = 3000;
/** The reference counts its reports; it gets one when there is nothing left to do, or after this time. */
const REPORT_MS = 1000;
const NO_TIMES = { get_assignments: 0, get_messages: 0, custom_code: 0, send_result: 0 };
const MISSING = 'MISSING';

interface Done {
  readonly event: number;
  readonly hasResult: boolean;
  readonly kind: 'done' | 'failed' | 'incomplete';
}

export class WorkSession {
  readonly #assembly: Assembly;
  readonly #options: SessionOptions;
  readonly #isOurs: boolean;
  #running = 0;
  #done: Done[] = [];
  #reporting = false;
  #lastReport = performance.now();
  #pumping = false;
  #again: NodeJS.Timeout | undefined;
  #ended = false;
  #stopped = false;
  #times = { ...NO_TIMES };
  /** Since when there is nothing to do, and whether it is work or frames that is waited for. */
  #idleSince = performance.now();
  #idleFor: 'get_assignments' | 'get_messages' | undefined = 'get_assignments';
  #given = 0;
  #settled = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#isOurs = options.update.impl === 'daqpipe';
    this.#assembly = new Assembly(options.update.mapping_uuid, options.name, options.counts.messages);
  }

  get map(): string {
    return this.#options.update.mapping_uuid;
  }

  /** Takes work until the link is closed. */
  async run(): Promise<void> {
    await this.#options.link.ready();
    const { link, counts } = this.#options;
    for await (const { given, withdrawn } of link.work()) {
      for (const one of given) this.#assembly.expect(one);
      this.#given += given.length;
      counts.given += given.length;
      // What has begun goes on; its report counts for nothing.
      const left = withdrawn.filter((one) => this.#assembly.withdraw(one));
      this.#settled += left.length;
      counts.withdrawn += left.length;
      void this.pump();
    }
  }

  message(ingester: string, message: IngesterMessage): void {
    this.#assembly.message(ingester, message);
  }

  gone(ingester: string): void {
    this.#assembly.gone(ingester, performance.now() + GONE_GRACE_MS);
    void this.pump();
  }

  back(ingester: string): void {
    this.#assembly.back(ingester);
  }

  /** Begins every event that is whole. */
  async pump(): Promise<void> {
    if (this.#pumping || this.#ended) return;
    this.#pumping = true;
    clearTimeout(this.#again);
    for (;;) {
      if (this.#options.results.full || this.#ended || this.#stopped) break;
      const now = performance.now();
      const event = this.#assembly.next(now);
      if (!event) break;
      const tick = this.#options.ticks?.isDue(now) === true && (await this.#options.ticks.take(now).catch(() => false));
      this.#begin(event, tick);
    }
    this.#pumping = false;
    this.#noteIdle();
    const { deadline } = this.#assembly;
    if (deadline !== undefined && !this.#ended)
      this.#again = setTimeout(() => void this.pump(), Math.max(1, deadline - performance.now()));
  }

  #noteIdle(): void {
    const now = performance.now();
    const reason = this.#running > 0 ? undefined : this.#assembly.waiting > 0 ? 'get_messages' : 'get_assignments';
    if (reason === this.#idleFor) return;
    if (this.#idleFor) this.#times[this.#idleFor] += (now - this.#idleSince) / 1000;
    this.#idleFor = reason;
    this.#idleSince = now;
  }

  #begin({ work, streams, problem }: Assembled, tick: boolean): void {
    const event = work.event_number;
    if (problem !== undefined) {
      this.#options.failures.add(`event ${event}`, { text: problem, place: problem, traceback: '' });
      return this.#finished({ event, hasResult: false, kind: 'failed' });
    }
    if (streams.size === 0) return this.#finished({ event, hasResult: false, kind: 'done' });
    const { payload, process } = this.#options;
    const lacks = [...streams.values()].some(({ typ }) => typ === MISSING);
    if (lacks && !payload.facts.acceptMissing) return this.#finished({ event, hasResult: false, kind: 'incomplete' });
    this.#running++;
    this.#noteIdle();
    void process({ event_number: event, streams, tick }).then((outcome) => this.#outcome(work, outcome));
  }

  #outcome(
    { event_number: event, origin, attempt }: Assembled['work'],
    { body, failure, seconds }: EventOutcome,
  ): void {
    this.#running--;
    if (this.#ended || this.#stopped) return;
    this.#times.custom_code += seconds;
    if (failure) {
      this.#options.failures.add(`event ${event}`, failure);
      this.#finished({ event, hasResult: false, kind: 'failed' });
      if (!this.#options.stopOnError) return;
      this.#stopped = true;
      this.#options.failed();
      return;
    }
    if (body) {
      this.#options.counts.results++;
      const parametersHash = this.#options.parametersHash();
      this.#options.results.send({ event_number: event, origin, attempt, parametersHash, body });
    }
    this.#finished({ event, hasResult: body !== undefined, kind: 'done' });
  }

  #finished(done: Done): void {
    const { counts } = this.#options;
    counts[done.kind]++;
    this.#settled++;
    this.#done.push(done);
    this.#noteIdle();
    if (this.#reporting) return;
    this.#reporting = true;
    setImmediate(() => void this.#report());
  }

  async #report(): Promise<void> {
    this.#reporting = false;
    if (this.#done.length === 0 || this.#ended) return;
    const busy = this.#running > 0 && performance.now() - this.#lastReport < REPORT_MS;
    // The next one that is done asks again.
    if (!this.#isOurs && busy) return;
    const done = this.#done;
    this.#done = [];
    this.#lastReport = performance.now();
    if (done.some(({ hasResult }) => hasResult)) {
      const start = performance.now();
      await this.#options.results.sent();
      this.#times.send_result += (performance.now() - start) / 1000;
    }
    const failed = done.filter(({ kind }) => kind === 'failed').map(({ event }) => event);
    const incomplete = done.filter(({ kind }) => kind === 'incomplete').map(({ event }) => event);
    this.#options.link.report({
      completed: done.map(({ event }) => event),
      has_result: done.map(({ hasResult }) => hasResult),
      processing_times: this.#processingTimes(done.length),
      ...(failed.length > 0 ? { failed } : {}),
      ...(incomplete.length > 0 ? { incomplete } : {}),
    });
  }

  #processingTimes(no_events: number): ProcessingTimes {
    const times = { ...this.#times, assemble_event: 0, no_events };
    this.#times = { ...NO_TIMES };
    return times;
  }

  /** The controller has ended the map: the finish hook, then the word that we are through. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    const failure = await this.#options.payload.finish();
    if (failure) this.#options.failures.add('finish', failure);
    await this.#options.link.finished();
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#again);
    this.#assembly.end();
    const left = this.#given - this.#settled;
    this.#options.counts.unfinished += left;
  }

  /** Works twice; what is not done is counted as unfinished. */
  async close(): Promise<void> {
    await this.#report();
    if (!this.#ended) this.#end();
    await this.#options.link.close();
  }
}
