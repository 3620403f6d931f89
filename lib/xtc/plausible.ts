/**
 * Finding the next dgram after lost framing: which positions look like a dgram (spec xtc2.md, section 19). Positions are
 * unaligned, so every byte is tried; the quick test on the header keeps that cheap.
 */

import { DGRAM, MAX_EXTENT, TYPE, XTC } from './layout.ts';
import { envService, envType, SERVICE } from './service.ts';
import { NSEC_PER_SEC } from './time.ts';

/** `more`: the answer depends on bytes behind `end` that have not been read yet. */
export type Plausibility = 'yes' | 'no' | 'more';

/** A candidate that is larger than this is judged when so many bytes of it have come, by what is known of it then. */
const LOOK_AHEAD_LIMIT = 64 * 1024 * 1024;

/**
 * Children that one search may follow in all: so many to begin with, and some more for every position passed. Real dgrams come
 * nowhere near. Crafted ones can make every position lead into the same long chain of children, which would take quadratic time;
 * when the credit is spent, candidates with more than `SHORT_CHAIN` children are passed over.
 */
const FIRST_CREDIT = 1 << 21;
const CREDIT_PER_BYTE = 4;
const SHORT_CHAIN = 64;

const NO = -1;

/**
 * The search for the next plausible dgram: judges one position after the other. A candidate that needs bytes which have not come
 * yet is judged again when they are there, and goes on where it stopped.
 */
export class PlausibleSearch {
  /** Bytes of the candidate, and of what follows it, up to which the children are known to be sound; 0 before the first look. */
  private own = 0;
  private follower = 0;
  private credit = FIRST_CREDIT;

  /**
   * Judges position `pos` of a block that is filled up to `end`.
   * @param inputEnd position in the block at which the input ends; Infinity if that is not known yet
   */
  judge(view: DataView, pos: number, end: number, inputEnd: number): Plausibility {
    if (pos + DGRAM.size > end) return inputEnd < pos + DGRAM.size ? 'no' : 'more';
    if (this.own === 0) {
      if (!plausibleHeader(view, pos)) return 'no';
      this.own = DGRAM.size;
    }
    const size = 12 + view.getUint32(pos + DGRAM.extent, true);
    if (pos + size > inputEnd) return 'no';
    this.own = this.chain(view, pos, end, this.own, size);
    if (this.own === NO) return 'no';
    const seenEnough = end - pos > LOOK_AHEAD_LIMIT;
    if (this.own < size) return seenEnough ? 'yes' : 'more';
    const next = pos + size;
    if (next === inputEnd) return 'yes';
    if (next > end) return seenEnough ? 'yes' : 'more';
    return this.judgeFollower(view, next, end, inputEnd);
  }

  /** Gives the candidate up; the next call of `judge` is about the next position. */
  moveOn(): void {
    this.own = 0;
    this.follower = 0;
    this.credit += CREDIT_PER_BYTE;
  }

  /** What stands behind a candidate: a header cut off by the end of the input, or another plausible dgram. */
  private judgeFollower(view: DataView, pos: number, end: number, inputEnd: number): Plausibility {
    if (inputEnd - pos < DGRAM.size) {
      if (end < inputEnd) return 'more';
      return plausibleStart(view, pos, inputEnd - pos) ? 'yes' : 'no';
    }
    if (end - pos < DGRAM.size) return 'more';
    if (this.follower === 0) {
      if (!plausibleHeader(view, pos)) return 'no';
      this.follower = DGRAM.size;
    }
    const size = 12 + view.getUint32(pos + DGRAM.extent, true);
    this.follower = this.chain(view, pos, end, this.follower, size);
    if (this.follower === NO) return 'no';
    if (this.follower >= size || end - pos > LOOK_AHEAD_LIMIT) return 'yes';
    // A cut follower counts: files that are still being written end so.
    return pos + size > inputEnd && end >= inputEnd ? 'yes' : 'more';
  }

  /**
   * Follows the children of the dgram at `pos` from byte `from` of it on.
   * @returns the byte reached: `size` if the children fill the dgram exactly, less if the block ends before, NO if they do not fit
   */
  private chain(view: DataView, pos: number, end: number, from: number, size: number): number {
    let at = from;
    let length = 0;
    while (at < size) {
      if (size - at < XTC.size) return NO;
      const child = pos + at;
      if (child + XTC.size > end) return at;
      const typeId = view.getUint16(child + XTC.typeId, true);
      if (typeId !== TYPE.Parent && typeId !== TYPE.ShapesData && typeId !== TYPE.Names) return NO;
      const extent = view.getUint32(child + XTC.extent, true);
      if (extent < XTC.size || extent > size - at) return NO;
      at += extent;
      length++;
      if (this.credit > 0) this.credit--;
      else if (length > SHORT_CHAIN) return NO;
    }
    return at;
  }
}

function plausibleHeader(view: DataView, pos: number): boolean {
  if (view.getUint16(pos + DGRAM.typeId, true) !== TYPE.Parent) return false;
  if (view.getUint32(pos + DGRAM.nsec, true) >= NSEC_PER_SEC) return false;
  if (!plausibleEnv(view.getUint32(pos + DGRAM.env, true))) return false;
  if (view.getUint32(pos + DGRAM.src, true) >>> 28 > 1) return false;
  const extent = view.getUint32(pos + DGRAM.extent, true);
  return extent >= XTC.size && extent <= MAX_EXTENT;
}

/** The same for the first `length` bytes of a header, behind which the input ends. */
function plausibleStart(view: DataView, pos: number, length: number): boolean {
  const has = (offset: number, size: number) => length >= offset + size;
  if (has(DGRAM.nsec, 4) && view.getUint32(pos + DGRAM.nsec, true) >= NSEC_PER_SEC) return false;
  if (has(DGRAM.env, 4) && !plausibleEnv(view.getUint32(pos + DGRAM.env, true))) return false;
  if (has(DGRAM.src, 4) && view.getUint32(pos + DGRAM.src, true) >>> 28 > 1) return false;
  return !has(DGRAM.typeId, 2) || view.getUint16(pos + DGRAM.typeId, true) === TYPE.Parent;
}

/** 0 and 1 are left out on purpose: in event-built dgrams a root before a nested Parent would look like service 0. */
function plausibleEnv(env: number): boolean {
  const service = envService(env);
  return envType(env) <= 2 && service >= SERVICE.Configure && service <= SERVICE.L1Accept;
}
