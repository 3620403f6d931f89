/**
 * The events of one detector while they wait for their decisions. Bytes are read into slabs and stay where they are until they are
 * written or given up; nothing is copied but the beginning of an event for which a slab has no more room. Pure: whoever has bytes
 * puts them into `space()`.
 *
 *     while (pebble.next()) keep(pebble.hold(), pebble.start, pebble.size);
 *     pebble.filled(await source.read(pebble.space()));
 */

import { DataError } from '../../errors.ts';
import { viewOf } from '../../xtc/dgram.ts';
import { DGRAM, TYPE, XTC } from '../../xtc/layout.ts';
import { pulseIdOf } from '../../xtc/pulse-id.ts';
import { envType } from '../../xtc/service.ts';
import { NSEC_PER_SEC } from '../../xtc/time.ts';
import type { PulseId } from '../types.ts';
import { EBDGRAM, PID_HIGH_LIMIT, PID_HIGH_MASK } from '../wire/layout.ts';

/** Bytes of the pid word in front of a dgram. */
const PID_SIZE = EBDGRAM.nanoseconds;

/** `ebd`: dgrams with a pid word in front; `xtc2`: dgrams alone. */
export const EVENT_FORMATS = ['ebd', 'xtc2'] as const;
export type EventFormat = (typeof EVENT_FORMATS)[number];

export interface Slab {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Holds on events in it. */
  users: number;
}

const SLAB_SIZE = 1024 * 1024;
/** Less than this is not worth a read. */
const LEAST_ROOM = 128 * 1024;
/** Idle slabs that are kept. */
const SPARE = 8;
/** A slab holds so many of the largest events, up to the size below. */
const EVENTS_PER_SLAB = 4;
const LARGEST_SHARED_SLAB = 64 * 1024 * 1024;
const TYPE_BITS = 0xfff;
const TWO_32 = 0x1_0000_0000;

export class Pebble {
  /** Where the event is that `next` moved to: its dgram, without the pid word. */
  slab: Slab = makeSlab(SLAB_SIZE);
  start = 0;
  size = 0;
  /** From its pid word, or from its time if it has none. */
  pid: PulseId = 0;
  /** Position of the event in the input. */
  offset = 0;

  private readonly limit: number;
  private asked: EventFormat | undefined;
  private prefix = 0;
  private slabSize = SLAB_SIZE;
  private idle: Slab[] = [];
  private pos = 0;
  private end = 0;
  /** Input position of the slab's first byte. */
  private base = 0;

  /**
   * @param limit largest dgram in bytes
   * @param format undefined: the first event tells
   */
  constructor(limit: number, format?: EventFormat) {
    this.limit = limit;
    this.setFormat(format);
  }

  /** What the input is; undefined before the first event tells. */
  get format(): EventFormat | undefined {
    return this.asked;
  }

  /** Bytes that have been read and belong to no whole event. */
  get pending(): number {
    return this.end - this.pos;
  }

  /** Moves to the next whole event; false if more bytes are needed. @throws DataError `bad_frame` */
  next(): boolean {
    const { pos, end, slab } = this;
    if (this.asked === undefined) {
      if (end - pos < DGRAM.size) return false;
      this.setFormat(looksLikeDgram(slab.view, pos) ? 'xtc2' : 'ebd');
    }
    const start = pos + this.prefix;
    if (end < start + DGRAM.size) return false;
    const size = this.sizeAt(start);
    if (end < start + size) return false;
    this.start = start;
    this.size = size;
    this.offset = this.base + pos;
    this.pid = this.pidAt(start);
    this.pos = start + size;
    return true;
  }

  /** Keeps the slab of the current event until `release`. */
  hold(): Slab {
    this.slab.users++;
    return this.slab;
  }

  release(slab: Slab): void {
    if (--slab.users > 0 || slab === this.slab) return;
    if (slab.bytes.length === this.slabSize && this.idle.length < SPARE) this.idle.push(slab);
  }

