/**
 * Finds the runs in a stream that is recorded (spec procmgr.md 5.1): a file begins with the Configure and the BeginRun and ends with the EndRun.
 * Bytes come in pieces of any size. Pure.
 */

import { Dgram } from '../../xtc/dgram.ts';
import { DGRAM, XTC } from '../../xtc/layout.ts';
import { type RunInfo, readRunInfo } from '../../xtc/run-info.ts';
import { envService, SERVICE } from '../../xtc/service.ts';
import { Walker } from '../../xtc/walk.ts';

export interface RunTaker {
  /** A run begins. @param head its Configure, and its BeginRun if there was one */
  begin(info: RunInfo, head: readonly Buffer[]): void;
  /** More of the run; a view of what was taken. */
  bytes(view: Buffer): void;
  /** The run is over: all of it was given. */
  end(): void;
}

/** What becomes of the dgram under way. */
type Fate = 'pass' | 'collect' | 'drop';

const NOTHING = Buffer.alloc(0);
const UNKNOWN: RunInfo = { exp: undefined, run: undefined };
/** Where a file may begin or end. */
const MARKS: ReadonlySet<number> = new Set([SERVICE.Configure, SERVICE.BeginRun, SERVICE.EndRun]);

export class RunSplitter {
  private readonly taker: RunTaker;
  private readonly walker = new Walker();
  private running = false;
  private service = 0;
  private fate: Fate = 'drop';
  /** Bytes of the dgram under way that have not come. */
  private left = 0;
  private collected: Buffer[] = [];
  private configure: Buffer | undefined;
  /** The beginning of a header that was cut by the end of a piece. */
  private cut: Buffer = NOTHING;

  constructor(taker: RunTaker) {
    this.taker = taker;
  }

  /** Takes the next bytes; what is given to the taker are views of them, except for the head of a run. */
  take(piece: Buffer): void {
    const bytes = this.cut.length > 0 ? Buffer.concat([this.cut, piece]) : piece;
    this.cut = NOTHING;
    let at = this.left > 0 ? this.more(bytes, 0) : 0;
    while (at < bytes.length) {
      if (this.running) at = this.skim(bytes, at);
      if (at === bytes.length) return;
      if (bytes.length - at < DGRAM.size) {
        this.cut = Buffer.from(bytes.subarray(at));
        return;
      }
      this.service = serviceAt(bytes, at);
      this.left = sizeAt(bytes, at);
      this.meet();
      at = this.more(bytes, at);
    }
  }

  /** The end of the stream: a run that is under way ends here. */
  close(): void {
    this.endRun();
  }

  /** Passes on the whole dgrams that change nothing, as one piece. @returns where the next one begins */
  private skim(bytes: Buffer, start: number): number {
    let at = start;
    while (bytes.length - at >= DGRAM.size && !MARKS.has(serviceAt(bytes, at))) {
      const end = at + sizeAt(bytes, at);
      if (end > bytes.length) break;
      at = end;
    }
    if (at > start) this.taker.bytes(bytes.subarray(start, at));
    return at;
  }

  /** More of the dgram under way. @returns where it ends, or the bytes do */
  private more(bytes: Buffer, at: number): number {
    const part = bytes.subarray(at, at + this.left);
    this.left -= part.length;
    if (this.fate === 'pass') this.taker.bytes(part);
    else if (this.fate === 'collect') this.collected.push(Buffer.from(part));
    if (this.left === 0) this.leave();
    return at + part.length;
  }

  /** A dgram begins. */
  private meet(): void {
    const { service } = this;
    if (service === SERVICE.Configure || service === SERVICE.BeginRun) {
      this.endRun();
      this.fate = 'collect';
      return;
    }
    // A stream without BeginRun: its data belong to a run all the same.
    if (!this.running && service !== SERVICE.EndRun && service !== SERVICE.Unconfigure) {
      this.beginRun(UNKNOWN, this.configure ? [this.configure] : []);
    }
    this.fate = this.running ? 'pass' : 'drop';
  }

  /** A dgram has come to its end. */
  private leave(): void {
    if (this.fate === 'collect') {
      const whole = Buffer.concat(this.collected);
      this.collected = [];
      const dgram = new Dgram(whole);
      if (this.service === SERVICE.Configure) {
        this.walker.walk(dgram, {});
        this.configure = whole;
      } else {
        this.beginRun(readRunInfo(dgram, this.walker), this.configure ? [this.configure, whole] : [whole]);
      }
    } else if (this.service === SERVICE.EndRun) this.endRun();
  }

  private beginRun(info: RunInfo, head: readonly Buffer[]): void {
    this.running = true;
    this.taker.begin(info, head);
  }

  private endRun(): void {
    if (!this.running) return;
    this.running = false;
    this.taker.end();
  }
}

function serviceAt(bytes: Buffer, at: number): number {
  return envService(bytes.readUInt32LE(at + DGRAM.env));
}

function sizeAt(bytes: Buffer, at: number): number {
  return DGRAM.size - XTC.size + bytes.readUInt32LE(at + DGRAM.extent);
}
