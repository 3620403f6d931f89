/**
 * Where the buffers of one monitor are (spec teb.md, section 8.1, I18): idle, announced (free at the deciders, or dealt to an event that
 * is under way), or held by a client. All together are always all buffers. Pure.
 */

import { bufferOf, bufferWord, mebOf } from '../wire/buffer-word.ts';

const IDLE = 0;
const ANNOUNCED = 1;
const HELD = 2;

export class BufferLedger {
  readonly meb: number;
  readonly buffers: number;
  /** Events with a buffer that was not announced, or of another monitor: nothing changed. */
  strays = 0;
  private readonly state: Uint8Array;
  private readonly holder: (number | undefined)[];

  constructor(meb: number, buffers: number) {
    this.meb = meb;
    this.buffers = buffers;
    this.state = new Uint8Array(buffers);
    this.holder = Array(buffers).fill(undefined);
  }

  /** Announces one idle buffer. @returns its word for the free-buffer stream; undefined if none is idle */
  announce(): number | undefined {
    const buffer = this.state.indexOf(IDLE);
    if (buffer < 0) return undefined;
    this.state[buffer] = ANNOUNCED;
    return bufferWord(this.meb, buffer);
  }

  /** An event came with this buffer, and goes to a client. @returns false if it cannot be: counted as stray */
  give(word: number, client: number): boolean {
    const buffer = bufferOf(word);
    if (mebOf(word) !== this.meb || this.state[buffer] !== ANNOUNCED) {
      this.strays++;
      return false;
    }
    this.state[buffer] = HELD;
    this.holder[buffer] = client;
    return true;
  }

  /** The client is done with it, or the event was dropped. @returns false if nobody held it */
  giveBack(word: number): boolean {
    const buffer = bufferOf(word);
    if (mebOf(word) !== this.meb || this.state[buffer] !== HELD) return false;
    this.state[buffer] = IDLE;
    this.holder[buffer] = undefined;
    return true;
  }

  /** A client went away: all it held is idle again. @returns how many */
  clientGone(client: number): number {
    let count = 0;
    for (let buffer = 0; buffer < this.buffers; buffer++) {
      if (this.holder[buffer] === client && this.giveBack(bufferWord(this.meb, buffer))) count++;
    }
    return count;
  }

  /** A new run: what was announced and never came is idle again; clients keep what they hold. */
  configure(): void {
    for (let buffer = 0; buffer < this.buffers; buffer++)
      if (this.state[buffer] === ANNOUNCED) this.state[buffer] = IDLE;
  }

  get idle(): number {
    return this.count(IDLE);
  }
  get announced(): number {
    return this.count(ANNOUNCED);
  }
  get held(): number {
    return this.count(HELD);
  }

  heldBy(client: number): number {
    return this.holder.filter((holder) => holder === client).length;
  }

  private count(state: number): number {
    let count = 0;
    for (const one of this.state) if (one === state) count++;
    return count;
  }
}
