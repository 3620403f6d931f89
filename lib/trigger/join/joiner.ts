/**
 * Joins the waiting events of one receiver with their decisions (spec teb.md, sections 7.2 and 7.3). Pure: it knows pulse ids, not
 * payloads. Fates come in the order of the events, so whoever holds the events takes the oldest for each fate.
 */

import { SERVICE } from '../../xtc/service.ts';
import type { Milliseconds, PulseId } from '../types.ts';
import { DAMAGE, DATA, ENV, FLAG, LIMIT } from '../wire/layout.ts';
import type { ResultRecord } from '../wire/result.ts';
import { type JoinerCounts, type RejectReason, zeroCounts } from './counts.ts';
import { DecisionQueue } from './decision-queue.ts';
import { Fate } from './fate.ts';
import { WaitingEvents } from './waiting-events.ts';

export type NoCommon = 'bypass' | 'discard' | 'error';
export type OnMissing = 'record' | 'discard' | 'stop';

export interface JoinerOptions {
  /** Number of the common group. */
  common: number;
  /** Number of deciders; an event belongs to decider (pid >> 6) mod that. Default 1. */
  deciders?: number;
  noCommon?: NoCommon;
  onMissing?: OnMissing;
  /** How long an event waits for its decision; 0: for ever. Default 20 000. */
  timeoutMs?: Milliseconds;
  /** Undecided events before `event` refuses more. */
  buffers: number;
}

/** Before any pid. */
const NEVER = -1;
const DEFAULT_TIMEOUT_MS = 20_000;

export class Joiner {
  counts: JoinerCounts = zeroCounts();
  private readonly commonBit: number;
  private readonly noCommon: NoCommon;
  private readonly onMissing: OnMissing;
  private readonly timeoutMs: Milliseconds;
  private readonly buffers: number;
  private readonly events = new WaitingEvents();
  private readonly decisions: DecisionQueue[];
  /** Runs begun, by the events or by any decider: pulse ids of results may go back once per run. */
  private run = 0;
  private eventRun = 0;
  /** The run of the results that the oldest event is looked up in. */
  private joining = 0;
  private lastEvent: PulseId = NEVER;
  private lastService = NEVER;
  private readonly fate = new Fate();

  constructor({ common, deciders = 1, noCommon, onMissing, timeoutMs = DEFAULT_TIMEOUT_MS, buffers }: JoinerOptions) {
    this.commonBit = 1 << common;
    this.noCommon = noCommon ?? 'bypass';
    this.onMissing = onMissing ?? 'record';
    this.timeoutMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs;
    this.buffers = buffers;
    this.decisions = Array.from({ length: deciders }, () => new DecisionQueue());
  }

  /**
   * The next event of this receiver.
   * @returns false if there is no room: offer it again after a fate. Every event that was taken gets exactly one fate
   */
  event(pid: PulseId, env: number, now: Milliseconds): boolean {
    if (this.events.length >= this.buffers) return false;
    const service = (env >>> ENV.serviceShift) & 0xf;
    let flaw: RejectReason | undefined;
    if (pid <= this.lastEvent) {
      const isAgain = pid === this.lastEvent && this.lastService === SERVICE.Configure;
      if (service === SERVICE.Configure && !isAgain) this.beginRun();
      else flaw = pid === this.lastEvent ? 'duplicate' : 'back';
    }
    if (flaw === undefined) {
      this.lastEvent = pid;
      this.lastService = service;
    }
    this.events.push(pid, env, flaw, now);
    this.counts.events++;
    return true;
  }

  /** A result of a decider. It is never refused; what does not belong here is counted. */
  result(decider: number, record: ResultRecord): void {
    const queue = this.decisions[decider]!;
    this.counts.results++;
    if (!record.isResult) {
      this.counts.badResult++;
      return;
    }
    if (record.pid <= queue.last) {
      const isAgain = record.pid === queue.last && record.service === queue.lastService;
      if (record.service === SERVICE.Configure && !isAgain && queue.run === this.run) this.run++;
      if (queue.run === this.run || isAgain) {
        this.counts.dupResult++;
        return;
      }
      queue.run = this.run;
    }
    queue.push(record);
  }

  /** A decider's stream has ended: nothing waits for it any more. */
  resultsEnded(decider: number): void {
    this.decisions[decider]!.ended = true;
  }

  /** The stream is there again. */
  resultsBegun(decider: number): void {
    this.decisions[decider]!.ended = false;
  }

