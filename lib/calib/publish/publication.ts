/**
 * Who gets which run, and when (spec calib-pub.md, section 5). Pure: events come in with the time, orders go out. Every subscriber of a
 * run is served exactly once; nobody is served when no run is open.
 *
 *     begin -> fetching -> ready -> holding (until `expect` have subscribed, or too long) -> open -> end
 */

import type { Balance } from '../../cli/balance.ts';

/** A connection: a subscriber that comes again is another one. */
export type SubscriberId = number;

/**
 * What is known of a newcomer. `repeatable`: it drops what it has seen, so one copy too many does no harm. `local`: on one node connections
 * do not break, so it is a new process. `remote`: it may be one that was served already and has lost its connection.
 */
export type Newcomer = 'repeatable' | 'local' | 'remote';

export const LATE_POLICIES = ['once', 'always', 'never'] as const;
export type LatePolicy = (typeof LATE_POLICIES)[number];

export interface PublicationPolicy {
  late: LatePolicy;
  /** Subscribers for whom the first message of a run waits; 0 for none. */
  expect: number;
  /** How long it waits, in the unit of the times that events carry. */
  expectTimeout: number;
}

export type Order =
  /** Send the run of this number to these, now. */
  | { kind: 'send'; seq: number; to: readonly SubscriberId[] }
  /** The wait for `expect` is over, and this many were there. */
  | { kind: 'absent'; seq: number; present: number };

export interface PublicationCounts {
  runs: number;
  /** Subscribers of runs that were there before the run went out. */
  present: number;
  /** Those that came while it was open, and got it. */
  late: number;
  served: number;
  /** Left before they had everything. */
  disconnected: number;
  /** Were there, but the run ended before its constants came. */
  missing: number;
  underWay: number;
  /** Subscribers that `expect` waited for and that did not come until the end of their run. */
  absent: number;
  /** Newcomers that may have the run already, or came too late for the policy. */
  withheld: number;
}

interface Subscriber {
  readonly newcomer: Newcomer;
  active: boolean;
  /** The last run that it had to do with. */
  seq: number;
  /** It belongs to the open run and was not sent it yet. */
  waiting: boolean;
  /** Runs that are on their way to it. */
  readonly underWay: Set<number>;
}

interface Run {
  readonly seq: number;
  phase: 'fetching' | 'holding' | 'open';
  holdUntil: number;
  /** Members so far, whatever became of them. */
  members: number;
  /** Of those that cannot tell a repetition: how many were sent this run, and how many of them have left. */
  sent: number;
  left: number;
  /** Copies that a publisher before us has sent. */
  readonly sentBefore: number;
}

export class Publication {
  private readonly policy: PublicationPolicy;
  private readonly subscribers = new Map<SubscriberId, Subscriber>();
  private run: Run | undefined;
  private seq = 0;
  readonly counts: PublicationCounts = {
    runs: 0,
    present: 0,
    late: 0,
    served: 0,
    disconnected: 0,
    missing: 0,
    underWay: 0,
    absent: 0,
    withheld: 0,
  };

  constructor(policy: PublicationPolicy) {
    this.policy = policy;
  }

  /** Active subscribers. */
  get subscribed(): number {
    let count = 0;
    for (const { active } of this.subscribers.values()) if (active) count++;
    return count;
  }

  /** Subscribers of runs = served + disconnected + missing + those who still wait. */
  balance(): Balance {
    const { present, late, served, disconnected, missing, underWay, ...info } = this.counts;
    const waiting = underWay + this.waiting().length;
    return { in: present + late, out: served, losses: { disconnected, missing, waiting }, info: { ...info, late } };
  }

  /** When `tick` has something to do; undefined if nothing waits. */
  get deadline(): number | undefined {
    return this.run?.phase === 'holding' ? this.run.holdUntil : undefined;
  }

  /**
   * A run begins; one that was open ends. Everybody who is there belongs to it.
   * @param sentBefore copies of this run that a publisher sent which was killed inside it; whoever cannot tell a repetition is then taken
   *   for somebody who has one
   * @returns the number of the run, 1, 2, ...
   */
  begin(sentBefore = 0): number {
    this.end();
    const run: Run = { seq: ++this.seq, phase: 'fetching', holdUntil: 0, members: 0, sent: 0, left: 0, sentBefore };
    this.run = run;
    this.counts.runs++;
    for (const subscriber of this.subscribers.values()) if (subscriber.active) this.enter(run, subscriber);
    return this.seq;
  }

  /** The constants of the open run are at hand. */
  ready(now: number): Order[] {
    const { run } = this;
    if (run === undefined || run.phase !== 'fetching') return [];
    run.phase = 'holding';
    run.holdUntil = now + this.policy.expectTimeout;
    return this.tick(now);
  }

