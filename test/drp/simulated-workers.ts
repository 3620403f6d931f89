/** Workers without processes: a link and a process that answer, die, hang and lie by seed, in time of their own. */

import type { Clock } from '../../lib/drp/clock.ts';
import type { Answer, Outcome } from '../../lib/drp/outcome.ts';
import type { Launch, Post, WorkerLink } from '../../lib/drp/types.ts';
import type { WorkerProcess } from '../../lib/drp/worker.ts';
import type { PythonExit } from '../../lib/python/process.ts';
import { SERVICE } from '../../lib/xtc/service.ts';
import type { Random } from '../random.ts';

const SLOT_BYTES = 512;

/** What is to happen, by time; equal times in the order in which they were asked for. */
export class SimulatedTime implements Clock {
  private time = 0;
  private number = 0;
  private readonly planned: { time: number; number: number; action: () => void }[] = [];

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.in(milliseconds, resolve));
  }

  every(milliseconds: number, action: () => void): () => void {
    let on = true;
    const again = () => {
      if (!on) return;
      action();
      this.in(milliseconds, again);
    };
    this.in(milliseconds, again);
    return () => {
      on = false;
    };
  }

  in(milliseconds: number, action: () => void): void {
    const entry = { time: this.time + milliseconds, number: this.number++, action };
    let at = this.planned.length;
    while (at > 0 && this.planned[at - 1]!.time > entry.time) at--;
    this.planned.splice(at, 0, entry);
  }

  /** Does what is planned next, and everything planned for the same moment in the same turn of the event loop. */
  async step(): Promise<void> {
    const first = this.planned.shift();
    if (!first) throw new Error('nothing is planned: stuck');
    this.time = first.time;
    first.action();
    while (this.planned[0]?.time === this.time) this.planned.shift()!.action();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Faults {
  /** Probabilities per thing done. */
  die: number;
  hang: number;
  lie: number;
  fail: number;
  /** Part of the answer only. */
  short: number;
}

/** One process. What it does at each point of its life is drawn when it gets there. */
export class SimulatedProcess implements WorkerProcess {
  readonly pid = 1;
  readonly toProcess = undefined!;
  readonly fromProcess = undefined!;
  readonly exited: Promise<PythonExit>;
  alive = true;
  private readonly settle: (exit: PythonExit) => void;
  private readonly time: SimulatedTime;

  constructor(time: SimulatedTime) {
    this.time = time;
    let settle!: (exit: PythonExit) => void;
    this.exited = new Promise((resolve) => {
      settle = resolve;
    });
    this.settle = settle;
  }

  signal(): void {
    this.end('SIGKILL');
  }

  stop(): Promise<PythonExit> {
    this.end('SIGTERM');
    return this.exited;
  }

  /** Dies; that is known a little later. */
  end(signal: NodeJS.Signals | null): void {
    if (!this.alive) return;
    this.alive = false;
    this.time.in(1, () => this.settle({ code: signal ? null : 1, signal, lastWords: '' }));
  }
}

export class SimulatedLink implements WorkerLink {
  readonly greets = true;
  readonly payloadOffset = 0;
  readonly perSlot = 8;
  readonly slots: number;
  onAnswer: (answer: Answer) => void = () => {};
  /** Objects that were made when nobody was left to remove them. */
  resetsAfterEnd = 0;
  closed = false;
  process: SimulatedProcess | undefined;
  private readonly time: SimulatedTime;
  private readonly random: Random;
  private readonly faults: Faults;
  private readonly inputs: Buffer[];
  private readonly results: Buffer[];
  private readonly posts: Post[] = [];
  /** A first process that hangs or lies before it has had a dgram ends the command; that is not what is looked for here. */
  private begun = false;
  /** Transitions that this process has had, by their nanoseconds. */
  private seen: number[] = [];
  /** Nanoseconds of the transition that every worker must have had before the next event. */
  private readonly required: () => number;

  constructor(time: SimulatedTime, random: Random, faults: Faults, slots: number, required: () => number) {
    this.required = required;
    this.time = time;
    this.random = random;
    this.faults = faults;
    this.slots = slots;
    this.inputs = Array.from({ length: slots }, () => Buffer.alloc(SLOT_BYTES));
    this.results = Array.from({ length: slots }, () => Buffer.alloc(SLOT_BYTES));
  }

  input(slot: number): Buffer {
    return this.inputs[slot]!;
  }

  launch(): Launch {
    return { args: [], env: {}, pipes: false };
  }

  spawn(): SimulatedProcess {
    if (this.process?.alive) throw new Error('two processes at once');
    if (this.closed) throw new Error('a process after the end');
    this.process = new SimulatedProcess(this.time);
    this.posts.length = 0;
    this.seen = [];
    return this.process;
  }

  attach(): void {
    this.later(this.process!, () => this.onAnswer({ kind: 'hello' }));
  }

  reset(): void {
    if (this.closed) this.resetsAfterEnd++;
  }

  close(): void {
    this.closed = true;
  }

  post(post: Post): void {
    this.begun ||= post.kind === 'dgrams';
    this.posts.push(post);
    if (this.posts.length === 1) this.next();
  }

  private next(): void {
    const process = this.process!;
    const [post] = this.posts;
    if (!post) return;
    if (post.kind === 'stop') process.end(null);
    else this.later(process, () => this.work(process, post));
  }

  /** Something that this process does a while later, unless it dies or hangs before. */
  private later(process: SimulatedProcess, action: () => void): void {
    const { random, faults } = this;
    if (this.begun && random.chance(faults.hang)) return;
    const dies = random.chance(faults.die);
    this.time.in(random.below(4), () => {
      if (!process.alive || process !== this.process) return;
      if (dies && random.chance(0.5)) return process.end('SIGKILL');
      action();
      if (dies) process.end('SIGKILL');
    });
  }

  private work(process: SimulatedProcess, post: Exclude<Post, { kind: 'stop' }>): void {
    const { random, faults } = this;
    if (this.begun && random.chance(faults.lie)) {
      const lies: Answer[] = [
        { kind: 'garbage', why: 'noise' },
        { kind: 'ready' },
        { kind: 'results', sequence: 0x7fffffff, outcomes: [], micros: 1 },
      ];
      this.onAnswer(lies[random.below(lies.length)]!);
      return;
    }
    if (post.kind === 'script') this.onAnswer({ kind: 'ready' });
    else if (!this.answer(process, post)) return;
    this.posts.shift();
    this.next();
  }

  /** False if the script failed. */
  private answer(process: SimulatedProcess, { slot, entries, sequence, service }: Extract<Post, { kind: 'dgrams' }>) {
    const { random, faults } = this;
    const event = service === SERVICE.L1Accept;
    const fails = event && random.chance(faults.fail);
    const short = event && entries.length > 1 && random.chance(faults.short);
    const count = fails ? random.below(entries.length) : short ? 1 + random.below(entries.length - 1) : entries.length;
    let end = 0;
    const outcomes = entries.slice(0, count).map(({ offset, size }): Outcome => {
      const bytes = this.results[slot]!.subarray(end, end + size);
      this.inputs[slot]!.copy(bytes, 0, offset, offset + size);
      end += size;
      return { kind: 'changed', bytes, trigger: undefined };
    });
    if (event && !this.seen.includes(this.required())) throw new Error('an event came before its transition');
    if (!event) this.seen.push(this.inputs[slot]!.readUInt32LE(entries[0]!.offset));
    if (count > 0) this.onAnswer({ kind: 'results', sequence, outcomes, micros: 1000 });
    if (!fails) return true;
    this.onAnswer({ kind: 'error', text: 'the script failed', sequence });
    process.end(null);
    return false;
  }
}
