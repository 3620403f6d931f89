/**
 * A dgram as it lies in a block of bytes. Readers move ONE Dgram over a large block and hand it out again and again, so nothing
 * is allocated per dgram; whoever wants to keep one calls `copy()`.
 */

import { DGRAM } from './layout.ts';
import { envGroups, envService } from './service.ts';

export class Dgram {
  /** The block; the dgram is `bytes[start..start + size)`. */
  bytes: Buffer;
  /** The same memory. */
  view: DataView;
  start = 0;
  /** Total size, 12 + extent. */
  size = 0;
  /** Byte position of the dgram in its input. */
  offset = 0;
  /** 0-based number in its input, counting framed dgrams. */
  index = 0;
  /** False if only the 24 header bytes are in the block, because the consumer asked for headers only. */
  whole = true;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.size = bytes.length;
  }

  /** Moves to other memory. */
  attach(bytes: Buffer, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
  }

  get nsec(): number {
    return this.view.getUint32(this.start + DGRAM.nsec, true);
  }
  get sec(): number {
    return this.view.getUint32(this.start + DGRAM.sec, true);
  }
  get env(): number {
    return this.view.getUint32(this.start + DGRAM.env, true);
  }
  get service(): number {
    return envService(this.env);
  }
  /** Readout-group mask. */
  get groups(): number {
    return envGroups(this.env);
  }
  /** The whole src word: level in bits 31:28. */
  get src(): number {
    return this.view.getUint32(this.start + DGRAM.src, true);
  }
  get damage(): number {
    return this.view.getUint16(this.start + DGRAM.damage, true);
  }
  get typeId(): number {
    return this.view.getUint16(this.start + DGRAM.typeId, true);
  }
  get extent(): number {
    return this.view.getUint32(this.start + DGRAM.extent, true);
  }
  /** `sec << 32 | nsec`. */
  get timestamp(): bigint {
    return this.view.getBigUint64(this.start + DGRAM.nsec, true);
  }
  /** First byte of the payload in the block. */
  get payloadStart(): number {
    return this.start + DGRAM.size;
  }
  /** First byte behind the dgram in the block. */
  get end(): number {
    return this.start + this.size;
  }
  /** The bytes themselves, not copied: valid until the reader moves on. */
  slice(): Buffer {
    return this.bytes.subarray(this.start, this.whole ? this.start + this.size : this.start + DGRAM.size);
  }
  /** A Dgram over memory of its own. */
  copy(): Dgram {
    const copy = new Dgram(Buffer.from(this.slice()));
    copy.size = this.size;
    copy.offset = this.offset;
    copy.index = this.index;
    copy.whole = this.whole;
    return copy;
  }
}

/** A DataView over the memory of a Buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
