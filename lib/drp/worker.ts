/** One worker: its process, its link, what it was asked for and since when. Restarts are decided by the pool. */

import { DataError } from '../errors.ts';
import { describeExit, type PythonProcess } from '../python/process.ts';
import { SERVICE } from '../xtc/service.ts';
import type { Batch } from './batch.ts';
import { type Clock, REAL_CLOCK } from './clock.ts';
import { type Answer, keepOutcome, type Outcome } from './outcome.ts';
import type { Launch, Post, WorkerLink } from './types.ts';

/** A thread may have taken it from the queue and not handed it on. */
const LAST_ANSWER_MS = 50;

/** Somebody waits for the next answer that is not about a batch. */
interface Waiter {
  accept: (answer: Answer) => void;
  fail: () => void;
  deadline: number;
}

/** What a worker needs of its process. */
export type WorkerProcess = Pick<PythonProcess, 'pid' | 'exited' | 'signal' | 'stop' | 'toProcess' | 'fromProcess'>;

export interface WorkerParts {
  index: number;
  link: WorkerLink;
  /** Starts a process for the link. */
  spawn: (launch: Launch, index: number) => WorkerProcess;
  events: WorkerEvents;
  clock?: Clock;
}

export interface Failure {
  why: string;
  /** The batch that was under way. */
  batch: Batch | undefined;
  /** The worker said itself that it failed at the first dgram without a result. */
  atFirst: boolean;
  /** What the process wrote at the end. */
  lastWords: string;
  /** The link could not be cleaned: there cannot be another process. */
  broken: Error | undefined;
}

export interface WorkerEvents {
  /** Results of a batch have been taken in; it may be complete. */
  progressed(worker: Worker, batch: Batch, events: number, micros: number): void;
  /** The process died, hung or lied, and is gone now. */
  failed(worker: Worker, failure: Failure): void;
  /** Checks results; text if one is bad. */
  verify(batch: Batch, outcomes: readonly Outcome[]): string | undefined;
}

export class Worker {
  readonly index: number;
  readonly link: WorkerLink;
  /** Batches under way or waiting, in the order in which the worker gets them. */
  readonly queue: Batch[] = [];
  /** Slots that hold nothing. Slot 0 is for transitions. */
  readonly free: number[] = [];
  generation = 0;
  restarts: number[] = [];
  /** Restarts since it did something new. */
  fruitless = 0;
  /** Its process has the script, and waits for Configure or has had it. */
  loaded = false;
  state: 'down' | 'starting' | 'up' | 'failed' = 'down';
  events = 0;
  micros = 0;
  lateAnswers = 0;
  private process: WorkerProcess | undefined;
  private readonly spawn: WorkerParts['spawn'];
  private readonly listener: WorkerEvents;
  private readonly clock: Clock;
  private waiter: Waiter | undefined;
  private sequence = 0;
  /** Batches by the sequence number under which they were asked for. */
  private readonly asked = new Map<number, Batch>();
  /** The batch of which only a part came, and the question that was: an ERROR about that question may follow. */
  private partial: { sequence: number; batch: Batch } | undefined;
  private since = 0;
  private closed = false;
  private why = '';
  /** Settles when the last failure has been dealt with. */
  private ending: Promise<void> = Promise.resolve();

