/** Results of the decider (spec teb.md, sections 1.4 and 1.6): written at once, read by a cursor. */

import type { BuiltEvent } from '../building/built-event.ts';
import { EbDgram, writeHeader } from './eb-dgram.ts';
import { DATA, LEVEL, NO_MEB, RESULT, TYPE_DATA } from './layout.ts';

/** The data word of a decision; `monitor` has one bit per MEB, further bits are cut off. */
export function dataWord(persist: boolean, monitor: number, aux = 0, prescale = false): number {
  return (
    (((aux & DATA.auxMask) << DATA.auxShift) |
      ((monitor & 0xf) << DATA.monitorShift) |
      (persist ? DATA.persist : 0) |
      (prescale ? DATA.prescale : 0)) >>>
    0
  );
}

/** The four monitor bits of a data word. */
export function monitorOf(data: number): number {
  return (data & DATA.monitor) >>> DATA.monitorShift;
}

/** The 24 bits of auxdata of a data word. */
export function auxOf(data: number): number {
  return data >>> DATA.auxShift;
}

/** What a result says beyond its event. */
export interface Outcome {
  /** Data word with everything, prescale too. */
  data: number;
  monBufNo: number;
  /** Of the event, and byPolicy if forced. */
  damage: number;
  /** FLAG bits. */
  flags: number;
}

/** Number of this decider and of its process, for the src and the sequence of its results. */
export interface ResultWriterOptions {
  decider: number;
  /** 64 bytes instead of 40. */
  extended: boolean;
}

/** Writes one result at `at`, which must have 40 (extended: 64) bytes of room; returns the position behind it. */
export function writeResult(
  into: Buffer,
  at: number,
  event: BuiltEvent,
  outcome: Outcome,
  { decider, extended }: ResultWriterOptions,
  sequence = 0,
): number {
  const { pid, seconds, nanoseconds, env } = event;
  const src = (LEVEL.event << 28) | decider;
  const length = (extended ? RESULT.extendedSize : RESULT.size) - RESULT.data;
  writeHeader(into, at, { pid, seconds, nanoseconds, env, src, damage: outcome.damage, typeId: TYPE_DATA }, length);
  into.writeUInt32LE(outcome.data >>> 0, at + RESULT.data);
  into.writeUInt32LE(outcome.monBufNo >>> 0, at + RESULT.monBufNo);
  if (!extended) return at + RESULT.size;
  into.writeInt32LE(event.receiversLow, at + RESULT.receivers);
  into.writeInt32LE(event.receiversHigh, at + RESULT.receivers + 4);
  into.writeInt32LE(event.missingLow, at + RESULT.missing);
  into.writeInt32LE(event.missingHigh, at + RESULT.missing + 4);
  into.writeUInt8(outcome.monBufNo === 0 ? NO_MEB : (outcome.monBufNo >>> 24) & 0x3f, at + RESULT.meb);
  into.writeUInt8(outcome.flags, at + RESULT.flags);
  into.writeUInt16LE(0, at + RESULT.flags + 1);
  into.writeUInt32LE(sequence, at + RESULT.sequence);
  return at + RESULT.extendedSize;
}

/** A result in a block of bytes; move it like any record. Parts that the record is too short for read as nothing. */
export class ResultRecord extends EbDgram {
  /** A record of a decider with at least the 40 bytes of a result. */
  get isResult(): boolean {
    return this.length >= RESULT.size && this.source >>> 28 === LEVEL.event;
  }

  get data(): number {
    return this.block.readUInt32LE(this.at + RESULT.data);
  }

  get monBufNo(): number {
    return this.block.readUInt32LE(this.at + RESULT.monBufNo);
  }

  get persist(): boolean {
    return (this.data & DATA.persist) !== 0;
  }

  get prescale(): boolean {
    return (this.data & DATA.prescale) !== 0;
  }

  get monitor(): number {
    return monitorOf(this.data);
  }

  get aux(): number {
    return auxOf(this.data);
  }

  /** The record has the 24 bytes of section 1.6. */
  get extended(): boolean {
    return this.length >= RESULT.extendedSize;
  }

  get receiversLow(): number {
    return this.extended ? this.block.readInt32LE(this.at + RESULT.receivers) : 0;
  }

  get receiversHigh(): number {
    return this.extended ? this.block.readInt32LE(this.at + RESULT.receivers + 4) : 0;
  }

  get missingLow(): number {
    return this.extended ? this.block.readInt32LE(this.at + RESULT.missing) : 0;
  }

  get missingHigh(): number {
    return this.extended ? this.block.readInt32LE(this.at + RESULT.missing + 4) : 0;
  }

  get meb(): number {
    return this.extended ? this.block.readUInt8(this.at + RESULT.meb) : NO_MEB;
  }

  get flags(): number {
    return this.extended ? this.block.readUInt8(this.at + RESULT.flags) : 0;
  }

  get sequence(): number {
    return this.extended ? this.block.readUInt32LE(this.at + RESULT.sequence) : 0;
  }
}
