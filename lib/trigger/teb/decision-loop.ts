/**
 * From closed events to results (spec teb.md, 4.3 and 4.4). One loop takes events as the builder closes them: L1Accepts go to the decider
 * in batches of what is ready, never waiting to fill one; a transition waits until everything older is decided and written.
 */

import { SERVICE } from '../../xtc/service.ts';
import type { BuiltEvent } from '../building/built-event.ts';
import { Contracts } from '../building/contracts.ts';
import type { EventBuilder } from '../building/event-builder.ts';
import type { MonitorDealer } from '../dealing/monitor-dealer.ts';
import { ANSWER_FLAG } from '../decide/batch.ts';
import type { Decider } from '../decide/types.ts';
import type { Milliseconds, PulseId, Why } from '../types.ts';
import { mebOf } from '../wire/buffer-word.ts';
import { DAMAGE, DATA, FLAG, LIMIT } from '../wire/layout.ts';
import { sourcesOf } from '../wire/masks.ts';
import { monitorOf, type Outcome } from '../wire/result.ts';
import { FATE, PendingBatch } from './pending-batch.ts';
import type { ResultFan } from './result-fan.ts';
import type { TebTotals } from './totals.ts';

export interface DecisionParts {
  builder: EventBuilder;
  decider: Decider;
  /** Undefined: wishes are passed on without a buffer. */
  dealer: MonitorDealer | undefined;
  results: ResultFan;
  totals: TebTotals;
  /** Most events per batch. */
  batch: number;
  /** Bit of the common group. */
  commonBit: number;
  /** Whether this process answers a pid. */
  isOurs: (pid: PulseId) => boolean;
  now: () => Milliseconds;
  hooks: DecisionHooks;
}

export interface DecisionHooks {
  /** A Configure has left the builder: everything is to begin anew before its result is written. */
  configure: () => Promise<void>;
  unconfigure: () => Promise<void>;
  /** Events have been given back: there is room for contributions. */
  room: () => void;
  /** An event lacks contributions. */
  fixedUp: (event: BuiltEvent) => void;
  /** Nothing is ready and nothing is under way; true if no more will come. */
  idle: () => boolean;
}

const WHY_FLAG: Readonly<Record<Why, number>> = {
  complete: 0,
  watermark: FLAG.watermark,
  eof: FLAG.eof,
  skew: FLAG.timeout,
  timeout: FLAG.timeout,
};
const FREE_WORD = 4;

export class DecisionLoop {
  private readonly parts: DecisionParts;
  private collecting: PendingBatch;
  private readonly spare: PendingBatch[] = [];
  private underWay = 0;
  private wake: () => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private readonly outcome: Outcome = { data: 0, monBufNo: 0, damage: 0, flags: 0 };
  /** Something went wrong in an answer: thrown from `run`. */
  private fault: unknown;
  /** Of the batch that was answered last. */
  readonly last = { entries: 0, decideNs: 0, latencyUs: 0 };

  constructor(parts: DecisionParts) {
    this.parts = parts;
    this.collecting = new PendingBatch(parts.batch);
  }

  /** Something has happened that may let events leave. */
  poke(): void {
    const { wake } = this;
    this.wake = () => {};
    wake();
  }

  /** Runs until `idle` says that no more will come. */
  async run(): Promise<void> {
    const { builder, hooks } = this.parts;
    try {
      for (;;) {
        const event = builder.next();
        if (event !== undefined) {
          const wait = this.take(event);
          // A turn of the microtask queue per event would cost as much as the event.
          if (wait !== undefined) await wait;
        } else if (this.collecting.count > 0 && this.underWay === 0) await this.submit();
        else if (this.underWay > 0) await this.sleep();
        else if (builder.waiting === 0 && hooks.idle()) return;
        else if (builder.waiting === 0) await this.sleep();
        if (this.fault !== undefined) throw this.fault;
      }
    } finally {
      clearTimeout(this.timer);
    }
  }

  private take(event: BuiltEvent): Promise<void> | undefined {
    const { hooks, commonBit, isOurs } = this.parts;
    if ((event.missingLow | event.missingHigh) !== 0) hooks.fixedUp(event);
    if (Contracts.isBarrier(event.env)) return this.transition(event);
    let fate: number = FATE.asked;
    if (!isOurs(event.pid)) fate = FATE.others;
    else if (!event.isL1) fate = FATE.unasked;
    else if ((event.env & commonBit) === 0) fate = FATE.bypass;
    this.collecting.add(event, fate);
    return this.collecting.full ? this.submit() : undefined;
  }

  /** Gives the decider what has been collected, as soon as it takes more. */
  private async submit(): Promise<void> {
    const { decider, results, now } = this.parts;
    if (results.full) await results.written();
    const batch = this.collecting;
    const nothingToAsk = batch.request.count === 0;
    while (this.underWay >= (nothingToAsk ? 1 : decider.inFlight)) await this.sleep();
    this.collecting = this.spare.pop() ?? new PendingBatch(this.parts.batch);
    if (nothingToAsk) return this.settle(batch);
    this.tellFree(batch);
    batch.sentAt = now();
    this.underWay++;
    decider.decide(batch.request).then(() => this.answered(batch), this.fail);
  }

