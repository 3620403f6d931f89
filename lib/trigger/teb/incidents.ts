/** What goes wrong on the way: counted, and said as often as a person can read. */

import { OutputClosed } from '../../cli/output.ts';
import type { BuiltEvent } from '../building/built-event.ts';
import type { Contracts } from '../building/contracts.ts';
import type { Verdict } from '../types.ts';
import { sourcesOf } from '../wire/masks.ts';
import type { ContributionInput, Ending } from './contribution-input.ts';
import { LimitedSay } from './limited-say.ts';
import type { TebTotals } from './totals.ts';

export class Incidents {
  /** Connections that broke for good. */
  readonly lost: string[] = [];
  private readonly contracts: Contracts;
  private readonly totals: TebTotals;
  private readonly say: (text: string) => void;
  private readonly limited: LimitedSay;
  private readonly now: () => number;

  constructor(contracts: Contracts, totals: TebTotals, say: (text: string) => void, now: () => number) {
    this.contracts = contracts;
    this.totals = totals;
    this.say = say;
    this.limited = new LimitedSay(say);
    this.now = now;
  }

  rejected(verdict: Verdict, { name, record }: ContributionInput): void {
    const { pid, source } = record;
    this.limited.line(this.now(), () => `${name}: ${verdict}: source ${this.nameOf(source)}, pid ${pid}`);
  }

  /** An event lacks contributions. */
  fixedUp({ pid, missingLow, missingHigh, why }: BuiltEvent): void {
    this.limited.line(this.now(), () => {
      const names = sourcesOf(missingLow, missingHigh).map((source) => this.nameOf(source));
      return `pid ${pid}: missing ${names.join(', ')} (${why})`;
    });
  }

  /** A message or line is no contribution, and was passed over. */
  badFrame(why: string): void {
    this.totals.badFrames++;
    this.limited.line(this.now(), () => why);
  }

  inputEnded({ name, sourcesLow, sourcesHigh }: ContributionInput, ending: Ending, forGood: boolean): void {
    if (ending.how === 'end') return;
    this.say(`${name}: ${ending.why}${forGood ? '' : '; trying to connect again'}`);
    if (ending.how === 'garbled') {
      this.totals.badFrames++;
      return;
    }
    this.totals.lostSources += sourcesOf(sourcesLow, sourcesHigh).length;
    if (forGood) this.lost.push(name);
  }

  outputBroke(name: string, error: unknown): void {
    const why = error instanceof OutputClosed ? 'its reader has gone' : (error as Error).message;
    this.say(`${name}: ${why}; results for it are counted and dropped`);
    this.lost.push(name);
  }

  /** Reading had stopped for good. */
  leftOut(source: number): void {
    this.say(`no room for more events, and no time limit: source ${this.nameOf(source)} is left out until it speaks`);
  }

  private nameOf(source: number): string {
    const index = this.contracts.indexOf(source);
    return index < 0 ? String(source) : `${source} (${this.contracts.aliases[index]})`;
  }
}
