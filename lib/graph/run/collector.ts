/**
 * When a heartbeat closes, and what goes into it (spec graph.md 2.2, 2.3): the same for local and global collectors. Pure: answers,
 * deadlines and the end come in, closed heartbeats go out, in increasing order and each once.
 */

import { type Answer, addCounts, type Closed, total } from './answer.ts';
import { Intervals } from '../../intervals.ts';

/** A heartbeat that has closed: its answers in order of arrival, with the late ones of earlier heartbeats first. */
export interface Closing {
  readonly heartbeat: number;
  readonly answers: readonly Answer[];
  readonly included: ReadonlyMap<number, number>;
  readonly late: number;
  readonly missing: readonly number[];
  readonly closed: Closed;
  readonly errors: ReadonlyMap<string, number>;
}

export interface Contributor {
  readonly id: number;
  /** Workers whose events come through it. */
  readonly workers: readonly number[];
}

export class Collector {
  readonly #contributors = new Map<number, Contributor>();
  readonly #depth: number;
  /** Open heartbeats: answers by contributor, in order of arrival. */
  readonly #open = new Map<number, Map<number, Answer>>();
  /** Heartbeats that each contributor has answered: a second answer is a copy of the first. */
  readonly #answered = new Map<number, Intervals>();
  #late: Answer[] = [];
  #duplicates = 0;
  /** Every heartbeat up to this one is closed. */
  #closed = 0;
  #issued = 0;

  /** @param depth most heartbeats that may be open */
  constructor(contributors: readonly Contributor[], depth: number) {
    for (const contributor of contributors) this.#contributors.set(contributor.id, contributor);
    this.#depth = depth;
  }

  /** The highest heartbeat that is closed. */
  get closedThrough(): number {
    return this.#closed;
  }

  /** Answers that wait for the next heartbeat to close. */
  get lateParts(): number {
    return this.#late.length;
  }

  /** Answers that came twice, and were left out. */
  get duplicates(): number {
    return this.#duplicates;
  }

  get openHeartbeats(): number {
    return this.#open.size;
  }

  /** Heartbeat `k` was issued: it closes some day, whoever answers. */
  issued(k: number): void {
    this.#issued = Math.max(this.#issued, k);
  }

  /** From now on this contributor is expected, or is not. */
  expect(contributor: Contributor): void {
    this.#contributors.set(contributor.id, contributor);
  }

  giveUp(id: number): readonly Closing[] {
    this.#contributors.delete(id);
    return this.#closeComplete();
  }

  answer(contributor: number, answer: Answer): readonly Closing[] {
    const k = answer.heartbeat;
    const answered = this.#answered.get(contributor) ?? new Intervals();
    this.#answered.set(contributor, answered);
    if (!answered.add(k)) {
      this.#duplicates++;
      return [];
    }
    this.issued(k);
    if (k <= this.#closed) {
      this.#late.push(answer);
      return [];
    }
    let answers = this.#open.get(k);
    if (!answers) {
      answers = new Map();
      this.#open.set(k, answers);
    }
    answers.set(contributor, answer);
    const closings = this.#closeComplete();
    while (this.#open.size > this.#depth) closings.push(...this.#closeThrough(Math.min(...this.#open.keys()), 'depth'));
    return closings;
  }

  /** The deadline of all heartbeats up to `k` has passed. */
  deadline(k: number): readonly Closing[] {
    return this.#closeThrough(Math.min(k, this.#issued), 'deadline');
  }

  /** The stream ends: everything open closes, and what is late goes out under the next free number. */
  end(): readonly Closing[] {
    const closings = this.#closeThrough(this.#issued, 'end');
    if (this.#late.length > 0) closings.push(this.#close(this.#closed + 1, 'complete', true));
    return closings;
  }

  #closeComplete(): Closing[] {
    const closings: Closing[] = [];
    for (const k of [...this.#open.keys()].sort((a, b) => a - b)) {
      if (k > this.#closed && this.#isComplete(k)) closings.push(...this.#closeThrough(k, 'overtaken'));
    }
    return closings;
  }

  #isComplete(k: number): boolean {
    const answers = this.#open.get(k);
    if (!answers) return false;
    for (const id of this.#contributors.keys()) if (!answers.has(id)) return false;
    return true;
  }

  #closeThrough(k: number, reason: Closed): Closing[] {
    const closings: Closing[] = [];
    while (this.#closed < k) closings.push(this.#close(this.#closed + 1, reason, false));
    return closings;
  }

  #close(k: number, reason: Closed, rest: boolean): Closing {
    const answers = this.#open.get(k);
    const onTime = [...(answers?.values() ?? [])];
    const lateOnes = this.#late;
    this.#late = [];
    this.#open.delete(k);
    this.#closed = k;
    const missing = new Set<number>();
    for (const { missing: below } of onTime) for (const worker of below) missing.add(worker);
    if (!rest) for (const worker of this.#absent(answers)) missing.add(worker);
    const included = new Map<number, number>();
    const errors = new Map<string, number>();
    for (const answer of [...lateOnes, ...onTime]) {
      addCounts(included, answer.included);
      addCounts(errors, answer.errors);
    }
    const late =
      onTime.reduce((sum, answer) => sum + answer.late, 0) +
      lateOnes.reduce((sum, { included: all }) => sum + total(all), 0);
    const closed =
      missing.size === 0 ? 'complete' : (onTime.find((answer) => answer.closed !== 'complete')?.closed ?? reason);
    return {
      heartbeat: k,
      answers: [...lateOnes, ...onTime],
      included,
      late,
      missing: [...missing].sort((a, b) => a - b),
      closed,
      errors,
    };
  }

  /** Workers behind contributors that have not answered. */
  #absent(answers: ReadonlyMap<number, Answer> | undefined): number[] {
    const absent = [...this.#contributors.values()].filter(({ id }) => !answers?.has(id));
    return absent.flatMap(({ workers }) => workers);
  }
}
