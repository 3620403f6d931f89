/**
 * Contributions from many inputs into the event builder. Every input is read by itself; one that has no room is not read until there is
 * some (I21), and the builder always takes what the oldest event waits for.
 */

import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { EventBuilder } from '../building/event-builder.ts';
import type { Milliseconds, Verdict } from '../types.ts';
import { sourcesOf } from '../wire/masks.ts';
import type { ContributionInput, Ending } from './contribution-input.ts';

export interface InputParts {
  builder: EventBuilder;
  reconnect: boolean;
  now: () => Milliseconds;
  stop: AbortSignal;
  hooks: InputHooks;
}

export interface InputHooks {
  /** Contributions have been taken. */
  taken: () => void;
  rejected: (verdict: Verdict, input: ContributionInput) => void;
  /** An input came to its end, whatever that was. */
  ended: (input: ContributionInput, ending: Ending, forGood: boolean) => void;
  /** A broken connection is made anew. */
  reconnected: (input: ContributionInput) => void;
}

const RECONNECT_MS = 200;

export class InputLoop {
  private readonly parts: InputParts;
  private readonly inputs: readonly ContributionInput[];
  private waiting: (() => void)[] = [];
  private left: number;

  constructor(inputs: readonly ContributionInput[], parts: InputParts) {
    this.inputs = inputs;
    this.parts = parts;
    this.left = inputs.length;
  }

  /** Every input has ended, and all that came has been taken. */
  get over(): boolean {
    return this.left === 0;
  }

  /** Inputs that are not over all wait for room: nothing more will come before an event leaves. */
  get blocked(): boolean {
    return this.left > 0 && this.waiting.length === this.left;
  }

  /** Reads all inputs to their ends. @throws InputError, DaqError if one cannot be read at all */
  async run(): Promise<void> {
    await Promise.all(this.inputs.map((input) => this.serve(input)));
  }

  /** There may be room again. */
  room(): void {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  close(): void {
    for (const input of this.inputs) input.close();
  }

  private async serve(input: ContributionInput): Promise<void> {
    const { builder, hooks, now } = this.parts;
    for (;;) {
      let ending = await this.read(input);
      if (ending.how === 'lost' && this.parts.reconnect && !this.parts.stop.aborted) {
        hooks.ended(input, ending, false);
        for (const source of sourcesOf(input.sourcesLow, input.sourcesHigh)) builder.lost(source, now());
        hooks.taken();
        if (await this.again(input)) continue;
        // Told to stop while it was away: that is an end like any other.
        ending = { how: 'end' };
      }
      input.over = true;
      this.left--;
      hooks.ended(input, ending, true);
      this.endSources(input);
      hooks.taken();
      return;
    }
  }

  private async read(input: ContributionInput): Promise<Ending> {
    for (;;) {
      const ending = await input.fill();
      if (ending) return ending;
      while (!this.take(input)) await this.forRoom();
      this.parts.hooks.taken();
      // Files answer at once: timers, signals and the other inputs need their turn.
      await turn();
    }
  }

  /** Offers the records that have come; false if there is no room. */
  private take(input: ContributionInput): boolean {
    const { builder, hooks } = this.parts;
    const now = this.parts.now();
    const { record } = input;
    while (input.blocked || input.next()) {
      input.carries(record.source);
      const verdict = builder.contribute(record, now);
      if (verdict === 'accepted') input.blocked = false;
      else if (verdict === 'full') {
        input.blocked = true;
        hooks.taken();
        return false;
      } else {
        input.blocked = false;
        if (verdict !== 'marker') hooks.rejected(verdict, input);
      }
    }
    return true;
  }

  private forRoom(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Makes a connection anew, as often as it takes; false if a stop came first. */
  private async again(input: ContributionInput): Promise<boolean> {
    const { stop, hooks } = this.parts;
    while (!stop.aborted && !input.closed) {
      try {
        await input.reopen();
        hooks.reconnected(input);
        return true;
      } catch {
        await sleep(RECONNECT_MS);
      }
    }
    return false;
  }

  /** A source has ended when every input that carries it has. */
  private endSources(input: ContributionInput): void {
    const { builder, now } = this.parts;
    if (this.left === 0) return builder.endAll(now());
    let low = input.sourcesLow;
    let high = input.sourcesHigh;
    for (const other of this.inputs) {
      if (other.over) continue;
      low &= ~other.sourcesLow;
      high &= ~other.sourcesHigh;
    }
    for (const source of sourcesOf(low, high)) builder.end(source, now());
  }
}
