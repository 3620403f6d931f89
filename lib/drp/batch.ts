/**
 * A batch: dgrams that lie side by side in one slot of one worker, in input order. It knows what is still to be done and how often each
 * dgram was under way when its worker failed. Pure: no processes, clocks or memory of its own beyond the slot it was given.
 */

import type { Outcome } from './outcome.ts';

export interface Entry {
  /** Position in the slot. */
  offset: number;
  size: number;
  /** INPUT_FLAG bits. */
  flags: number;
}

/** Failures after which a dgram is given up: it was tried, and tried once more. */
const TRIES = 2;

export class Batch {
  readonly worker: number;
  readonly slot: number;
  /** The slot's memory; entries lie in it. */
  readonly memory: Buffer;
  readonly entries: Entry[] = [];
  readonly outcomes: (Outcome | undefined)[] = [];
  private readonly failures: number[] = [];
  private done = 0;
  private alone = false;
  /** Numbers of the entries that are under way. */
  private asked: number[] = [];
  /** Dgrams that were sent a second time. */
  retried = 0;

  constructor(worker: number, slot: number, memory: Buffer) {
    this.worker = worker;
    this.slot = slot;
    this.memory = memory;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    this.outcomes.push(undefined);
    this.failures.push(0);
  }

  get complete(): boolean {
    return this.done === this.entries.length;
  }

  /** What to ask the worker for next: all that is open, or one at a time after a failure. */
  ask(): Entry[] {
    const open = this.entries.map((_, i) => i).filter((i) => this.outcomes[i] === undefined);
    this.asked = this.alone ? open.slice(0, 1) : open;
    return this.asked.map((i) => this.entries[i]!);
  }

  /** The entries that the answer to `ask` is about, in its order. */
  get underWay(): readonly Entry[] {
    return this.asked.map((i) => this.entries[i]!);
  }

  /**
   * Takes the results of the first dgrams that were asked for.
   * @param keep called for results whose memory must outlive the slot's next use
   */
  settle(outcomes: readonly Outcome[], keep: (outcome: Outcome) => Outcome): void {
    const last = outcomes.length === this.asked.length && this.done + outcomes.length === this.entries.length;
    outcomes.forEach((outcome, k) => {
      const i = this.asked[k];
      if (i === undefined || this.outcomes[i] !== undefined) return;
      this.outcomes[i] = last ? outcome : keep(outcome);
      this.done++;
    });
    this.asked = this.asked.filter((i) => this.outcomes[i] === undefined);
  }

  /**
   * The worker failed while this batch was under way: whatever it was asked for counts one failure and is tried once more, alone.
   * @param atFirst the worker named the dgram itself: it is the first one without a result, and the others are not to blame
   * @returns how many dgrams have now failed for good
   */
  fail(why: string, atFirst = false): number {
    let lost = 0;
    for (const i of atFirst ? this.asked.slice(0, 1) : this.asked) {
      this.failures[i] = this.failures[i]! + 1;
      if (this.failures[i]! >= TRIES) {
        this.outcomes[i] = { kind: 'failed', why };
        this.done++;
        lost++;
      } else {
        this.retried++;
      }
    }
    this.asked = [];
    this.alone = true;
    return lost;
  }

  /** The bytes of entry `i`. */
  input(i: number): Buffer {
    const { offset, size } = this.entries[i]!;
    return this.memory.subarray(offset, offset + size);
  }
}
