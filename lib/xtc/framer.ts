/**
 * From bytes to dgrams. The framer owns one large block; whoever has bytes (a file, a pipe, a socket) fills it, and `next()` moves
 * one reused `Dgram` from dgram to dgram. No I/O, no clock: the same code reads files, pipes, growing files and tests.
 *
 *     for (;;) switch (framer.next()) {
 *       case STEP.dgram: use(framer.dgram); break;
 *       case STEP.need:  framer.filled(read(framer.space())) or framer.finish(); break;
 *       case STEP.skip:  framer.skipped(skip(framer.toSkip)); break;
 *       case STEP.end:   return;
 *     }
 *
 * Rules: spec xtc2.md, section 17 (order of header checks) and section 19 (resynchronisation).
 */

import { Dgram, viewOf } from './dgram.ts';
import { FINDING_SEVERITY, type Finding, type FindingCode } from './finding.ts';
import { DGRAM, MAX_EXTENT, TYPE, XTC } from './layout.ts';
import { PlausibleSearch } from './plausible.ts';
import { envService, envType, isEvent, SERVICE } from './service.ts';
import { NSEC_PER_SEC } from './time.ts';

export const STEP = { need: 0, dgram: 1, skip: 2, end: 3 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

export interface FramerOptions {
  /** Bytes of the block; it grows when a dgram is larger. Default 1 MiB. */
  blockSize?: number;
  /** Payloads that reach beyond the block are skipped, not read: all, or those of events. Default false. */
  headersOnly?: boolean | 'events';
  /** Go on at the next plausible dgram after lost framing. Default false. */
  resync?: boolean;
  /** Size of the input if it is known and final: an extent beyond it is then recognised without reading. */
  inputSize?: number;
}

const MIB = 1024 * 1024;
const TYPE_BITS = 0xfff;
/** No dgram is larger than this, so no block need be. */
const MAX_BLOCK = MAX_EXTENT + 1 + MIB;

/** Reading on is cheaper than a jump and a short read below this many bytes. */
const WORTH_SKIPPING = 64 * 1024;

/** Without resync the search only gives a hint; it need not read a whole disk. */
const HINT_SEARCH_LIMIT = 64 * MIB;

export class Framer {
  readonly dgram: Dgram;
  /** Framing faults, in order. */
  readonly findings: Finding[] = [];
  /** Bytes to skip when `next()` said `skip`. */
  toSkip = 0;

  private readonly options: FramerOptions;
  private block: Buffer;
  private view: DataView;
  private readonly header = Buffer.alloc(DGRAM.size);
  private readonly headerView = viewOf(this.header);
  private pos = 0;
  private end = 0;
  /** Input position of block[0]. */
  private base = 0;
  private eof = false;
  private done = false;
  private count = 0;
  private search: { finding: Finding; from: number; plausible: PlausibleSearch } | undefined;

  constructor(options: FramerOptions = {}) {
    this.options = options;
    this.block = Buffer.allocUnsafeSlow(Math.max(options.blockSize ?? MIB, DGRAM.size));
    this.view = viewOf(this.block);
    this.dgram = new Dgram(this.block);
  }

  /** Input position of the first byte that no dgram has covered yet. */
  get position(): number {
    return this.base + this.pos;
  }

  /** Dgrams framed so far. */
  get framed(): number {
    return this.count;
  }

  /** Bytes in the block that belong to no framed dgram yet: the tail of a growing file. */
  get pending(): number {
    return this.end - this.pos;
  }

  next(): Step {
    for (;;) {
      if (this.done) return STEP.end;
      if (this.search) {
        const step = this.searchOn(this.search);
        if (step !== undefined) return step;
        continue;
      }
      const left = this.end - this.pos;
      if (left < DGRAM.size) {
        if (!this.eof) return STEP.need;
        this.finishTail(left);
        continue;
      }
      const { view, pos } = this;
      const extent = view.getUint32(pos + DGRAM.extent, true);
      if (
        extent < XTC.size ||
        extent > MAX_EXTENT ||
        (view.getUint16(pos + DGRAM.typeId, true) & TYPE_BITS) !== TYPE.Parent
      ) {
        this.loseHeader(extent);
        continue;
      }
      if (this.count === 0 && this.base + pos === 0 && !this.startsWell()) {
        this.lose('not-xtc2', 'the first 24 bytes are no dgram header: this is not an XTC2 file');
        continue;
      }
      const size = 12 + extent;
      if (size <= left) return this.hand(size, true);
      const step = this.beyondBlock(size, left);
      if (step !== undefined) return step;
    }
  }

  /** A dgram that is not wholly in the block. */
  private beyondBlock(size: number, left: number): Step | undefined {
    const known = this.options.inputSize;
    const missing = known === undefined ? 0 : this.position + size - known;
    if (this.eof || missing > 0) {
      const have = this.eof ? left : size - missing;
      this.lose('incomplete-payload', `the input ends ${size - have} bytes before the end of a dgram of ${size} bytes`);
      return undefined;
    }
    if (!this.mayBeSkipped() || size - left < WORTH_SKIPPING) return STEP.need;
    // A wrong extent in a pipe can only be mended if what was claimed to be payload is still there.
    if (this.options.resync && known === undefined) return STEP.need;
    this.block.copy(this.header, 0, this.pos, this.pos + DGRAM.size);
    this.toSkip = size - left;
    this.pos = this.end;
    return STEP.skip;
  }

  private mayBeSkipped(): boolean {
    const { headersOnly = false } = this.options;
    if (headersOnly !== 'events') return headersOnly;
    return isEvent(envService(this.view.getUint32(this.pos + DGRAM.env, true)));
  }

  private hand(size: number, whole: boolean): Step {
    const { dgram } = this;
    dgram.start = whole ? this.pos : 0;
    dgram.size = size;
    dgram.offset = whole ? this.base + this.pos : this.base + this.pos - size;
    dgram.index = this.count++;
    dgram.whole = whole;
    if (whole) this.pos += size;
    return STEP.dgram;
  }

  /** Bytes to fill with what comes next of the input; call `filled` with the number written. Moves the block: views end here. */
  space(): Buffer {
    const pending = this.end - this.pos;
    if (this.pos > 0 && this.block.length - this.end < this.block.length / 2) {
      this.block.copyWithin(0, this.pos, this.end);
      this.base += this.pos;
      this.pos = 0;
      this.end = pending;
    }
    // Growth follows what has really arrived, so a wrong extent alone never allocates its gigabytes. By four, because a block that
    // holds several large dgrams moves fewer cut ones to its front.
    if (this.end === this.block.length) this.replaceBlock(Math.min(this.block.length * 4, MAX_BLOCK));
    return this.block.subarray(this.end);
  }

  private replaceBlock(size: number): void {
    const grown = Buffer.allocUnsafeSlow(size);
    this.block.copy(grown, 0, this.pos, this.end);
    this.base += this.pos;
    this.end -= this.pos;
    this.pos = 0;
    this.block = grown;
    this.view = viewOf(grown);
    this.dgram.attach(grown, this.view);
  }

  filled(bytes: number): void {
    this.end += bytes;
    this.dgram.attach(this.block, this.view);
  }

  /**
   * Answers `skip`: that many bytes of the input were passed over.
   * @returns true if the dgram whose payload was skipped is complete; its header is then in `dgram`
   */
  skipped(bytes: number): boolean {
    const size = 12 + this.headerView.getUint32(DGRAM.extent, true);
    this.base += bytes;
    if (bytes < this.toSkip) {
      const offset = this.position - (size - this.toSkip + bytes);
      this.finding(
        'incomplete-payload',
        offset,
        `the input ends ${this.toSkip - bytes} bytes before the end of a dgram of ${size} bytes`,
      );
      this.done = true;
      return false;
    }
    this.dgram.attach(this.header, this.headerView);
    this.hand(size, false);
    return true;
  }

  /** The input has ended. */
  finish(): void {
    this.eof = true;
  }

  private finishTail(left: number): void {
    this.done = true;
    if (left === 0) {
      if (this.position === 0) this.finding('empty-file', 0, 'the input is empty (0 bytes)');
      return;
    }
    if (this.zeros(left)) {
      this.finding('zero-fill', this.position, `${left} zero bytes instead of a dgram header`).resume = null;
    } else {
      this.finding(
        'incomplete-header',
        this.position,
        `the input ends ${DGRAM.size - left} bytes before the end of a dgram header`,
      ).resume = null;
    }
  }

  private loseHeader(extent: number): void {
    if (this.zeros(DGRAM.size)) {
      this.lose('zero-fill', 'zero bytes instead of a dgram header (pre-allocated or lost blocks)');
    } else if (this.count === 0 && this.base + this.pos === 0) {
      this.lose('not-xtc2', 'the first 24 bytes are no dgram header: this is not an XTC2 file');
    } else if (extent < XTC.size || extent > MAX_EXTENT) {
      this.lose('bad-extent', `impossible extent 0x${extent.toString(16)} in a dgram header`);
    } else {
      const type = this.view.getUint16(this.pos + DGRAM.typeId, true);
      this.lose('bad-root-type', `root type 0x${type.toString(16)} is not Parent`);
    }
  }

  private startsWell(): boolean {
    const { view, pos } = this;
    const env = view.getUint32(pos + DGRAM.env, true);
    return (
      view.getUint32(pos + DGRAM.nsec, true) < NSEC_PER_SEC && envService(env) <= SERVICE.L1Accept && envType(env) !== 3
    );
  }

  private zeros(bytes: number): boolean {
    for (let i = this.pos; i < this.pos + bytes; i++) if (this.block[i] !== 0) return false;
    return true;
  }

  private finding(code: FindingCode, offset: number, detail: string): Finding {
    const finding: Finding = { code, severity: FINDING_SEVERITY[code], index: this.count, offset, detail };
    this.findings.push(finding);
    return finding;
  }

  private lose(code: FindingCode, detail: string): void {
    const finding = this.finding(code, this.position, detail);
    this.pos += 1;
    this.search = { finding, from: this.position, plausible: new PlausibleSearch() };
  }

  /** Position in the block at which the input ends, as far as that is known. */
  private get inputEnd(): number {
    if (this.eof) return this.end;
    const { inputSize } = this.options;
    // A file that has grown since it was opened has no known end.
    return inputSize === undefined || inputSize - this.base < this.end
      ? Number.POSITIVE_INFINITY
      : inputSize - this.base;
  }

  /** Looks for the next plausible dgram; undefined when the search is over. */
  private searchOn({ finding, from, plausible }: NonNullable<Framer['search']>): Step | undefined {
    const { resync } = this.options;
    const { view, end, inputEnd } = this;
    finding.resume = null;
    for (; inputEnd - this.pos >= DGRAM.size; this.pos++) {
      if (!resync && this.position - from > HINT_SEARCH_LIMIT) break;
      const answer = plausible.judge(view, this.pos, end, inputEnd);
      if (answer === 'more') return STEP.need;
      if (answer === 'yes') {
        finding.resume = this.position;
        break;
      }
      plausible.moveOn();
    }
    this.search = undefined;
    this.done = finding.resume === null || !resync;
    return undefined;
  }
}
