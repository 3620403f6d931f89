/** One record of the trigger chain (spec teb.md, sections 1.1 and 2.2): a cursor that is moved over bytes, and its writer. */

import { SERVICE } from '../../xtc/service.ts';
import type { PulseId } from '../types.ts';
import { EBDGRAM, ENV, EOL_HIGH, EXTENT_BASE, PID_HIGH_MASK } from './layout.ts';
import { int32At, uint16At, uint32At } from './words.ts';

const TWO_32 = 0x1_0000_0000;
const EMPTY = Buffer.alloc(0);

/**
 * An EbDgram in a block of bytes. One object is moved over many records; what the event builder looks at is decoded by `move`, the rest
 * when asked.
 */
export class EbDgram {
  block: Buffer = EMPTY;
  /** Where the record begins in the block, and its bytes with the header. */
  at = 0;
  length = 0;
  pid: PulseId = 0;
  env = 0;
  /** Level and number as they are written: a detector has level 0, so a record of another level is no source at all. */
  source = 0;
  damage = 0;

  /** Goes to a record of known length; the splitter has looked at its framing. */
  move(block: Buffer, at: number, length: number): this {
    this.block = block;
    this.at = at;
    this.length = length;
    this.pid = (int32At(block, at + EBDGRAM.pidHigh) & PID_HIGH_MASK) * TWO_32 + uint32At(block, at);
    this.env = int32At(block, at + EBDGRAM.env);
    this.source = uint32At(block, at + EBDGRAM.src);
    this.damage = uint16At(block, at + EBDGRAM.damage);
    return this;
  }

  get service(): number {
    return (this.env >>> ENV.serviceShift) & 0xf;
  }

  get isL1(): boolean {
    return this.service === SERVICE.L1Accept;
  }

  /** A watermark: "this source has sent everything up to and including this pid". */
  get isMarker(): boolean {
    return ((this.env >>> ENV.kindShift) & 3) === ENV.marker;
  }

  get rogs(): number {
    return this.env & ENV.groups;
  }

  /** The prescale request. */
  get keep(): boolean {
    return (this.env & ENV.keepRaw) !== 0;
  }

  /** Last of its batch. */
  get eol(): boolean {
    return (this.block.readUInt32LE(this.at + EBDGRAM.pidHigh) & EOL_HIGH) !== 0;
  }

  get seconds(): number {
    return this.block.readUInt32LE(this.at + EBDGRAM.seconds);
  }

  get nanoseconds(): number {
    return this.block.readUInt32LE(this.at + EBDGRAM.nanoseconds);
  }

  /** Bits 11:0 type, 15:12 version. */
  get typeId(): number {
    return this.block.readUInt16LE(this.at + EBDGRAM.typeId);
  }

  get payloadStart(): number {
    return this.at + EBDGRAM.size;
  }

  get payloadLength(): number {
    return this.length - EBDGRAM.size;
  }

  /** The payload, no copy. */
  payload(): Buffer {
    return this.block.subarray(this.at + EBDGRAM.size, this.at + this.length);
  }

  /** Header and payload, no copy. */
  bytes(): Buffer {
    return this.block.subarray(this.at, this.at + this.length);
  }

  /** The XTC dgram inside: everything but the pid word. No copy. */
  dgram(): Buffer {
    return this.block.subarray(this.at + EBDGRAM.nanoseconds, this.at + this.length);
  }
}

/** Header of a record to write. */
export interface EbHeader {
  pid: PulseId;
  seconds: number;
  nanoseconds: number;
  env: number;
  /** Level in bits 31:28. */
  src: number;
  damage?: number;
  typeId?: number;
  eol?: boolean;
}

/** Writes a header for a payload of `payloadLength` bytes at `at`; returns the position behind it. */
export function writeHeader(into: Buffer, at: number, header: EbHeader, payloadLength: number): number {
  const high = Math.floor(header.pid / TWO_32) & PID_HIGH_MASK;
  into.writeUInt32LE(header.pid % TWO_32, at);
  into.writeUInt32LE(header.eol ? high | EOL_HIGH : high, at + EBDGRAM.pidHigh);
  into.writeUInt32LE(header.nanoseconds, at + EBDGRAM.nanoseconds);
  into.writeUInt32LE(header.seconds, at + EBDGRAM.seconds);
  into.writeUInt32LE(header.env >>> 0, at + EBDGRAM.env);
  into.writeUInt32LE(header.src >>> 0, at + EBDGRAM.src);
  into.writeUInt16LE(header.damage ?? 0, at + EBDGRAM.damage);
  into.writeUInt16LE(header.typeId ?? 0, at + EBDGRAM.typeId);
  into.writeUInt32LE(EXTENT_BASE + payloadLength, at + EBDGRAM.extent);
  return at + EBDGRAM.size;
}

/** A whole record. */
export function contributionBytes(header: EbHeader, payload: Uint8Array = EMPTY): Buffer {
  const bytes = Buffer.alloc(EBDGRAM.size + payload.length);
  writeHeader(bytes, 0, header, payload.length);
  bytes.set(payload, EBDGRAM.size);
  return bytes;
}

/** A watermark marker of a source (section 2.2). */
export function markerBytes(source: number, pid: PulseId): Buffer {
  return contributionBytes({ pid, seconds: 0, nanoseconds: 0, env: ENV.marker << ENV.kindShift, src: source });
}

/** Env word of an event: groups, prescale request, service. */
export function eventEnv(rogs: number, service: number, keep = false): number {
  return ((service << ENV.serviceShift) | (keep ? ENV.keepRaw : 0) | (rogs & ENV.groups)) >>> 0;
}

/** Marks the last of the records written as the end of a batch. */
export function setEndOfList(bytes: Buffer, at: number): void {
  bytes.writeUInt32LE((bytes.readUInt32LE(at + EBDGRAM.pidHigh) | EOL_HIGH) >>> 0, at + EBDGRAM.pidHigh);
}
