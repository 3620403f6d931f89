/**
 * When a heartbeat closes, and what goes into it (spec graph.md 2.2, 2.3): the same for local and global collectors. Pure: markers,
 * answers, deadlines and the end come in, closed heartbeats go out, in increasing order and each once. Who is expected is said by
 * heartbeat, so that workers go and come while others are still at work on earlier ones.
 */

import { Intervals } from '../../intervals.ts';
import { type Answer, addCounts, type Closed, total } from './answer.ts';

/** A heartbeat that has closed: its answers in order of arrival, with the late ones of earlier heartbeats first. */
export interface Closing {
  readonly heartbeat: number;
  readonly answers: readonly Answer[];
  readonly included: ReadonlyMap<number, number>;
  readonly late: number;
  readonly missing: readonly number[];
  readonly closed: Closed;
  readonly errors: ReadonlyMap<string, number>;
  /** Contributors that have sent something since the heartbeat before closed. */
  readonly heard: readonly number[];
}

export interface Contributor {
  readonly id: number;
  /** Workers whose events come through it. */
  readonly workers: readonly number[];
}

/** What a contributor is from a heartbeat on; undefined while it is not expected. */
interface Stay {
  readonly from: number;
  readonly contributor: Contributor | undefined;
}

export class Collector {
  /** By contributor, ascending by heartbeat. */
  readonly #stays = new Map<number, Stay[]>();
  readonly #depth: number;
  /** Open heartbeats: answers by contributor, in order of arrival. */
  readonly #open = new Map<number, Map<number, Answer>>();
  /** Heartbeats that each contributor has answered: a second answer is a copy of the first. */
  readonly #answered = new Map<number, Intervals>();
  #late: Answer[] = [];
  /** What children had left when the stream ended: it comes under numbers that nobody issued. */
  readonly #rest: Answer[] = [];
  readonly #heard = new Set<number>();
  #duplicates = 0;
  /** Every heartbeat up to this one is closed. */
  #closed = 0;
  #issued = 0;

  /**
   * @param depth most heartbeats that may be open
   * @param closed heartbeats up to this one have been closed by somebody before
   */
  constructor(contributors: readonly Contributor[], depth: number, closed = 0) {
    for (const contributor of contributors) this.#stays.set(contributor.id, [{ from: closed + 1, contributor }]);
    this.#depth = depth;
    this.#closed = closed;
    this.#issued = closed;
  }

  /** The highest heartbeat that is closed. */
  get closedThrough(): number {
    return this.#closed;
  }

  /** Answers that wait for the next heartbeat to close. */
  get lateParts(): number {
    return this.#late.length + this.#rest.length;
  }

  /** Answers that came twice, and were left out. */
  get duplicates(): number {
    return this.#duplicates;
  }

  get openHeartbeats(): number {
    return this.#open.size;
  }

  /** Heartbeat `k` was issued: it closes some day, whoever answers; at once if nobody is expected. */
  issued(k: number): readonly Closing[] {
    this.#issued = Math.max(this.#issued, k);
    return this.#closeComplete();
  }

  /** From heartbeat `from` on this contributor is expected, with these workers behind it. */
  expect(contributor: Contributor, from: number): readonly Closing[] {
    return this.#stay(contributor.id, { from, contributor });
  }

  /** From heartbeat `from` on this contributor is not expected. What it sends nevertheless is included. */
  giveUp(id: number, from: number): readonly Closing[] {
    return this.#stay(id, { from, contributor: undefined });
  }

  #stay(id: number, stay: Stay): readonly Closing[] {
    const stays = (this.#stays.get(id) ?? []).filter(({ from }) => from < stay.from);
    this.#stays.set(id, [...stays, stay]);
    return this.#closeComplete();
  }

  /** An answer to a heartbeat that was issued. One for a closed heartbeat waits for the next to close. */
  answer(contributor: number, answer: Answer): readonly Closing[] {
    const k = answer.heartbeat;
    const answered = this.#answered.get(contributor) ?? new Intervals();
    this.#answered.set(contributor, answered);
    this.#heard.add(contributor);
    if (!answered.add(k)) {
      this.#duplicates++;
      return [];
    }
    if (k <= this.#closed || k > this.#issued) {
      (k <= this.#closed ? this.#late : this.#rest).push(answer);
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
    this.#late.push(...this.#rest.splice(0));
    if (this.#late.length > 0) closings.push(this.#close(this.#closed + 1, 'complete', true));
    return closings;
  }

  #closeComplete(): Closing[] {
    const closings: Closing[] = [];
    for (let k = this.#closed + 1; k <= this.#issued; k++) {
      if (this.#isComplete(k)) closings.push(...this.#closeThrough(k, 'overtaken'));
    }
    return closings;
  }

  #isComplete(k: number): boolean {
    const answers = this.#open.get(k);
    return this.#expectedIn(k).every(({ id }) => answers?.has(id));
  }

  #expectedIn(k: number): readonly Contributor[] {
    return [...this.#stays.values()].flatMap((stays) => stays.findLast(({ from }) => from <= k)?.contributor ?? []);
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
    const absent = rest ? [] : this.#expectedIn(k).filter(({ id }) => !answers?.has(id));
    const missing = new Set<number>(absent.flatMap(({ workers }) => workers));
    for (const { missing: below } of onTime) for (const worker of below) missing.add(worker);
    this.#forgetStaysBefore(k + 1);
    const heard = [...this.#heard];
    this.#heard.clear();
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
      heard,
    };
  }

  #forgetStaysBefore(k: number): void {
    for (const stays of this.#stays.values()) while (stays[1] && stays[1].from <= k) stays.shift();
  }
}
