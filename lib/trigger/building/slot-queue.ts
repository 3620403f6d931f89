/** Slots of closed events in order: the front has been taken by somebody, the rest waits. A ring that grows. */

export class SlotQueue {
  private ring = new Int32Array(256);
  private start = 0;
  private taken = 0;
  length = 0;

  get waiting(): number {
    return this.length - this.taken;
  }

  push(slot: number): void {
    if (this.length === this.ring.length) this.grow();
    this.ring[(this.start + this.length) & (this.ring.length - 1)] = slot;
    this.length++;
  }

  /** The next that waits, -1 if none does. It stays in the queue until `shift`. */
  take(): number {
    if (this.taken === this.length) return -1;
    return this.ring[(this.start + this.taken++) & (this.ring.length - 1)]!;
  }

  /** Removes the oldest that was taken. */
  shift(): number {
    if (this.taken === 0) throw new RangeError('more events were released than taken');
    const slot = this.ring[this.start]!;
    this.start = (this.start + 1) & (this.ring.length - 1);
    this.taken--;
    this.length--;
    return slot;
  }

  private grow(): void {
    const grown = new Int32Array(2 * this.ring.length);
    grown.set(this.ring.subarray(this.start));
    grown.set(this.ring.subarray(0, this.start), this.ring.length - this.start);
    this.ring = grown;
    this.start = 0;
  }
}
