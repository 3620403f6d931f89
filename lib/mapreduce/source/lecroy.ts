/** lecroy: a frame is a sequence with its traces (spec mapreduce.md 7). */

import { headerOf } from './json.ts';
import { BAD, frames, PART, type Protocol, type Reading, SKIPPED } from './types.ts';

const TYP = 'lecroy_9fwdWp6Rq7';
const WHAT = { prepare: 0, start: 1, end: 2, stop: 3 } as const;
/** JSON, array, times. */
const TRACE_PARTS = 3;
/** Value of `ntriggers` of a scope that sends one start for all its sequences. */
const ENDLESS = -1;

export class Lecroy implements Protocol {
  #sequence: Buffer[] = [];
  /** Start that belongs before every sequence. */
  #first: Buffer | undefined;

  read(message: readonly Buffer[]): Reading {
    const header = headerOf(message[0]);
    if (header === undefined) return BAD;
    if (header.htype === 'traces') return this.#traces(message);
    switch (header.what) {
      case WHAT.prepare:
        this.forget();
        return frames({ typ: TYP, frames: message, mark: 'start' });
      case WHAT.start:
        this.#sequence = [message[0]!];
        this.#first = header.ntriggers === ENDLESS ? message[0]! : undefined;
        return PART;
      case WHAT.end:
        return this.#end(message[0]!);
      case WHAT.stop:
        return frames({ typ: TYP, frames: message, mark: 'end' });
      default:
        return SKIPPED;
    }
  }

  forget(): void {
    this.#sequence = [];
    this.#first = undefined;
  }

  #traces(message: readonly Buffer[]): Reading {
    if (message.length !== TRACE_PARTS || this.#sequence.length === 0) return BAD;
    this.#sequence.push(...message);
    return PART;
  }

  #end(part: Buffer): Reading {
    const sequence = this.#sequence;
    if (sequence.length === 0) return BAD;
    this.#sequence = this.#first ? [this.#first] : [];
    return frames({ typ: TYP, frames: [...sequence, part], mark: 'data' });
  }
}
