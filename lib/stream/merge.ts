/** Several streams in time order: always the earliest dgram that any of them holds; streams that tie come in their own order. */

import type { Dgram } from '../xtc/dgram.ts';
import { compareTimes } from '../xtc/time.ts';

/** What a stream of dgrams must offer; `DgramReader` does. */
export interface DgramStream {
  readonly dgram: Dgram;
  next(): boolean;
  fill(): Promise<boolean>;
}

type State = 'ready' | 'used' | 'hungry' | 'over';

export class MergeReader {
  private readonly streams: readonly DgramStream[];
  private readonly states: State[];
  private chosen = -1;

  constructor(streams: readonly DgramStream[]) {
    this.streams = streams;
    this.states = streams.map(() => 'used');
  }

  /** Number of the stream that `next` chose. */
  get stream(): number {
    return this.chosen;
  }

  get dgram(): Dgram {
    return this.streams[this.chosen]!.dgram;
  }

  /** Moves to the earliest dgram; false when a stream must be filled first, or all are over. */
  next(): boolean {
    if (this.chosen >= 0 && this.states[this.chosen] === 'ready') this.states[this.chosen] = 'used';
    let hungry = false;
    for (let i = 0; i < this.streams.length; i++) {
      if (this.states[i] === 'used') this.states[i] = this.streams[i]!.next() ? 'ready' : 'hungry';
      hungry ||= this.states[i] === 'hungry';
    }
    this.chosen = hungry ? -1 : this.earliest();
    return this.chosen >= 0;
  }

  /** Fills every stream that ran dry; false when all are over. Ends the validity of the views of those streams. */
  async fill(): Promise<boolean> {
    for (let i = 0; i < this.streams.length; i++) {
      if (this.states[i] === 'hungry') this.states[i] = (await this.streams[i]!.fill()) ? 'used' : 'over';
    }
    return this.states.some((state) => state !== 'over');
  }

  private earliest(): number {
    let best = -1;
    for (let i = 0; i < this.streams.length; i++) {
      if (this.states[i] !== 'ready') continue;
      if (best < 0 || compareTimes(this.streams[i]!.dgram, this.streams[best]!.dgram) < 0) best = i;
    }
    return best;
  }
}
