/**
 * A worker class in a Python process. The process is fed some events ahead; the one at which it dies or hangs is found, counted as failed
 * or tried again as the policy says, and the rest goes to a new process.
 */

import type { StreamData } from '../frames/types.ts';
import { bytesOf } from '../frames/types.ts';
import type { SharedParts } from '../shared/reader.ts';
import { ChildGone, type PythonOptions } from './python-child.ts';
import { PythonClass } from './python-class.ts';
import type { PipeMessage } from './splitter.ts';
import {
  type Beginning,
  type EventInput,
  type EventOutcome,
  type Failure,
  failureOf,
  type Parameters,
  type PayloadFacts,
  PayloadFailed,
  type WorkerPayload,
} from './types.ts';

interface Job {
  readonly event: EventInput;
  readonly bytes: number;
  readonly resolve: (outcome: EventOutcome) => void;
  /** Processes that died at it. */
  deaths: number;
}

/** What is in the pipe: enough that the process never waits for us. */
const AHEAD = { jobs: 64, bytes: 32 << 20 } as const;

export class PythonWorker implements WorkerPayload {
  readonly encoding: 'cbor' | 'pickle';
  readonly readsShared = true;
  readonly #class: PythonClass;
  /** Waiting, and with the process; both in order. */
  #line: Job[] = [];
  #sent: Job[] = [];
  #sentBytes = 0;
  /** So many less one are given one by one, because somewhere among them is what killed a process; then come several again. */
  #careful = 0;
  #recovering = false;
  #feeding = false;
  #closed = false;
  #idle: (() => void)[] = [];

  private constructor(made: PythonClass) {
    this.#class = made;
    this.encoding = made.options.encoding;
  }

  /** @throws PayloadFailed if the class cannot be loaded, ChildGone */
  static async open(options: PythonOptions): Promise<PythonWorker> {
    return new PythonWorker(await PythonClass.open(options));
  }

  get facts(): PayloadFacts {
    return this.#class.facts;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#class.child.pid;
  }

  get restarts(): number {
    return this.#class.restarts;
  }

  async begin(beginning: Beginning): Promise<number | undefined> {
    await this.#quiet();
    const { tick } = await this.#class.begin(beginning);
    return typeof tick === 'number' ? tick : undefined;
  }

  setParameters(parameters: Parameters): void {
    this.#class.setParameters(parameters);
  }

  process(event: EventInput): Promise<EventOutcome> {
    let bytes = 0;
    for (const data of event.streams.values()) bytes += bytesOf(data);
    return new Promise((resolve) => {
      this.#line.push({ event, bytes, resolve, deaths: 0 });
      this.#feedSoon();
    });
  }

  /** Events that come together go together, and so do those for which answers that came together made room. */
  #feedSoon(): void {
    if (this.#feeding) return;
    this.#feeding = true;
    queueMicrotask(() => {
      this.#feeding = false;
      this.#feed();
    });
  }

  #feed(): void {
    while (this.#line.length > 0 && !this.#recovering && this.#hasRoom()) this.#give(this.#take());
  }

  #hasRoom(): boolean {
    if (this.#sent.length === 0) return true;
    return this.#careful === 0 && this.#sent.length < AHEAD.jobs && this.#sentBytes < AHEAD.bytes;
  }

  #take(): Job[] {
    if (this.#careful > 0) {
      this.#careful--;
      return this.#line.splice(0, 1);
    }
    let count = 0;
    for (let bytes = this.#sentBytes; count < this.#line.length && bytes < AHEAD.bytes; count++)
      bytes += this.#line[count]!.bytes;
    return this.#line.splice(0, Math.max(1, Math.min(count, AHEAD.jobs - this.#sent.length)));
  }

  #give(jobs: Job[]): void {
    this.#sent.push(...jobs);
    for (const { bytes } of jobs) this.#sentBytes += bytes;
    const blobs: Buffer[] = [];
    const events = jobs.map(({ event }) => [
      event.event_number,
      event.tick,
      [...event.streams].map(([name, data]: [string, StreamData]) => {
        const { typ, frames, shared } = data;
        if (shared) return [name, typ, frames.length, placesFor(data, shared, blobs)];
        blobs.push(...frames);
        return [name, typ, frames.length];
      }),
    ]);
    let failed = false;
    this.#class.child.several({ do: 'events', events }, blobs, {
      limit: this.#class.options.limit,
      left: jobs.length,
      take: (answer) => this.#answered(answer),
      fail: (error) => {
        if (!failed) void this.#recover(error);
        failed = true;
      },
    });
  }

  #answered({ head, blobs }: PipeMessage): void {
    const job = this.#sent.shift()!;
    this.#sentBytes -= job.bytes;
    job.resolve({
      seconds: Number(head.seconds ?? 0),
      ...(blobs[0] ? { body: blobs[0] } : {}),
      ...(head.error ? { failure: head.error as Failure } : {}),
    });
    this.#feedSoon();
    if (this.#sent.length === 0 && this.#line.length === 0) for (const done of this.#idle.splice(0)) done();
  }

  /** Everything given so far has been answered. */
  #quiet(): Promise<void> {
    if (this.#sent.length === 0 && this.#line.length === 0) return Promise.resolve();
    return new Promise((done) => this.#idle.push(done));
  }

  /** Called for each message that the dead process had; the first one tells where it was. */
  async #recover(error: Error): Promise<void> {
    if (this.#recovering || this.#closed) return;
    this.#recovering = true;
    this.#blame(error);
    this.#line.unshift(...this.#sent.splice(0));
    this.#sentBytes = 0;
    this.#class.options.say(`${error.message}; it is started anew, with an empty context`);
    try {
      await this.#class.restart();
    } catch (problem) {
      for (const { resolve } of this.#line.splice(0)) resolve({ failure: failureIn(problem), seconds: 0 });
    }
    this.#recovering = false;
    this.#feed();
    if (this.#sent.length === 0 && this.#line.length === 0) for (const done of this.#idle.splice(0)) done();
  }

  /** Answers of quick events come together, so it may have been any of them: they are given again, one by one. */
  #blame(error: Error): void {
    if (this.#sent.length > 1) {
      this.#careful = this.#sent.length + 1;
      return;
    }
    const first = this.#sent[0]!;
    if (++first.deaths <= this.#class.options.retries) {
      this.#careful = 2;
      return;
    }
    this.#sent.shift();
    first.resolve({ failure: { text: error.message, place: '', traceback: '' }, seconds: 0 });
  }

  async finish(): Promise<Failure | undefined> {
    await this.#quiet();
    return this.#class.finish();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { resolve } of [...this.#sent.splice(0), ...this.#line.splice(0)])
      resolve({ failure: { text: 'the worker was closed', place: '', traceback: '' }, seconds: 0 });
    await this.#class.close();
  }
}

/** What the process needs to open large parts; the others follow the question. */
function placesFor({ frames }: StreamData, { reader, places }: SharedParts, blobs: Buffer[]): object {
  const elsewhere = new Set(places.map(({ part }) => part));
  blobs.push(...frames.filter((_, part) => !elsewhere.has(part)));
  const rows = places.map(({ part, offset, bytes, slot, stamp }) => [part, offset, bytes, slot, stamp]);
  return { name: reader.name, path: reader.path, places: rows };
}

function failureIn(problem: unknown): Failure {
  if (problem instanceof PayloadFailed) return problem.failure;
  return problem instanceof ChildGone ? { text: problem.message, place: '', traceback: '' } : failureOf(problem);
}
