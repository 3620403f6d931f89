/**
 * Whatever a decider process does, every event gets exactly one answer, in order, and no failure goes unrecorded (spec teb.md, 4.5). Pure:
 * time and what happens come in, orders go out.
 *
 * One process lives at a time. Frames to it are answered in order, by one or more RESULTS. When it fails, what it answered stands. If it
 * said at which event it failed, that one is decided by policy; if not, the events of the oldest open frame are suspects, and the next
 * process gets them one per message until one of them is the only one it can have been.
 */

import { DATA } from '../wire/layout.ts';
import { ANSWER_FLAG, type EventBatch } from './batch.ts';
import { PRIMITIVE_REJECTED, RESULT, readPid, STATUS, STATUS_TEXT } from './frames.ts';
import { type DeciderCounts, type OnError, zeroCounts } from './types.ts';

export interface SupervisionOptions {
  onError: OnError;
  /** Restarts per run before giving up. */
  restarts: number;
  /** Time without an answer before the process is killed. */
  timeoutMs: number;
  /** Time from its start until it is ready. */
  startTimeoutMs: number;
  /** Frames that may be open at once. */
  inFlight: number;
  /** Most events per frame. */
  perMessage: number;
}

/** What the machine wants done; called at most once each per input, never from inside another order. */
export interface Orders {
  /** Start a process; there is none now. */
  start(): void;
  send(frame: number, batch: EventBatch, from: number, count: number): void;
  /** End the process; `ended` follows when it is gone. */
  kill(why: string): void;
  /** All events of the batch have their answers. */
  settled(batch: EventBatch): void;
  /** For the log. */
  say(text: string): void;
  givenUp(why: string): void;
}

interface Frame {
  number: number;
  batch: EventBatch;
  from: number;
  count: number;
  answered: number;
}

type State = 'idle' | 'starting' | 'up' | 'ending' | 'stopped' | 'given-up';

const MONITOR_AND_PERSIST = DATA.persist | DATA.monitor;
const AUX = 0xffff_ff00;

export class Supervision {
  counts: DeciderCounts = zeroCounts();
  givenUpBecause: string | undefined;
  private readonly options: SupervisionOptions;
  private readonly orders: Orders;
  private state: State = 'idle';
  /** Not settled yet, oldest first. */
  private readonly batches: EventBatch[] = [];
  /** Sent to the living process, oldest first. */
  private readonly open: Frame[] = [];
  /** Events in front that go one per message. */
  private suspects = 0;
  /** The event at which the dying process said that it failed. */
  private culprit: number | undefined;
  /** It gave wrong answers: the event that has none yet need not be the cause. */
  private lied = false;
  /** Why the dying process must go. */
  private reason: string | undefined;
  private startFailures = 0;
  private nextFrame = 1;
  private deadline = Number.POSITIVE_INFINITY;

  constructor(options: SupervisionOptions, orders: Orders) {
    this.options = options;
    this.orders = orders;
  }

  /** Something must happen until then, or `tick` finds the process hung. */
  get dueAt(): number {
    return this.deadline;
  }

  get up(): boolean {
    return this.state === 'up';
  }

  /** A new run: counts and restarts begin anew. Nothing may be open, no process may live. */
  begin(now: number): void {
    this.counts = zeroCounts();
    this.givenUpBecause = undefined;
    this.startFailures = 0;
    this.startProcess(now);
  }

  submit(batch: EventBatch, now: number): void {
    this.batches.push(batch);
    this.proceed(now);
  }

  /** The process is ready for events. */
  ready(now: number): void {
    if (this.state !== 'starting') return;
    this.state = 'up';
    this.startFailures = 0;
    this.deadline = Number.POSITIVE_INFINITY;
    this.proceed(now);
  }