  /** Room for what comes next of the input; call `filled` with the bytes written. The current event ends unless it is held. */
  space(): Buffer {
    const needed = this.bytesNeeded();
    if (this.slab.users === 0 && this.pending === 0) this.moveTo(this.slab);
    const { length } = this.slab.bytes;
    if (length - this.end < LEAST_ROOM || length - this.pos < needed) {
      const large = Math.max(needed, this.pending + LEAST_ROOM) > this.slab.bytes.length;
      this.moveTo(large || this.slab.users > 0 ? this.another(needed) : this.slab);
    }
    return this.slab.bytes.subarray(this.end);
  }

  filled(bytes: number): void {
    this.end += bytes;
  }

  private setFormat(format: EventFormat | undefined): void {
    this.asked = format;
    this.prefix = format === 'ebd' ? PID_SIZE : 0;
  }

  /** Bytes of the event under way, as far as its header tells. */
  private bytesNeeded(): number {
    const header = this.pos + this.prefix;
    return this.asked !== undefined && this.end >= header + DGRAM.size ? this.prefix + this.sizeAt(header) : 0;
  }

  private pidAt(start: number): PulseId {
    const { view } = this.slab;
    if (this.prefix === 0) {
      return pulseIdOf(view.getUint32(start + DGRAM.sec, true), view.getUint32(start + DGRAM.nsec, true));
    }
    const high = view.getUint32(start - PID_SIZE + EBDGRAM.pidHigh, true) & PID_HIGH_MASK;
    if (high >= PID_HIGH_LIMIT) throw this.lost('the pulse id is above 2^53', start);
    return high * TWO_32 + view.getUint32(start - PID_SIZE, true);
  }

  private sizeAt(start: number): number {
    const { view } = this.slab;
    const extent = view.getUint32(start + DGRAM.extent, true);
    const type = view.getUint16(start + DGRAM.typeId, true) & TYPE_BITS;
    if (extent >= XTC.size && extent <= this.limit - 12 && type === TYPE.Parent) return 12 + extent;
    throw this.lost(
      type === TYPE.Parent
        ? `extent ${extent}; allowed are 12 to ${this.limit - 12}`
        : `root type ${type} is not Parent`,
      start,
    );
  }

  private lost(why: string, at: number): DataError {
    return new DataError('bad_frame', `the framing of the events is lost: ${why}`, {
      place: { offset: this.base + at },
    });
  }

  private another(needed: number): Slab {
    const wanted = Math.min(needed * EVENTS_PER_SLAB, Math.max(needed + LEAST_ROOM, LARGEST_SHARED_SLAB));
    if (wanted > this.slabSize) {
      this.slabSize = wanted;
      this.idle = [];
    }
    return this.idle.pop() ?? makeSlab(this.slabSize);
  }

  /** Goes on in another slab, or at the front of the same one, with the bytes that belong to no whole event yet. */
  private moveTo(slab: Slab): void {
    const before = this.slab;
    const { pos, pending } = this;
    if (pending > 0) before.bytes.copy(slab.bytes, 0, pos, this.end);
    this.base += pos;
    this.pos = 0;
    this.end = pending;
    this.slab = slab;
    if (slab !== before) {
      // Its last event may have been released while it was still read into.
      before.users++;
      this.release(before);
    }
  }
}

function makeSlab(size: number): Slab {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: viewOf(bytes), users: 0 };
}

/**
 * Dgrams and dgrams behind a pid word can be told apart: what is the root's type of the one is the transition of the other, and
 * only ClearReadout is 0 there.
 */
function looksLikeDgram(view: DataView, at: number): boolean {
  return (
    view.getUint32(at + DGRAM.nsec, true) < NSEC_PER_SEC &&
    envType(view.getUint32(at + DGRAM.env, true)) !== 3 &&
    (view.getUint16(at + DGRAM.typeId, true) & TYPE_BITS) === TYPE.Parent &&
    view.getUint32(at + DGRAM.extent, true) >= XTC.size
  );
}
