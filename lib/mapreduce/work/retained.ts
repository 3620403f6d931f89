/**
 * Results that were sent and of which it is not known whether the reducer has accepted them (spec mapreduce.md 3.4). If the reducer is killed
 * they are sent again. Pure.
 */

import type { Result } from './result-message.ts';

export interface Accepted {
  has(event: number): boolean;
}

const OVERHEAD = 200;

export class Retained {
  #results: Result[] = [];
  #bytes = 0;

  get count(): number {
    return this.#results.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(result: Result): void {
    this.#results.push(result);
    this.#bytes += sizeOf(result);
  }

  /** Forgets what is accepted, by origin. @returns what is left, in the order sent */
  settle(accepted: ReadonlyMap<string, Accepted>): readonly Result[] {
    this.#results = this.#results.filter(({ origin, event_number }) => !accepted.get(origin)?.has(event_number));
    this.#bytes = this.#results.reduce((bytes, result) => bytes + sizeOf(result), 0);
    return this.#results;
  }
}

const sizeOf = ({ body }: Result) => body.length + OVERHEAD;