  /**
   * RESULTS of the living process.
   * @param rows count times pid, data, status
   */
  answers(frame: number, count: number, rows: Buffer, more: boolean, now: number): void {
    const oldest = this.open[0];
    if (this.state !== 'up' || oldest === undefined || oldest.number !== frame) {
      this.counts.staleAnswers += count;
      return;
    }
    if (rows.length !== count * RESULT.size || count > oldest.count - oldest.answered) {
      this.lied = true;
      this.fail(`it gave ${count} answers in ${rows.length} bytes to ${oldest.count - oldest.answered} events`);
      return;
    }
    for (let i = 0; i < count; i++) {
      const at = i * RESULT.size;
      if (readPid(rows, at) !== oldest.batch.pids[oldest.from + oldest.answered]) {
        this.counts.staleAnswers += count - i;
        this.lied = true;
        this.fail(`it answered for pid ${readPid(rows, at)}, not ${oldest.batch.pids[oldest.from + oldest.answered]}`);
        return;
      }
      this.take(oldest, rows.readUInt32LE(at + RESULT.offset.data), rows.readUInt32LE(at + RESULT.offset.status));
      if (this.state !== 'up') return;
    }
    this.deadline = now + this.options.timeoutMs;
    if (oldest.answered === oldest.count) {
      this.open.shift();
      this.settle();
    } else if (!more) {
      this.fail(`it answered ${oldest.answered} of ${oldest.count} events`);
      return;
    }
    this.proceed(now);
  }

  /** The process says what went wrong. With an event that has no answer yet, it is at its end. */
  complained(pid: number | undefined, text: string): void {
    if (this.state === 'starting') this.fail(text);
    if (this.state !== 'up' || pid === undefined) return;
    const oldest = this.open[0];
    if (oldest === undefined || !isOpenIn(oldest, pid)) return;
    this.culprit = pid;
    this.fail(`it failed at pid ${pid}`);
  }

  /** Answers of another process than the living one. */
  stale(count: number): void {
    this.counts.staleAnswers += count;
  }

  /** What comes from the process makes no sense. */
  broken(why: string): void {
    this.fail(why);
  }

  /** The process is gone, by our order or by itself. */
  ended(exit: string, now: number): void {
    if (this.state === 'stopped' || this.state === 'given-up' || this.state === 'idle') return;
    const atStart = this.state === 'starting' || (this.state === 'ending' && this.startFailures > 0);
    if (this.state === 'starting') this.startFailures++;
    if (this.state !== 'ending') this.orders.say(`the decider ended by itself: ${exit}`);
    const why = this.reason ?? exit;
    this.reason = undefined;
    if (this.blame() === 'given-up') return;
    this.counts.restarts++;
    if (this.counts.restarts > this.options.restarts) {
      this.counts.restarts--;
      this.giveUp(`it failed after ${this.options.restarts} restarts: ${why}`);
    } else if (atStart && this.startFailures > 1) this.giveUp(`it failed twice before it was ready: ${why}`);
    else this.startProcess(now);
  }

  /** Called now and then. */
  tick(now: number): void {
    if (now < this.deadline) return;
    if (this.state === 'starting') this.fail(`it was not ready within ${this.options.startTimeoutMs} ms`);
    else if (this.state === 'up') this.fail(`it gave no answer within ${this.options.timeoutMs} ms`);
  }

  /** Time during which this process did not run itself is not held against the decider. */
  excuse(milliseconds: number): void {
    this.deadline += milliseconds;
  }

  /** No process is wanted any more; what is open is decided by policy. */
  stop(): void {
    this.state = 'stopped';
    this.deadline = Number.POSITIVE_INFINITY;
    this.open.length = 0;
    this.forceAll();
  }

  private startProcess(now: number): void {
    this.state = 'starting';
    this.deadline = now + this.options.startTimeoutMs;
    this.orders.start();
  }

  private fail(why: string): void {
    if (this.state !== 'starting' && this.state !== 'up') return;
    if (this.state === 'starting') this.startFailures++;
    this.state = 'ending';
    this.deadline = Number.POSITIVE_INFINITY;
    this.reason = why;
    this.orders.say(`the decider failed: ${why}`);
    this.orders.kill(why);
  }