  /**
   * The fate of the oldest event.
   * @returns undefined if nothing can be said yet; the object is the same every time
   */
  next(now: Milliseconds): Fate | undefined {
    const { events } = this;
    if (events.length === 0) return undefined;
    const fate = this.begin(events.pid, events.env);
    const { flaw } = events;
    if (flaw !== undefined) this.reject(flaw);
    else if (fate.isL1 && !(events.env & this.commonBit)) this.withoutCommon();
    else if (!this.decided(now)) return undefined;
    events.shift();
    this.count(fate);
    return fate;
  }

  /** When `next` may say more although nothing came; undefined if never. */
  get deadline(): Milliseconds | undefined {
    if (this.events.length === 0 || this.timeoutMs === Number.POSITIVE_INFINITY) return undefined;
    return this.events.arrived + this.timeoutMs;
  }

  /** Undecided events. */
  get waiting(): number {
    return this.events.length;
  }

  /** Results that wait for events. */
  get waitingResults(): number {
    return this.decisions.reduce((sum, queue) => sum + queue.length, 0);
  }

  /** The decider that the oldest event waits for; undefined if none waits. */
  get awaited(): number | undefined {
    return this.events.length === 0 ? undefined : this.responsible(this.events.pid);
  }

  private beginRun(): void {
    this.eventRun++;
    this.run = Math.max(this.run, this.eventRun);
  }

  private responsible(pid: PulseId): number {
    return Math.floor(pid / (1 << LIMIT.batchShift)) % this.decisions.length;
  }

  private begin(pid: PulseId, env: number): Fate {
    const { fate } = this;
    fate.act = 'record';
    fate.reason = undefined;
    fate.pid = pid;
    fate.env = env;
    fate.data = 0;
    fate.monBufNo = 0;
    fate.damage = 0;
    fate.flags = 0;
    fate.meb = 255;
    fate.missingLow = 0;
    fate.missingHigh = 0;
    return fate;
  }

  private reject(reason: RejectReason): true {
    this.fate.act = 'reject';
    this.fate.reason = reason;
    return true;
  }

  private withoutCommon(): void {
    if (this.noCommon !== 'bypass') {
      this.reject('no_common');
      return;
    }
    this.fate.data = DATA.persist;
    this.fate.flags = FLAG.bypass;
    this.counts.bypass++;
  }

  /** Steps 2 to 4 of section 7.2 for the oldest event; false if it must wait. */
  private decided(now: Milliseconds): boolean {
    const { events, fate } = this;
    const queue = this.decisions[this.responsible(events.pid)]!;
    // Its pid may be any, so results in front of the result of a Configure are older, whatever their pids are.
    const isConfigure = fate.service === SERVICE.Configure;
    if (isConfigure && queue.configures > 0) this.skipToConfigure(queue);
    while (queue.length > 0) {
      if (queue.firstPid === events.pid && (queue.firstRun <= this.joining || queue.firstService === fate.service)) {
        return this.join(queue);
      }
      const isNewer = queue.firstRun > this.joining || (queue.firstRun === this.joining && queue.firstPid > events.pid);
      if (isNewer && isConfigure) break;
      if (isNewer) return this.undecided();
      this.dropFirst(queue);
    }
    if (!queue.ended && now - events.arrived < this.timeoutMs) return false;
    if (isConfigure) this.joining = this.run;
    return this.undecided();
  }

  private skipToConfigure(queue: DecisionQueue): void {
    while (queue.firstService !== SERVICE.Configure) this.dropFirst(queue);
  }

  private dropFirst(queue: DecisionQueue): void {
    queue.shift();
    this.counts.extra++;
  }

  private join(queue: DecisionQueue): true {
    const { fate } = this;
    this.joining = Math.max(this.joining, queue.firstRun);
    if (queue.firstService !== fate.service) this.reject('svc');
    else {
      queue.tell(fate);
      if (fate.isL1 && !(fate.data & (DATA.persist | DATA.prescale))) fate.act = 'discard';
    }
    queue.shift();
    return true;
  }

  /** There is no decision, and there will be none. Transitions are recorded whatever the policy is. */
  private undecided(): true {
    const { fate } = this;
    this.counts.noDecision++;
    fate.damage = DAMAGE.missingData;
    if (this.onMissing === 'stop') return this.reject('no_decision');
    if (!fate.isL1) return true;
    if (this.onMissing === 'record') fate.data = DATA.persist;
    else fate.act = 'discard';
    return true;
  }

  private count({ act, reason }: Fate): void {
    if (act === 'record') this.counts.recorded++;
    else if (act === 'discard') this.counts.discarded++;
    else this.counts.rejected[reason!]++;
  }
}
