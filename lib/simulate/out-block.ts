/**
 * Where the bytes of one stream collect: a block that is filled from the front, and views of large frames in between. Nothing is
 * copied twice, and the memory is used again once the taker has passed everything on.
 */

import { viewOf } from '../xtc/dgram.ts';

/** Who passes bytes on; `Output` and every dgram sink can. */
export interface Taker {
  bytes(view: Buffer): void;
}

const BLOCK = 512 * 1024;
/** Referenced and copied bytes after which it is time to drain. */
const PRESSURE = 8 * 1024 * 1024;
const MAX_VIEWS = 256;

export class OutBlock {
  bytes = Buffer.allocUnsafeSlow(BLOCK);
  view = viewOf(this.bytes);
  /** Where the dgram that was begun last starts in `bytes`. */
  last = 0;
  private readonly taker: Taker;
  private used = 0;
  private begun = 0;
  private views = 0;
  private waiting = 0;

  constructor(taker: Taker) {
    this.taker = taker;
  }

  /** True when it is time to `settle` and let the taker drain. */
  get full(): boolean {
    return this.used > BLOCK / 2 || this.views >= MAX_VIEWS || this.waiting > PRESSURE;
  }

  /** Room for `size` bytes; the position in `bytes` where they are to be written. */
  reserve(size: number): number {
    if (this.used + size > this.bytes.length) {
      this.hand();
      // The taker still holds views of the old block.
      this.bytes = Buffer.allocUnsafeSlow(Math.max(BLOCK, size));
      this.view = viewOf(this.bytes);
      this.used = this.begun = 0;
    }
    this.last = this.used;
    this.used += size;
    return this.last;
  }

  /** Puts a frame in at a position of what was reserved last; what lies behind follows it. Go from front to back. */
  insert(at: number, frame: Uint8Array): void {
    this.handUntil(at);
    this.taker.bytes(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
    this.views++;
    this.waiting += frame.byteLength;
  }

  /** Copies finished bytes. */
  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Hands over what there is, for takers that want dgrams one by one. */
  hand(): void {
    this.handUntil(this.used);
  }

  /** Hands everything to the taker. The taker must have drained before anything more is written. */
  settle(): void {
    this.hand();
    this.used = this.begun = this.views = this.waiting = 0;
  }

  private handUntil(at: number): void {
    if (at === this.begun) return;
    this.taker.bytes(this.bytes.subarray(this.begun, at));
    this.waiting += at - this.begun;
    this.views++;
    this.begun = at;
  }
}