  /** One answer of the living process, or why it is none. */
  private take(frame: Frame, data: number, status: number): void {
    frame.answered++;
    if (this.suspects > 0) this.suspects--;
    const rejected = status & PRIMITIVE_REJECTED ? ANSWER_FLAG.primitiveRejected : 0;
    const what = status & ~PRIMITIVE_REJECTED;
    if (what === STATUS.ok) {
      frame.batch.answer((data & (MONITOR_AND_PERSIST | AUX)) >>> 0, rejected);
      return;
    }
    this.force(frame.batch, STATUS_TEXT[what] ?? 'wrong value', rejected);
    if (this.options.onError === 'stop') {
      this.orders.kill('--on-error stop');
      this.giveUp(`it failed for pid ${frame.batch.pids[frame.batch.answered - 1]}, and --on-error is stop`);
    }
  }

  /** After the end of a process: who is to blame, and who must be asked again. */
  private blame(): State {
    const oldest = this.open[0];
    const { culprit, lied } = this;
    this.open.length = 0;
    this.culprit = undefined;
    this.lied = false;
    if (oldest === undefined) return this.state;
    const { batch } = oldest;
    const unanswered = oldest.count - oldest.answered;
    const alone = unanswered === 1 && (oldest.count === 1 || !lied);
    if (alone || batch.pids[batch.answered] === culprit) {
      this.suspects = 0;
      this.force(batch, 'process');
      this.settle();
      if (this.options.onError === 'stop') this.giveUp('it failed, and --on-error is stop');
    } else this.suspects = unanswered;
    return this.state;
  }

  private force(batch: EventBatch, why: string, flags = 0): void {
    this.counts.forced++;
    this.counts.failures[why] = (this.counts.failures[why] ?? 0) + 1;
    batch.answer(this.options.onError === 'discard' ? 0 : DATA.persist, flags | ANSWER_FLAG.forced);
  }

  private giveUp(why: string): void {
    if (this.state === 'given-up') return;
    this.state = 'given-up';
    this.givenUpBecause = why;
    this.deadline = Number.POSITIVE_INFINITY;
    this.open.length = 0;
    this.orders.givenUp(why);
    this.forceAll();
  }

  private forceAll(): void {
    for (const batch of this.batches) {
      while (batch.answered < batch.count) this.force(batch, 'given up');
    }
    this.settle();
  }

  private settle(): void {
    while (this.batches.length > 0 && this.batches[0]!.answered === this.batches[0]!.count) {
      this.orders.settled(this.batches.shift()!);
    }
  }

  /** Sends what may be sent. */
  private proceed(now: number): void {
    if (this.state === 'given-up' || this.state === 'stopped') this.forceAll();
    if (this.state !== 'up') return;
    this.settle();
    while (this.open.length < (this.suspects > 0 ? 1 : this.options.inFlight)) {
      const next = this.nextToSend();
      if (next === undefined) return;
      const { batch, from } = next;
      const count = this.suspects > 0 ? 1 : Math.min(this.options.perMessage, batch.count - from);
      if (this.open.length === 0) this.deadline = now + this.options.timeoutMs;
      const number = this.nextFrame;
      this.nextFrame = (number + 1) >>> 0;
      this.open.push({ number, batch, from, count, answered: 0 });
      this.orders.send(number, batch, from, count);
      if (this.state !== 'up') return;
    }
  }

  /** The first event behind those that have been sent. */
  private nextToSend(): { batch: EventBatch; from: number } | undefined {
    const last = this.open.at(-1);
    if (last === undefined) {
      this.deadline = Number.POSITIVE_INFINITY;
      const batch = this.batches[0];
      return batch && { batch, from: batch.answered };
    }
    if (last.from + last.count < last.batch.count) return { batch: last.batch, from: last.from + last.count };
    const batch = this.batches[this.batches.indexOf(last.batch) + 1];
    return batch && { batch, from: batch.answered };
  }
}

function isOpenIn(frame: Frame, pid: number): boolean {
  for (let i = frame.from + frame.answered; i < frame.from + frame.count; i++) {
    if (frame.batch.pids[i] === pid) return true;
  }
  return false;
}
