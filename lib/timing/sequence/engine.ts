import { DaqError } from '../../errors.ts';
import { OP_BRANCH, OP_JUMP, OP_MAINS, OP_REQUEST, OP_SYNC, OP_UPPER, type Program } from './program.ts';

/** Requests of one engine within one machine period, in pulse order. */
export class RequestLog {
  buckets: Int32Array;
  words: Uint16Array;
  length = 0;

  constructor(capacity = 1024) {
    this.buckets = new Int32Array(capacity);
    this.words = new Uint16Array(capacity);
  }

  /** A copy without spare room. */
  copy(): RequestLog {
    const copy = new RequestLog(0);
    copy.buckets = this.buckets.slice(0, this.length);
    copy.words = this.words.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }

  add(bucket: number, word: number): void {
    if (this.length === this.buckets.length) this.#grow();
    this.buckets[this.length] = bucket;
    this.words[this.length++] = word;
  }

  #grow(): void {
    const buckets = new Int32Array(this.buckets.length * 4);
    buckets.set(this.buckets);
    this.buckets = buckets;
    const words = new Uint16Array(this.words.length * 4);
    words.set(this.words);
    this.words = words;
  }
}

/** A limit that is none: no period has so many ticks, and it stays a small integer for the compiler. */
export const NO_LIMIT = 0x3fffffff;
/** Instructions in one tick after which a loop without time is looked for. */
const SPIN_WATCH = 64;
/** Instructions in one tick after which we give up (16 M = two nested loops of 4096). */
const SPIN_LIMIT = 1 << 26;

/**
 * One sequence engine (spec timing 8.3), stepped from wake-up to wake-up. The position is the pulse at which the next instruction
 * executes: machine period and bucket within it. Everything else a program can remember is `line`, `page` and four counters.
 */
export class Engine {
  readonly program: Program;
  period: number;
  bucket: number;
  line = 0;
  /** Upper address bits, already shifted. */
  page = 0;
  readonly counters = new Int32Array(4);
  halted = false;
  /** Most instructions between a wait and a request of the same tick. */
  latestRequest = 0;
  /** Wake-ups so far. */
  wakeups = 0;
  /** Bits of the markers waited for since somebody cleared it. */
  markersUsed = 0;
  readonly #spin = { line: 0, page: 0, counters: new Int32Array(4), requested: false };

  /** `start`: absolute pulse of the first instruction. */
  constructor(program: Program, start: number) {
    this.program = program;
    this.period = Math.floor(start / program.period);
    this.bucket = start - this.period * program.period;
  }

  /**
   * Runs while the position is in `period`, for at most `limit` wake-ups; requests are added to `log`.
   * A halted engine returns at once. Throws `timing-program` when the program leaves its list or spins with a request.
   */
  run(period: number, limit: number, log: RequestLog): void {
    if (this.halted) return;
    const { op, arg, arg2, arg3, markerBit, length, period: ticks } = this.program;
    let { line, page, bucket, period: now, markersUsed: used } = this;
    let remaining = limit;
    let spent = 0;
    let out = 0;
    // Locals and integer columns only: this loop is the cost of every long program (bench/timing.ts, engine rows).
    while (remaining > 0 && now === period) {
      if (line >= length) throw this.#left(line);
      const code = op[line] as number;
      const value = arg[line] as number;
      if (code === OP_SYNC) {
        if (out !== 0) log.add(bucket, out);
        out = 0;
        spent = 0;
        used |= markerBit[line] as number;
        bucket += (arg3[line] as number) - (value === 1 ? 0 : bucket % value);
        now += arg2[line] as number;
        if (bucket >= ticks) {
          bucket -= ticks;
          now++;
        }
        line++;
        remaining--;
        continue;
      }
      if (code === OP_REQUEST) {
        out = value;
        if (spent > this.latestRequest) this.latestRequest = spent;
      } else if (code === OP_UPPER) page = value;
      else if (code === OP_MAINS) throw this.#mains(line);
      if (code === OP_JUMP || (code === OP_BRANCH && this.#loops(arg2[line] as number, arg3[line] as number)))
        line = page | value;
      else line++;
      if (++spent >= SPIN_WATCH && this.#spins(spent, line, page, code === OP_REQUEST)) {
        if (out !== 0) log.add(bucket, out);
        this.halted = true;
        break;
      }
    }
    this.line = line;
    this.page = page;
    this.bucket = bucket;
    this.period = now;
    this.markersUsed = used;
    this.wakeups += limit - remaining;
  }

  /** A conditional jump: true when it is taken (spec timing 8.3). */
  #loops(counter: number, value: number): boolean {
    const counters = this.counters;
    const count = counters[counter] as number;
    if (count === value) {
      counters[counter] = 0;
      return false;
    }
    counters[counter] = (count + 1) & 0xfff;
    return true;
  }

  /** True when the engine loops without time and without a request: it has halted for good. */
  #spins(spent: number, line: number, page: number, request: boolean): boolean {
    const spin = this.#spin;
    if (request) spin.requested = true;
    if ((spent & (spent - 1)) === 0) {
      if (spent >= SPIN_LIMIT) {
        throw new DaqError('timing-program', `Line ${line}: more than ${SPIN_LIMIT} instructions in one tick.`, {
          place: { line },
        });
      }
      spin.line = line;
      spin.page = page;
      spin.counters.set(this.counters);
      spin.requested = false;
      return false;
    }
    if (line !== spin.line || page !== spin.page) return false;
    for (let k = 0; k < 4; k++) if (spin.counters[k] !== this.counters[k]) return false;
    if (spin.requested) {
      throw new DaqError('timing-program', `Line ${line}: a loop without any wait contains a request.`, {
        place: { line },
      });
    }
    return true;
  }

  #mains(line: number): DaqError {
    return new DaqError('timing-program', `Line ${line}: a mains wait cannot be stepped.`, { place: { line } });
  }

  #left(line: number): DaqError {
    return new DaqError(
      'timing-program',
      `Line ${line}: execution leaves the list of ${this.program.length} instructions.`,
      {
        place: { line },
      },
    );
  }
}