  constructor({ index, link, spawn, events, clock = REAL_CLOCK }: WorkerParts) {
    this.index = index;
    this.link = link;
    this.spawn = spawn;
    this.listener = events;
    this.clock = clock;
    for (let slot = 1; slot < link.slots; slot++) this.free.push(slot);
    link.onAnswer = (answer) => this.answered(answer);
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** True if dgrams may be sent. */
  get up(): boolean {
    return this.state === 'up';
  }

  /**
   * Starts the process, when the one before is gone, and waits until it says hello.
   * @throws DataError `worker-failed`
   */
  async start(timeout: number): Promise<void> {
    await this.ending;
    if (this.closed) throw this.failure('it has been stopped');
    this.state = 'starting';
    this.loaded = false;
    this.generation++;
    const launch = this.link.launch(this.generation);
    const process = this.spawn(launch, this.index);
    this.process = process;
    this.link.attach(launch.pipes ? process : { toProcess: undefined!, fromProcess: undefined! });
    void this.watchEnd(process);
    if (this.link.greets) await this.expect('hello', timeout);
  }

  private async watchEnd(process: WorkerProcess): Promise<void> {
    const exit = await process.exited;
    // What it said before it ended by itself is on another way, and tells more.
    if (exit.signal === null) await this.clock.sleep(LAST_ANSWER_MS);
    if (this.process === process) this.fail(`it ended by itself, ${describeExit(exit)}`);
  }

  /** It has the script and the state of the others: batches may be sent. */
  ready(): void {
    if (this.state === 'starting') this.state = 'up';
  }

  /** Loads the script. @throws DataError `worker-failed` with what went wrong */
  async loadScript(timeout: number): Promise<void> {
    await this.expect('ready', timeout, { kind: 'script' });
    this.loaded = true;
  }

  /**
   * Sends one transition in slot 0 and waits for its result, which is a copy: the slot is used again if the process is replaced.
   * @throws DataError `worker-failed`
   */
  async transition(bytes: Buffer, service: number, flags: number, timeout: number): Promise<Outcome> {
    const { link } = this;
    const offset = link.payloadOffset;
    bytes.copy(link.input(0), offset);
    const sequence = ++this.sequence;
    const entries = [{ offset, size: bytes.length, flags }];
    const result = await this.ask(timeout, { kind: 'dgrams', slot: 0, entries, sequence, service }, (answer) =>
      answer.kind === 'results' && answer.sequence === sequence && answer.outcomes.length === 1
        ? keepOutcome(answer.outcomes[0]!)
        : undefined,
    );
    if (service === SERVICE.Unconfigure) this.loaded = false;
    return result;
  }

  /** Queues a batch; it is posted at once, because the worker takes one after the other, or when there is a process again. */
  send(batch: Batch, service: number): void {
    if (!this.queue.includes(batch)) this.queue.push(batch);
    if (this.state !== 'up') return;
    if (this.asked.size === 0) this.since = this.clock.now();
    const sequence = ++this.sequence;
    this.asked.set(sequence, batch);
    this.post({ kind: 'dgrams', slot: batch.slot, entries: batch.ask(), sequence, service });
  }

  /** Milliseconds for which the oldest question has been open. */
  waiting(now: number): number {
    return this.asked.size === 0 ? 0 : now - this.since;
  }

  /** Called now and then: a waiting question may have run out of time. */
  checkTime(now: number, timeout: number): void {
    if (this.waiter && now > this.waiter.deadline) this.fail('it did not answer in time');
    else if (this.waiting(now) > timeout) this.fail(`it did not answer within ${timeout / 1000} s`);
  }

  /** Time during which this process did not run itself is not held against the worker. */
  excuse(milliseconds: number): void {
    this.since += milliseconds;
    if (this.waiter) this.waiter.deadline += milliseconds;
  }

  /** Nobody waits longer than this any more. */
  hurry(deadline: number): void {
    if (this.waiter) this.waiter.deadline = Math.min(this.waiter.deadline, deadline);
  }

  /**
   * Ends the process as a failure; when it is gone, the link is cleaned, and whoever waits is told.
   * @param guilty sequence number of the question at which the worker says that it failed
   */
  fail(why: string, guilty?: number): void {
    if (!this.alive) return;
    this.state = 'failed';
    this.why = why;
    const { process, waiter } = this;
    const batch = this.blamed(guilty);
    this.process = undefined;
    this.waiter = undefined;
    this.partial = undefined;
    this.asked.clear();
    const finish = async () => {
      const exit = process && (await process.stop());
      const broken = this.closed ? undefined : this.clean();
      waiter?.fail();
      const lastWords = exit?.lastWords ?? '';
      this.listener.failed(this, { why, batch, atFirst: guilty !== undefined, lastWords, broken });
    };
    this.ending = finish();
  }

  /** Asks the process to end, then makes it. */
  async stop(timeout: number): Promise<void> {
    const { process } = this;
    if (!process || this.state !== 'up') return this.kill();
    this.closed = true;
    this.state = 'down';
    this.process = undefined;
    if (this.link.greets) {
      this.post({ kind: 'stop' });
      await Promise.race([process.exited, this.clock.sleep(timeout)]);
    }
    await process.stop(this.link.greets ? 'SIGTERM' : 'SIGINT');
    this.link.close();
  }

  /** At once; for emergencies. */
  kill(): void {
    const { waiter } = this;
    this.why = 'it has been stopped';
    this.closed = true;
    this.state = 'down';
    this.waiter = undefined;
    this.process?.signal('SIGKILL');
    this.process = undefined;
    this.link.close();
    waiter?.fail();
  }

  private get alive(): boolean {
    return this.state === 'starting' || this.state === 'up';
  }

  /** The batch at which the process failed. */
  private blamed(guilty: number | undefined): Batch | undefined {
    const [first] = this.asked.values();
    if (guilty === undefined) return first;
    return this.asked.get(guilty) ?? (this.partial?.sequence === guilty ? this.partial.batch : first);
  }

  private clean(): Error | undefined {
    try {
      this.link.reset();
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  private failure(why: string): DataError {
    return new DataError('worker-failed', `worker ${this.index}: ${why}`);
  }

  private post(post: Post): void {
    try {
      this.link.post(post);
    } catch (error) {
      this.fail(`it cannot be reached: ${(error as Error).message}`);
    }
  }

  private async expect(kind: Answer['kind'], timeout: number, post?: Post): Promise<void> {
    await this.ask(timeout, post, (answer) => (answer.kind === kind ? true : undefined));
  }

  /**
   * The next answer that is not about a batch. It is taken in the turn of the event loop in which it comes, while its memory is valid.
   * @param take what is wanted of the answer; undefined if it is a wrong one, which fails the worker
   */
  private async ask<T>(timeout: number, post: Post | undefined, take: (answer: Answer) => T | undefined): Promise<T> {
    if (!this.alive) {
      await this.ending;
      throw this.failure(this.why);
    }
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter = {
        accept: (answer) => {
          const taken = take(answer);
          if (taken !== undefined) {
            this.waiter = undefined;
            resolve(taken);
          } else this.fail(`it gave a wrong answer (${answer.kind})`);
        },
        fail: () => reject(this.failure(this.why)),
        deadline: this.clock.now() + timeout,
      };
      this.waiter = waiter;
      if (post) this.post(post);
    });
  }

  private answered(answer: Answer): void {
    if (!this.alive) return;
    if (answer.kind === 'late') this.lateAnswers++;
    else if (answer.kind === 'garbage') this.fail(answer.why);
    else if (answer.kind === 'error') this.fail(answer.text, answer.sequence);
    else if (answer.kind === 'results' && this.asked.has(answer.sequence)) this.progress(answer);
    else if (this.waiter) this.waiter.accept(answer);
    else this.fail(`it sent ${answer.kind}, which nobody asked for`);
  }

  private progress({ sequence, outcomes, micros }: Extract<Answer, { kind: 'results' }>): void {
    const batch = this.asked.get(sequence)!;
    const wrong = outcomes.length === 0 ? 'it answered without results' : this.listener.verify(batch, outcomes);
    if (wrong !== undefined) {
      this.fail(wrong);
      return;
    }
    this.asked.delete(sequence);
    this.since = this.clock.now();
    this.events += outcomes.length;
    this.micros += micros;
    this.fruitless = 0;
    batch.settle(outcomes, keepOutcome);
    this.partial = batch.complete ? undefined : { sequence, batch };
    this.listener.progressed(this, batch, outcomes.length, micros);
  }
}
