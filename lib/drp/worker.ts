/** One worker: its process, its link, what it was asked for and since when. Restarts are decided by the pool. */

import { DataError } from '../errors.ts';
import { describeExit, PythonProcess } from '../python/process.ts';
import type { Batch } from './batch.ts';
import type { Answer, Outcome } from './outcome.ts';
import type { WorkerLink } from './types.ts';

/** Somebody waits for the next answer that is not about a batch. */
interface Waiter {
  accept: (answer: Answer) => void;
  fail: (why: string) => void;
  deadline: number;
}

export interface Failure {
  why: string;
  /** The batch that was under way. */
  batch: Batch | undefined;
  /** The worker said itself that it failed at the first dgram without a result. */
  atFirst: boolean;
  /** What the process wrote at the end. */
  lastWords: string;
}

export interface WorkerEvents {
  /** Results of a batch have been taken in; it may be complete. */
  progressed(worker: Worker, batch: Batch, micros: number): void;
  /** The process died, hung or lied, and is gone now. */
  failed(worker: Worker, failure: Failure): void;
  /** Copies what must outlive the slot. */
  keep(outcome: Outcome): Outcome;
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
  state: 'down' | 'starting' | 'up' | 'failed' = 'down';
  events = 0;
  micros = 0;
  lateAnswers = 0;
  private process: PythonProcess | undefined;
  private readonly python: string;
  private readonly listener: WorkerEvents;
  private waiter: Waiter | undefined;
  private sequence = 0;
  /** Sequence number of what each batch was asked for, and when. */
  private readonly asked = new Map<number, Batch>();
  private since = 0;
  private failing = false;

  constructor(index: number, link: WorkerLink, python: string, events: WorkerEvents) {
    this.index = index;
    this.link = link;
    this.python = python;
    this.listener = events;
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

  /** Starts the process and waits until it says hello. @throws DataError `worker-start` with its last words */
  async start(timeout: number): Promise<void> {
    this.state = 'starting';
    this.failing = false;
    this.generation++;
    const { args, env, pipes } = this.link.launch(this.generation);
    const process = new PythonProcess({ command: this.python, args, env, pipes, prefix: `w${this.index}: ` });
    this.process = process;
    this.link.attach(pipes ? process : { toProcess: undefined!, fromProcess: undefined! });
    void process.exited.then((exit) => {
      if (this.process === process) this.fail(`it ended by itself, ${describeExit(exit)}`);
    });
    if (this.link.greets) await this.expect('hello', timeout);
  }

  /** It has the script and the state of the others: batches may be sent. */
  ready(): void {
    if (this.state === 'starting') this.state = 'up';
  }

  /** Loads the script. @throws DataError `worker-failed` with what went wrong */
  async loadScript(timeout: number): Promise<void> {
    const ready = this.expect('ready', timeout);
    this.link.post({ kind: 'script' });
    await ready;
  }

  /** Sends one transition in slot 0 and waits for its result. @throws DataError `worker-failed` */
  async transition(bytes: Buffer, service: number, flags: number, timeout: number): Promise<Outcome> {
    const { link } = this;
    const offset = link.payloadOffset;
    bytes.copy(link.input(0), offset);
    const sequence = ++this.sequence;
    const answer = this.next(timeout);
    link.post({ kind: 'dgrams', slot: 0, entries: [{ offset, size: bytes.length, flags }], sequence, service });
    const result = await answer;
    if (result.kind === 'results' && result.sequence === sequence && result.outcomes.length === 1)
      return result.outcomes[0]!;
    throw new DataError(
      'worker-failed',
      `worker ${this.index} did not answer a transition with one result (${result.kind})`,
    );
  }

  /** Queues a batch; it is posted at once, because the worker takes one after the other. */
  send(batch: Batch, service: number): void {
    if (!this.queue.includes(batch)) this.queue.push(batch);
    if (this.asked.size === 0) this.since = performance.now();
    const sequence = ++this.sequence;
    this.asked.set(sequence, batch);
    this.link.post({ kind: 'dgrams', slot: batch.slot, entries: batch.ask(), sequence, service });
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

  /** Ends the process as a failure: whoever waits is told, the link is cleaned. */
  fail(why: string, atFirst = false): void {
    if (this.failing || this.state === 'down') return;
    this.failing = true;
    this.state = 'failed';
    const { process, waiter } = this;
    const [batch] = this.asked.values();
    this.process = undefined;
    this.waiter = undefined;
    this.asked.clear();
    const finish = async () => {
      const exit = process && (await process.stop());
      this.link.reset();
      waiter?.fail(why);
      this.listener.failed(this, { why, batch, atFirst, lastWords: exit?.lastWords ?? '' });
    };
    void finish();
  }

  /** Asks the process to end, then makes it. */
  async stop(timeout: number): Promise<void> {
    const { process } = this;
    if (!process || this.state !== 'up') return this.kill();
    this.state = 'down';
    this.process = undefined;
    if (this.link.greets) {
      this.link.post({ kind: 'stop' });
      const soon = new Promise<void>((resolve) => setTimeout(resolve, timeout).unref());
      await Promise.race([process.exited, soon]);
    }
    await process.stop(this.link.greets ? 'SIGTERM' : 'SIGINT');
    this.link.close();
  }

  /** At once; for emergencies. */
  kill(): void {
    this.state = 'down';
    this.process?.signal('SIGKILL');
    this.process = undefined;
    this.link.close();
  }

  private expect(kind: Answer['kind'], timeout: number): Promise<void> {
    return this.next(timeout).then((answer) => {
      if (answer.kind !== kind)
        throw new DataError('worker-failed', `worker ${this.index} answered ${answer.kind} instead of ${kind}`);
    });
  }

  private next(timeout: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new DataError('worker-failed', `worker ${this.index}: ${why}`));
      this.waiter = { accept: resolve, fail, deadline: performance.now() + timeout };
    });
  }

  private answered(answer: Answer): void {
    if (this.failing) return;
    if (answer.kind === 'late') this.lateAnswers++;
    else if (answer.kind === 'garbage') this.fail(answer.why);
    else if (answer.kind === 'error') this.fail(answer.text, true);
    else if (answer.kind === 'results' && this.asked.has(answer.sequence)) this.progress(answer);
    else if (this.waiter) {
      const { accept } = this.waiter;
      this.waiter = undefined;
      accept(answer);
    } else this.fail(`it sent ${answer.kind}, which nobody asked for`);
  }

  private progress({ sequence, outcomes, micros }: Extract<Answer, { kind: 'results' }>): void {
    const batch = this.asked.get(sequence)!;
    const wrong = outcomes.length === 0 ? undefined : this.listener.verify(batch, outcomes);
    if (wrong !== undefined) {
      this.fail(wrong);
      return;
    }
    this.asked.delete(sequence);
    this.since = performance.now();
    this.events += outcomes.length;
    this.micros += micros;
    batch.settle(outcomes, this.listener.keep);
    this.listener.progressed(this, batch, micros);
  }
}
