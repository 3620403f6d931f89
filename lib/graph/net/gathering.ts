/**
 * A collector between its sockets and its side: who is expected, which deadlines run, and answers that wait for their marker
 * (spec graph.md 2.2, 2.8). The marker of a heartbeat comes behind every change that acts on it, so nothing is merged under a
 * version or a run that is not known yet. Pure: time comes in.
 */

import type { CompiledGraph } from '../compile/compiled.ts';
import type { Answer } from '../run/answer.ts';
import { type Closing, Collector, type Contributor } from '../run/collector.ts';
import type { MarkerMessage, MembersMessage } from './messages.ts';

/** What becomes of closed heartbeats. */
export interface Side {
  change(graph: CompiledGraph, from: number): void;
  transition(name: string, after: number): void;
  close(closing: Closing): void;
}

export interface GatheringOptions {
  readonly depth: number;
  /** Milliseconds from marker to deadline. */
  readonly deadline: number;
  /** Everything up to this heartbeat is closed or issued by others. */
  readonly closed: number;
  readonly run: number;
  /** Contributors of this collector, given the table of the whole cluster. */
  readonly contributors: (locals: MembersMessage['locals']) => readonly Contributor[];
}

export class Gathering {
  readonly #collector: Collector;
  readonly #side: Side;
  readonly #options: GatheringOptions;
  /** Deadlines of issued heartbeats, ascending. */
  readonly #due: { heartbeat: number; at: number }[] = [];
  #early: { contributor: number; answer: Answer }[] = [];
  #known = new Set<number>();
  #issued: number;
  #run: number;

  constructor(side: Side, options: GatheringOptions) {
    this.#side = side;
    this.#options = options;
    this.#issued = options.closed;
    this.#run = options.run;
    this.#collector = new Collector([], options.depth, options.closed);
  }

  /** The last heartbeat that is known to be issued. */
  get issuedThrough(): number {
    return this.#issued;
  }

  get closedThrough(): number {
    return this.#collector.closedThrough;
  }

  get openHeartbeats(): number {
    return this.#issued - this.#collector.closedThrough;
  }

  /** Answers that wait: for the next heartbeat to close, or for their marker. */
  get waiting(): number {
    return this.#collector.lateParts + this.#early.length;
  }

  get duplicates(): number {
    return this.#collector.duplicates;
  }

  /** Runs that have been announced. */
  get run(): number {
    return this.#run;
  }

  /** When `tick` is wanted next. */
  get nextDeadline(): number | undefined {
    return this.#due[0]?.at;
  }

  /** Heartbeats up to `k` have been issued by a manager that is gone. */
  issuedBefore(k: number, now: number): void {
    if (k > this.#issued) this.#issue(k, now);
  }

  marker({ heartbeat }: MarkerMessage, now: number): void {
    if (heartbeat > this.#issued) this.#issue(heartbeat, now);
  }

  #issue(k: number, now: number): void {
    this.#issued = k;
    this.#due.push({ heartbeat: k, at: now + this.#options.deadline });
    this.#put(this.#collector.issued(k));
    const ready = this.#early.filter(({ answer }) => answer.heartbeat <= k);
    this.#early = this.#early.filter(({ answer }) => answer.heartbeat > k);
    for (const { contributor, answer } of ready) this.#put(this.#collector.answer(contributor, answer));
  }

  members({ locals, from }: Pick<MembersMessage, 'locals' | 'from'>): void {
    const expected = this.#options.contributors(locals);
    // The new ones first: between two steps somebody must be expected, or open heartbeats would close.
    for (const contributor of expected) this.#put(this.#collector.expect(contributor, from));
    const ids = new Set(expected.map(({ id }) => id));
    for (const id of this.#known) if (!ids.has(id)) this.#put(this.#collector.giveUp(id, from));
    this.#known = ids;
  }

  /** A transition came behind heartbeat `after`. A run that is known to have begun is passed over. */
  transition(name: string, after: number, run: number): void {
    if (name === 'Configure' && run <= this.#run) return;
    this.#run = Math.max(this.#run, run);
    this.#side.transition(name, after);
  }

  change(graph: CompiledGraph, from: number): void {
    this.#side.change(graph, from);
  }

  answer(contributor: number, answer: Answer): void {
    if (answer.heartbeat > this.#issued) this.#early.push({ contributor, answer });
    else this.#put(this.#collector.answer(contributor, answer));
  }

  /** Closes what is due. */
  tick(now: number): void {
    while (this.#due[0] && this.#due[0].at <= now) this.#put(this.#collector.deadline(this.#due.shift()!.heartbeat));
  }

  end(): void {
    // What children had left comes under a number that nobody issued.
    for (const { contributor, answer } of this.#early.splice(0)) this.#put(this.#collector.answer(contributor, answer));
    this.#put(this.#collector.end());
    this.#due.length = 0;
  }

  #put(closings: readonly Closing[]): void {
    for (const closing of closings) {
      while (this.#due[0] && this.#due[0].heartbeat <= closing.heartbeat) this.#due.shift();
      this.#side.close(closing);
    }
  }
}
