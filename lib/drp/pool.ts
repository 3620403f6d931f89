/**
 * The workers together: deals batches out, keeps the order, replaces workers that fail, and makes transitions barriers
 * (spec drp-python.md, sections 5 and 6). The rules are in Batch and ReorderWindow; here they meet processes and clocks.
 */

import { DataError, UsageError } from '../errors.ts';
import type { Dgram } from '../xtc/dgram.ts';
import { SERVICE, serviceName } from '../xtc/service.ts';
import type { Batch } from './batch.ts';
import { sameConfigure } from './check-result.ts';
import { type Clock, REAL_CLOCK } from './clock.ts';
import type { Counters } from './counters.ts';
import { Dealer } from './dealer.ts';
import type { Emitter } from './emitter.ts';
import type { Outcome } from './outcome.ts';
import { INPUT_FLAG } from './protocol.ts';
import { RunState, type SeenTransition } from './run-state.ts';
import type { DrpOptions } from './types.ts';
import { Verifier } from './verifier.ts';
import { ReorderWindow } from './window.ts';
import type { Failure, Worker, WorkerEvents } from './worker.ts';

const TICK_MS = 100;
/** A tick that is later than this tells that this process did not run: it was stopped, or the machine slept. */
const LATE_TICK_MS = 1000;
const SOON_MS = 5;
const STOP_LIMIT_MS = 2000;
const START_LIMIT_MS = 15_000;
const RESTART_WINDOW_MS = 60_000;
const RESTART_DELAYS_MS = [0, 500, 1000, 2000, 4000];

export interface PoolParts {
  options: DrpOptions;
  workers: (events: WorkerEvents) => Worker[];
  emitter: Emitter;
  counters: Counters;
  /** Writes everything that was emitted; then the views are free. */
  drain: () => Promise<void>;
  say: (message: string) => void;
  /** Told whenever every worker has attached to its memory. */
  attached?: () => void;
  clock?: Clock;
}

export class Pool implements WorkerEvents {
  readonly workers: readonly Worker[];
  private readonly options: DrpOptions;
  private readonly emitter: Emitter;
  private readonly counters: Counters;
  private readonly drain: () => Promise<void>;
  private readonly say: (message: string) => void;
  private readonly attached: (() => void) | undefined;
  private readonly window = new ReorderWindow();
  private readonly state = new RunState();
  private readonly clock: Clock;
  private readonly dealer: Dealer;
  private readonly verifier: Verifier;
  /** Starting, loading the script and Configure import libraries: a short --timeout is not meant for them. */
  private readonly patience: number;
  private readonly restarting = new Map<Worker, Promise<void>>();
  /** What workers that are being brought back have still to see. */
  private readonly missed = new Map<Worker, SeenTransition[]>();
  private readonly stopTicking: () => void;
  private pumping: Promise<void> | undefined;
  private wakers: (() => void)[] = [];
  private failure: Error | undefined;
  private started = false;
  private timeout: number;
  private hurrying: number | undefined;

  constructor({ options, workers, emitter, counters, drain, say, attached, clock = REAL_CLOCK }: PoolParts) {
    this.options = options;
    this.emitter = emitter;
    this.counters = counters;
    this.verifier = new Verifier(options, counters);
    this.drain = drain;
    this.say = say;
    this.attached = attached;
    this.timeout = options.timeout;
    this.patience = Math.max(options.timeout, START_LIMIT_MS);
    this.workers = workers(this);
    this.clock = clock;
    this.dealer = new Dealer(options, counters, this.workers, this.window);
    let last = clock.now();
    this.stopTicking = clock.every(TICK_MS, () => {
      const now = clock.now();
      const late = now - last - TICK_MS;
      last = now;
      for (const worker of this.workers) {
        if (late > LATE_TICK_MS) worker.excuse(late);
        worker.checkTime(now, this.timeout);
      }
    });
  }

