/** A process that decides: the shell around `Supervision`, with the process, its link, and the clock. */

import { describeExit, type PythonExit, PythonProcess } from '../../python/process.ts';
import type { EventBatch } from './batch.ts';
import type { DeciderLink, LinkEvents } from './link.ts';
import { type Orders, Supervision, type SupervisionOptions } from './supervision.ts';
import type { Decider, DeciderCounts } from './types.ts';

export interface ProcessDeciderOptions extends Omit<SupervisionOptions, 'inFlight' | 'perMessage'> {
  link: DeciderLink;
  /** For the log: one line. */
  say: (text: string) => void;
  /** Before each line that the process writes. Default `[script] `. */
  prefix?: string;
}

/** Between SIGTERM and SIGKILL (spec teb.md, 4.5). */
const KILL_GRACE_MS = 500;
/** For the end after STOP. */
const STOP_GRACE_MS = 2000;
/** A process that has closed its pipe is given this long to be gone by itself. */
const CLOSED_GRACE_MS = 500;
const LONGEST_TICK_MS = 100;
/** A tick that comes later than this finds that we did not run ourselves. */
const LATE_MS = 200;

export class ProcessDecider implements Decider {
  stateless = false;
  readonly inFlight: number;
  private readonly link: DeciderLink;
  private readonly say: (text: string) => void;
  private readonly prefix: string;
  private readonly supervision: Supervision;
  private process: PythonProcess | undefined;
  private sequence = 0;
  private body: unknown;
  private readonly waiting = new Map<EventBatch, () => void>();
  private whenReady: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastTick = 0;
  private readonly tickMs: number;
  /** Of processes that are gone. */
  private primBad: Record<string, number> = {};
  private missingKeys: Record<string, number> = {};
  private ofThis: { primBad: Record<string, number>; missingKeys: Record<string, number> } = NOTHING;

  constructor(options: ProcessDeciderOptions) {
    const { link } = options;
    this.link = link;
    this.say = options.say;
    this.prefix = options.prefix ?? '[script] ';
    this.inFlight = link.inFlight;
    this.tickMs = Math.max(5, Math.min(LONGEST_TICK_MS, options.timeoutMs / 4));
    const limits = { ...options, inFlight: link.inFlight, perMessage: link.perMessage };
    this.supervision = new Supervision(limits, this.orders());
  }

  get counts(): DeciderCounts {
    const { counts } = this.supervision;
    counts.primBad = sum(this.primBad, this.ofThis.primBad);
    counts.missingKeys = sum(this.missingKeys, this.ofThis.missingKeys);
    return counts;
  }

  get givenUp(): string | undefined {
    return this.supervision.givenUpBecause;
  }

  /** Process id, while there is one. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  async configure(body: unknown): Promise<void> {
    await this.stop();
    this.body = body;
    this.primBad = {};
    this.missingKeys = {};
    this.lastTick = performance.now();
    this.timer = setInterval(() => this.tick(), this.tickMs);
    this.timer.unref();
    const ready = new Promise<void>((resolve) => {
      this.whenReady = resolve;
    });
    this.supervision.begin(performance.now());
    await ready;
  }

  decide(batch: EventBatch): Promise<void> {
    if (batch.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.set(batch, resolve);
      this.supervision.submit(batch, performance.now());
    });
  }

  async stop(): Promise<void> {
    const { process } = this;
    clearInterval(this.timer);
    this.supervision.stop();
    this.whenReady?.();
    if (process === undefined) return;
    this.link.stop();
    const late = setTimeout(() => process.stop('SIGTERM', KILL_GRACE_MS), STOP_GRACE_MS);
    await process.exited;
    clearTimeout(late);
    this.forget(process);
  }

  kill(): void {
    clearInterval(this.timer);
    this.process?.signal('SIGKILL');
    this.link.release();
    this.process = undefined;
    this.supervision.stop();
  }

  private orders(): Orders {
    return {
      start: () => this.start(),
      send: (frame, batch, from, count) => this.link.post(frame, batch, from, count),
      kill: () => void this.process?.stop('SIGTERM', KILL_GRACE_MS),
      settled: (batch) => {
        const resolve = this.waiting.get(batch);
        this.waiting.delete(batch);
        resolve?.();
      },
      say: this.say,
      givenUp: (why) => {
        this.say(`the decider is given up: ${why}`);
        void this.process?.stop('SIGTERM', KILL_GRACE_MS);
        this.whenReady?.();
      },
    };
  }

  private start(): void {
    this.sequence++;
    let process: PythonProcess;
    try {
      process = new PythonProcess({ ...this.link.launch(this.sequence, this.body), prefix: this.prefix });
      this.process = process;
      void process.exited.then((exit) => this.exited(process, exit));
      if (process.pid !== undefined) this.link.attach(process, this.listener(process));
    } catch (error) {
      this.link.release();
      // Not from inside the order: the machine is still at it.
      setImmediate(() => this.supervision.ended((error as Error).message, performance.now()));
    }
  }

  private listener(process: PythonProcess): LinkEvents {
    const { supervision } = this;
    return {
      ready: ({ stateless }) => {
        this.stateless = stateless;
        supervision.ready(performance.now());
        this.whenReady?.();
      },
      answers: (frame, count, rows, more) => supervision.answers(frame, count, rows, more, performance.now()),
      complained: (pid, text) => {
        this.say(`${pid === undefined ? 'the decider' : `pid ${pid}`}: ${text.trimEnd()}`);
        supervision.complained(pid, lastLine(text));
      },
      counted: (counts) => {
        this.ofThis = counts;
      },
      stale: (count) => supervision.stale(count),
      broken: (why) => supervision.broken(why),
      closed: () => {
        const timer = setTimeout(() => {
          if (this.process === process && process.running) supervision.broken('it closed its pipe');
        }, CLOSED_GRACE_MS);
        timer.unref();
      },
    };
  }

  private exited(process: PythonProcess, exit: PythonExit): void {
    if (this.process !== process) return;
    this.forget(process);
    this.supervision.ended(describeExit(exit), performance.now());
  }

  private forget(process: PythonProcess): void {
    if (this.process !== process) return;
    this.process = undefined;
    this.link.release();
    this.primBad = sum(this.primBad, this.ofThis.primBad);
    this.missingKeys = sum(this.missingKeys, this.ofThis.missingKeys);
    this.ofThis = NOTHING;
  }

  private tick(): void {
    const now = performance.now();
    const late = now - this.lastTick - this.tickMs;
    if (late > LATE_MS) this.supervision.excuse(late);
    this.lastTick = now;
    this.supervision.tick(now);
  }
}

const NOTHING = { primBad: {}, missingKeys: {} };

function sum(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const total = { ...a };
  for (const [name, count] of Object.entries(b)) total[name] = (total[name] ?? 0) + count;
  return total;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
