/** A decider process in the mind: takes frames, answers them right or wrong, early or late, and dies when it likes. */

import type { EventBatch } from '../../../lib/trigger/decide/batch.ts';
import { RESULT, STATUS, writePid } from '../../../lib/trigger/decide/frames.ts';
import { type Orders, Supervision, type SupervisionOptions } from '../../../lib/trigger/decide/supervision.ts';
import type { Random } from '../../random.ts';

/** What an event does to whoever decides about it, every time. */
export type Fate = 'good' | 'raises' | 'hangs' | 'dies' | 'statusError' | 'wrongPid' | 'twice';

interface Sent {
  frame: number;
  pids: number[];
  answered: number;
}

/** The right answer of an event: something that depends on its pid. */
export function rightAnswer(pid: number): number {
  return pid % 3 === 0 ? 2 | ((pid & 15) << 2) : (pid & 0xff) << 8;
}

export class SimulatedDecider {
  readonly machine: Supervision;
  readonly settled: EventBatch[] = [];
  readonly log: string[] = [];
  /** Events per frame, as they were sent. */
  readonly frameSizes: number[] = [];
  now = 0;
  starts = 0;
  /** Frames of the living process; undefined while there is none. */
  private frames: Sent[] | undefined;
  private state: 'none' | 'starting' | 'up' | 'hung' | 'killed' = 'none';
  private readonly fateOf: (pid: number) => Fate;
  private readonly random: Random;
  private readonly startFails: () => boolean;
  /** Frames of dead processes, for stale answers. */
  private readonly old: Sent[] = [];

  constructor(options: SupervisionOptions, random: Random, fateOf: (pid: number) => Fate, startFails: () => boolean) {
    this.random = random;
    this.fateOf = fateOf;
    this.startFails = startFails;
    const orders: Orders = {
      start: () => {
        this.starts++;
        this.frames = [];
        this.state = 'starting';
      },
      send: (frame, batch, from, count) => {
        if (this.state === 'none' || this.state === 'starting') throw new Error('sent to nobody');
        this.frameSizes.push(count);
        this.frames!.push({ frame, pids: [...batch.pids.subarray(from, from + count)], answered: 0 });
      },
      kill: () => {
        this.state = 'killed';
      },
      settled: (batch) => {
        if (batch.answered !== batch.count) throw new Error('settled without all answers');
        this.settled.push(batch);
      },
      say: (text) => this.log.push(text),
      givenUp: (why) => this.log.push(`given up: ${why}`),
    };
    this.machine = new Supervision(options, orders);
  }

  /** Frames that the process holds. */
  get held(): number {
    return this.frames?.length ?? 0;
  }

  /** One step of whatever may happen. */
  step(): void {
    this.now += 1 + this.random.below(20);
    if (this.random.chance(0.02)) this.answerFromThePast();
    if (this.state === 'starting') {
      if (this.startFails()) this.die('exit status 1');
      else {
        this.state = 'up';
        this.machine.ready(this.now);
      }
    } else if (this.state === 'killed') {
      if (this.random.chance(0.2)) this.answerSome();
      else this.die('killed by SIGTERM');
    } else if (this.state === 'up') this.answerSome();
    if (this.state === 'hung' || this.random.chance(0.1)) {
      if (this.state === 'hung') this.now = Math.max(this.now, this.machine.dueAt);
      this.machine.tick(this.now);
    }
  }

  private die(why: string): void {
    this.old.push(...(this.frames ?? []));
    this.frames = undefined;
    this.state = 'none';
    this.machine.ended(why, this.now);
  }

  /** Answers a few events of the oldest frame, up to the first that is not good. */
  private answerSome(): void {
    const sent = this.frames?.[0];
    if (sent === undefined) return;
    const rows: [number, number, number][] = [];
    const wanted = 1 + this.random.below(sent.pids.length);
    let then: (() => void) | undefined;
    while (rows.length < wanted && sent.answered + rows.length < sent.pids.length && then === undefined) {
      const pid = sent.pids[sent.answered + rows.length]!;
      const fate = this.fateOf(pid);
      if (fate === 'good' || fate === 'twice') rows.push([pid, rightAnswer(pid), STATUS.ok]);
      else if (fate === 'statusError') rows.push([pid, 0, STATUS.exception]);
      else if (fate === 'wrongPid') {
        rows.push([pid + 1, 0, STATUS.ok]);
        then = () => {};
      } else then = () => this.misbehave(fate, pid);
      if (fate === 'twice') then = () => this.send(sent.frame, rows, false);
    }
    sent.answered += rows.length;
    const complete = sent.answered >= sent.pids.length;
    if (complete) this.frames?.shift();
    if (rows.length > 0) this.send(sent.frame, rows, !complete);
    then?.();
  }

  private misbehave(fate: Fate, pid: number): void {
    if (this.state !== 'up') return;
    if (fate === 'hangs') this.state = 'hung';
    else if (fate === 'dies') this.die('killed by SIGSEGV');
    else {
      this.machine.complained(pid, 'ValueError');
      if (this.random.chance(0.5)) this.die('exit status 1');
    }
  }

  private answerFromThePast(): void {
    const sent = this.old[this.random.below(this.old.length || 1)];
    if (sent !== undefined) this.send(sent.frame, [[sent.pids[0]!, 0xffff_ffff, STATUS.ok]], false);
  }

  private send(frame: number, rows: readonly [number, number, number][], more: boolean): void {
    const bytes = Buffer.alloc(rows.length * RESULT.size);
    for (const [i, [pid, data, status]] of rows.entries()) {
      writePid(bytes, pid, i * RESULT.size);
      bytes.writeUInt32LE(data >>> 0, i * RESULT.size + RESULT.offset.data);
      bytes.writeUInt32LE(status, i * RESULT.size + RESULT.offset.status);
    }
    this.machine.answers(frame, rows.length, bytes, more, this.now);
  }
}