  /** Starts the processes and loads the script. @throws DataError with the script's own words */
  async start(): Promise<void> {
    // One may be killed while it waits for the others.
    for (let rest = [...this.workers]; rest.length > 0; rest = this.workers.filter(({ state }) => state !== 'starting'))
      await Promise.all(rest.map((worker) => this.startOne(worker)));
    this.started = true;
    for (const worker of this.workers) worker.ready();
    this.attached?.();
  }

  /** A process that is killed while it starts is started again; one that fails by itself would only do so again. */
  private async startOne(worker: Worker): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (this.failure) throw this.failure;
      try {
        await worker.start(this.patience);
        return await worker.loadScript(this.patience);
      } catch (error) {
        if (attempt >= this.options.restarts || !/killed by SIG(KILL|TERM)/.test((error as Error).message)) throw error;
        this.counters.restarts++;
      }
    }
  }

  /** Takes an event if there is room for it now; else wait for `room` and try again. */
  tryEvent(dgram: Dgram): boolean {
    if (this.failure) throw this.failure;
    if (dgram.size > this.options.pebble) {
      throw new UsageError(
        `dgram ${dgram.index} has ${dgram.size} bytes, more than the pebble: give at least --pebble ${dgram.size}`,
      );
    }
    if (!this.dealer.take(dgram)) return false;
    this.counters.in++;
    this.counters.eventTaken();
    return true;
  }

  /** Resolves when a slot may have become free. @throws what made the pool fail */
  async room(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => this.wakers.push(resolve));
    if (this.failure) throw this.failure;
  }

  /** Sends what has been collected, full or not. */
  flush(): void {
    this.dealer.flush();
  }

  /**
   * Takes a transition: everything before it is out, every worker has had it, and its result is out when this resolves.
   * @throws DataError if the script fails at it, or workers disagree
   */
  async transition(dgram: Dgram): Promise<void> {
    this.counters.in++;
    await this.idle();
    const { service } = dgram;
    if (dgram.size > this.options.maxTransition) {
      throw new UsageError(
        `${serviceName(service)} has ${dgram.size} bytes: give at least --max-transition ${dgram.size}`,
      );
    }
    const bytes = Buffer.from(dgram.slice());
    const [first] = await this.allTransition(bytes, service);
    this.emitter.emit(bytes, first!);
    await this.drain();
  }

  /** Resolves when everything that was taken is out. @throws what made the pool fail */
  async idle(): Promise<void> {
    this.flush();
    while (this.window.size > 0 || this.pumping) {
      if (this.failure) throw this.failure;
      await (this.pumping ?? this.room());
    }
    if (this.failure) throw this.failure;
  }

  /** A stop has been asked for: nobody waits long any more. */
  hurry(milliseconds: number): void {
    this.timeout = Math.min(this.timeout, milliseconds);
    this.hurrying = milliseconds;
    const deadline = this.clock.now() + milliseconds;
    for (const worker of this.workers) if (worker.up) worker.hurry(deadline);
  }

  /** Ends the workers in order. */
  async stop(): Promise<void> {
    this.stopTicking();
    this.started = false;
    await Promise.all(this.workers.map((worker) => worker.stop(STOP_LIMIT_MS)));
    this.counters.lateAnswers = this.workers.reduce((sum, worker) => sum + worker.lateAnswers, 0);
    this.counters.scriptSeconds = this.workers.reduce((sum, worker) => sum + worker.micros, 0) / 1e6;
  }

  /** One line per worker: what it did and how long its script took. */
  summary(): string[] {
    return this.workers.map(({ index, events, micros, generation }) => {
      const each = events > 0 ? `, ${(micros / events).toFixed(1)} us each in the script` : '';
      return `worker ${index}: ${events} events${each}${generation > 1 ? `, process ${generation}` : ''}`;
    });
  }

  /** At once, for emergencies and failures. What was taken and is not out counts as aborted. */
  kill(): void {
    this.stopTicking();
    this.started = false;
    // Whoever still waits for something ends.
    this.abort(new DataError('worker-failed', 'the workers have been stopped'));
    for (const worker of this.workers) worker.kill();
    const { counters } = this;
    counters.aborted = counters.in - counters.out - counters.droppedScript - counters.droppedFailure;
  }

  // --- what workers tell

  progressed(worker: Worker, batch: Batch, events: number, micros: number): void {
    this.dealer.measured(micros, events);
    if (batch.complete) worker.queue.splice(worker.queue.indexOf(batch), 1);
    else worker.send(batch, SERVICE.L1Accept);
    this.pump();
  }

  verify(batch: Batch, outcomes: Outcome[]): string | undefined {
    return this.verifier.events(batch, outcomes);
  }

  failed(worker: Worker, failure: Failure): void {
    const { why, batch, atFirst, lastWords, broken } = failure;
    if (broken) this.abort(broken);
    if (!this.started || this.failure) return;
    const oversize = /Insufficient space for (\d+) bytes/.exec(lastWords);
    const isOversize = oversize !== null && this.options.transport === 'posix' && batch !== undefined;
    if (isOversize) {
      const [entry] = batch.underWay;
      batch.settle(
        [{ kind: 'oversize', needed: entry!.size + Number(oversize[1]), bytes: undefined, trigger: undefined }],
        (outcome) => outcome,
      );
    } else if (batch) {
      const before = batch.retried;
      batch.fail(why, atFirst);
      this.counters.retried += batch.retried - before;
    }
    for (const waiting of [...worker.queue])
      if (waiting.complete) worker.queue.splice(worker.queue.indexOf(waiting), 1);
    this.pump();
    if (atFirst && !batch) this.abort(new DataError('script-failed', `the script failed: ${why}`));
    else this.restart(worker, why, !isOversize);
  }

  private restart(worker: Worker, why: string, counts: boolean): void {
    const now = this.clock.now();
    worker.restarts = worker.restarts.filter((time) => now - time < RESTART_WINDOW_MS);
    // One that hangs takes so long that hardly any restart falls into the same minute.
    const tries = Math.max(worker.restarts.length, worker.fruitless);
    const first = why.split('\n')[0];
    if (counts && tries >= this.options.restarts) {
      this.abort(
        new DataError(
          'restarts-used-up',
          `worker ${worker.index} failed (${first}), and it was restarted ${tries} times already, within a minute or without doing anything since`,
        ),
      );
      return;
    }
    if (counts) {
      worker.restarts.push(now);
      worker.fruitless++;
    }
    this.counters.restarts++;
    this.say(
      `worker ${worker.index} failed: ${first}; restarting it (${tries + 1} of ${this.options.restarts} within a minute)`,
    );
    const delay = Math.min(RESTART_DELAYS_MS[tries] ?? Number.POSITIVE_INFINITY, this.options.restartPause);
    const done = this.bringBack(worker, counts ? delay : 0).catch((error: unknown) => {
      // A failure of the new process was reported to `failed` and has its own restart.
      if (!(error instanceof DataError) || error.code !== 'worker-failed') this.abort(error as Error);
    });
    this.restarting.set(worker, done);
  }

  /** The new process gets the script and the transitions of the current state again, and then what was under way. */
  private async bringBack(worker: Worker, delay: number): Promise<void> {
    if (delay > 0) await this.clock.sleep(delay);
    if (!this.started) return;
    await worker.start(this.patience);
    await worker.loadScript(this.patience);
    const steps = [...this.state.transitions];
    this.missed.set(worker, steps);
    for (let step = steps.shift(); step; step = steps.shift()) await this.repeat(worker, step);
    this.missed.delete(worker);
    worker.ready();
    if (this.workers.every(({ up }) => up)) this.attached?.();
    for (const batch of worker.queue) worker.send(batch, SERVICE.L1Accept);
    this.wake();
  }

  private async repeat(worker: Worker, { bytes, service, result }: SeenTransition): Promise<void> {
    const outcome = await worker.transition(bytes, service, INPUT_FLAG.repetition, this.limitOf(service));
    const again = outcome.kind === 'changed' ? outcome.bytes : bytes;
    if (service !== SERVICE.Configure || sameConfigure(again, result)) return;
    throw new DataError('unequal-configure', `worker ${worker.index} describes its data differently after its restart`);
  }

  // --- transitions

  /**
   * Everybody answers it. Whoever is replaced after that is brought to the state before it, and sees it again: now, or behind what it is
   * catching up with. Nobody need be up at the same time as the others: workers that die all the time would never be.
   */
  private async allTransition(bytes: Buffer, service: number): Promise<Outcome[]> {
    const seenBy: number[] = [];
    const one = async (worker: Worker) => {
      const outcome = await this.oneTransition(worker, bytes, service);
      seenBy[worker.index] = worker.generation;
      return outcome;
    };
    const outcomes = await Promise.all(this.workers.map(one));
    for (;;) {
      if (this.failure) throw this.failure;
      const behind = this.workers.find((worker) => worker.up && seenBy[worker.index] !== worker.generation);
      if (behind === undefined) break;
      outcomes[behind.index] = await one(behind);
    }
    this.verifier.transition(bytes, service, outcomes);
    const first = outcomes[0]!;
    const result = first.kind === 'changed' ? first.bytes : bytes;
    this.state.apply(bytes, service, result);
    for (const worker of this.workers) if (!worker.up) this.missed.get(worker)?.push({ bytes, service, result });
    return outcomes;
  }

  /** However often its process is replaced meanwhile: the restarts themselves are limited. */
  private async oneTransition(worker: Worker, bytes: Buffer, service: number): Promise<Outcome> {
    for (;;) {
      await this.untilUp(worker);
      try {
        if (service === SERVICE.Configure && !worker.loaded) await worker.loadScript(this.patience);
        const outcome = await worker.transition(bytes, service, 0, this.limitOf(service));
        worker.fruitless = 0;
        return outcome;
      } catch (error) {
        if (!(error instanceof DataError) || error.code !== 'worker-failed') throw error;
      }
    }
  }

  private async untilUp(worker: Worker): Promise<void> {
    while (!worker.up) {
      if (this.failure) throw this.failure;
      await this.restarting.get(worker);
      // It may have failed again already: give that time to be noticed.
      if (!worker.up) await this.clock.sleep(SOON_MS);
    }
    if (this.failure) throw this.failure;
  }

  private limitOf(service: number): number {
    if (service === SERVICE.Configure) return this.patience;
    const limit = service === SERVICE.BeginRun ? this.options.beginRunTimeout : this.options.timeout;
    return Math.min(limit, this.hurrying ?? limit);
  }

  // --- emitting

  private pump(): void {
    if (this.pumping || this.failure || !this.window.ready) return;
    this.pumping = this.emitReady()
      .catch((error: unknown) => this.abort(error as Error))
      .finally(() => {
        this.pumping = undefined;
        this.wake();
        // What became complete between the last look and now.
        this.pump();
      });
  }

  private async emitReady(): Promise<void> {
    for (;;) {
      const done: Batch[] = [];
      for (let batch = this.window.leave(); batch; batch = this.window.leave()) {
        for (let i = 0; i < batch.entries.length; i++) this.emitter.emit(batch.input(i), batch.outcomes[i]!);
        done.push(batch);
      }
      if (done.length === 0) return;
      await this.drain();
      this.counters.written();
      for (const batch of done) this.workers[batch.worker]!.free.push(batch.slot);
      this.wake();
    }
  }

  private wake(): void {
    const { wakers } = this;
    this.wakers = [];
    for (const wake of wakers) wake();
  }

  private abort(error: Error): void {
    this.failure ??= error;
    this.wake();
  }
}