  private tellFree(batch: PendingBatch): void {
    const { dealer } = this.parts;
    if (dealer === undefined) return;
    for (let meb = 0; meb < LIMIT.mebs; meb++)
      batch.request.free.writeUInt32LE(dealer.freeBuffers(meb), meb * FREE_WORD);
  }

  private answered(batch: PendingBatch): void {
    this.underWay--;
    this.last.entries = batch.request.count;
    this.last.decideNs = Math.round(((this.parts.now() - batch.sentAt) * 1e6) / batch.request.count);
    try {
      this.settle(batch);
    } catch (error) {
      this.fail(error);
    }
    this.poke();
  }

  /** Ends `run` with an error. */
  readonly fail = (error: unknown) => {
    this.fault ??= error;
    this.poke();
  };

  /** Writes the results of a batch, and gives its events back. */
  private settle(batch: PendingBatch): void {
    const { builder, results, hooks, totals, now } = this.parts;
    let answer = 0;
    for (let i = 0; i < batch.count; i++) {
      const event = batch.events[i]!;
      switch (batch.fates[i]) {
        case FATE.asked:
          this.decided(event, batch.request.data[answer]!, batch.request.flags[answer]!);
          answer++;
          break;
        case FATE.bypass:
          totals.bypassed++;
          this.publish(event, DATA.persist, 0, 0, FLAG.bypass);
          break;
        case FATE.unasked:
          this.publish(event, 0, 0, 0, 0);
          break;
        default:
          totals.ofOthers += contributionsOf(event);
      }
      if (event.isL1) totals.events++;
      else totals.transitions++;
    }
    if (batch.count > 0) this.last.latencyUs = Math.round((now() - batch.events[0]!.firstSeen) * 1000);
    builder.release(batch.count);
    batch.reset();
    this.spare.push(batch);
    results.flush();
    hooks.room();
  }

  /** An answer of the decider: our prescale bit, and a buffer for the monitor. */
  private decided(event: BuiltEvent, answer: number, flags: number): void {
    const { totals } = this.parts;
    let data = event.keep ? answer | DATA.prescale : answer & ~DATA.prescale;
    const buffer = monitorOf(data) === 0 ? 0 : this.deal(event, monitorOf(data));
    if (buffer === 0 && this.parts.dealer) data &= ~DATA.monitor;
    if (data & DATA.persist) totals.persisted++;
    if (data & DATA.prescale) totals.prescaled++;
    const isForced = (flags & ANSWER_FLAG.forced) !== 0;
    if (isForced) totals.forced++;
    const rejected = (flags & ANSWER_FLAG.primitiveRejected) !== 0 ? FLAG.primitivesRejected : 0;
    this.publish(event, data, buffer, isForced ? DAMAGE.byPolicy : 0, rejected | (isForced ? FLAG.forced : 0));
  }

  /** Buffer word, or 0. */
  private deal(event: BuiltEvent, wish: number): number {
    const { dealer, totals } = this.parts;
    if (dealer === undefined) return 0;
    const word = dealer.deal(event.pid, event.rogs, wish);
    if (word === 0) totals.monDenied++;
    else totals.monitored[mebOf(word)]!++;
    return word;
  }

  private publish(event: BuiltEvent, data: number, monBufNo: number, damage: number, flags: number): void {
    const { outcome } = this;
    const { totals, results } = this.parts;
    outcome.data = data >>> 0;
    outcome.monBufNo = monBufNo;
    outcome.damage = event.damage | damage;
    outcome.flags = flags | WHY_FLAG[event.why];
    if ((outcome.damage & DAMAGE.droppedContribution) !== 0) this.countMissing(event);
    if ((outcome.damage & DAMAGE.timedOut) !== 0) totals.timedOut++;
    totals.decided += contributionsOf(event);
    totals.results++;
    results.write(event, outcome, totals.restarts + 1 + this.parts.decider.counts.restarts);
  }

  private countMissing(event: BuiltEvent): void {
    const { totals } = this.parts;
    if ((event.missingLow | event.missingHigh) === 0) return;
    totals.fixedUp++;
    for (const source of sourcesOf(event.missingLow, event.missingHigh)) {
      totals.missing[source] = (totals.missing[source] ?? 0) + 1;
    }
  }

  private async transition(event: BuiltEvent): Promise<void> {
    const { builder, results, hooks, totals } = this.parts;
    if (this.collecting.count > 0) await this.submit();
    while (this.underWay > 0) await this.sleep();
    await results.written();
    if (event.service === SERVICE.Configure) await hooks.configure();
    if (this.parts.isOurs(event.pid)) this.publish(event, 0, 0, 0, 0);
    else totals.ofOthers += contributionsOf(event);
    totals.transitions++;
    if (event.service === SERVICE.Unconfigure) await hooks.unconfigure();
    builder.release();
    results.flush();
    hooks.room();
  }

  /** Waits until something happens, or the oldest event is too old. */
  private sleep(): Promise<void> {
    const { builder, now } = this.parts;
    const { deadline } = builder;
    clearTimeout(this.timer);
    if (deadline !== undefined) {
      this.timer = setTimeout(
        () => {
          builder.tick(now());
          this.poke();
        },
        Math.max(1, deadline - now()),
      );
    }
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

function contributionsOf(event: BuiltEvent): number {
  return bits(event.presentLow) + (event.presentHigh === 0 ? 0 : bits(event.presentHigh));
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