  subscribedBy(id: SubscriberId, newcomer: Newcomer): Order[] {
    const subscriber = this.subscribers.get(id) ?? {
      newcomer,
      active: false,
      seq: 0,
      waiting: false,
      underWay: new Set<number>(),
    };
    if (subscriber.active) return [];
    subscriber.active = true;
    this.subscribers.set(id, subscriber);
    const { run } = this;
    if (run === undefined || subscriber.seq === run.seq) return [];
    if (run.phase === 'open') return this.enterLate(run, id, subscriber);
    this.enter(run, subscriber);
    return run.phase === 'holding' && this.enough(run) ? this.open(run) : [];
  }

  /** It listens no more, but its connection lives: should it listen again, it is remembered what it has. */
  unsubscribedBy(id: SubscriberId): void {
    const subscriber = this.subscribers.get(id);
    if (!subscriber?.active) return;
    subscriber.active = false;
    if (subscriber.waiting) {
      subscriber.waiting = false;
      subscriber.seq = 0;
      this.counts.disconnected++;
    } else if (this.run?.seq === subscriber.seq && subscriber.newcomer !== 'repeatable') this.run.left++;
  }

  /** Its connection is gone. */
  left(id: SubscriberId): void {
    const subscriber = this.subscribers.get(id);
    if (subscriber === undefined) return;
    this.unsubscribedBy(id);
    this.counts.disconnected += subscriber.underWay.size;
    this.counts.underWay -= subscriber.underWay.size;
    this.subscribers.delete(id);
  }

  /** A message has left us completely. */
  delivered(id: SubscriberId, seq: number): void {
    if (!this.subscribers.get(id)?.underWay.delete(seq)) return;
    this.counts.underWay--;
    this.counts.served++;
  }

  /** The open run ends; later subscribers get nothing until the next one. */
  end(): void {
    const { run } = this;
    if (run === undefined) return;
    for (const subscriber of this.subscribers.values()) {
      if (subscriber.waiting) this.counts.missing++;
      subscriber.waiting = false;
    }
    this.counts.absent += Math.max(0, this.policy.expect - run.members - run.sentBefore);
    this.run = undefined;
  }

  /** To be called at `deadline`. */
  tick(now: number): Order[] {
    const { run } = this;
    if (run?.phase !== 'holding') return [];
    if (this.enough(run)) return this.open(run);
    if (now < run.holdUntil) return [];
    return [{ kind: 'absent', seq: run.seq, present: this.waiting().length }, ...this.open(run)];
  }

  private enough(run: Run): boolean {
    return run.sentBefore > 0 || this.waiting().length >= this.policy.expect;
  }

  private open(run: Run): Order[] {
    const to = this.waiting();
    run.phase = 'open';
    return to.length === 0 ? [] : [this.send(run, to)];
  }

  /** Somebody who was there before the run went out. */
  private enter(run: Run, subscriber: Subscriber): void {
    subscriber.seq = run.seq;
    if (run.sentBefore > 0 && !this.maySendAgain(subscriber)) {
      this.counts.withheld++;
      return;
    }
    subscriber.waiting = true;
    run.members++;
    this.counts.present++;
  }

  private enterLate(run: Run, id: SubscriberId, subscriber: Subscriber): Order[] {
    subscriber.seq = run.seq;
    if (!this.servesLate(run, subscriber)) {
      this.counts.withheld++;
      return [];
    }
    run.members++;
    this.counts.late++;
    return [this.send(run, [id])];
  }

  private send(run: Run, to: readonly SubscriberId[]): Order {
    for (const id of to) {
      const subscriber = this.subscribers.get(id)!;
      subscriber.waiting = false;
      subscriber.underWay.add(run.seq);
      if (subscriber.newcomer !== 'repeatable') run.sent++;
    }
    this.counts.underWay += to.length;
    return { kind: 'send', seq: run.seq, to };
  }

  private servesLate(run: Run, subscriber: Subscriber): boolean {
    const { late, expect } = this.policy;
    if (late !== 'once') return late === 'always';
    if (run.sentBefore > 0) return this.maySendAgain(subscriber);
    if (subscriber.newcomer !== 'remote') return true;
    return expect > 0 ? run.sent < expect : run.left === 0;
  }

  private maySendAgain({ newcomer }: Subscriber): boolean {
    return newcomer === 'repeatable' || this.policy.late === 'always';
  }

  private waiting(): SubscriberId[] {
    return [...this.subscribers].filter(([, { waiting }]) => waiting).map(([id]) => id);
  }
}
