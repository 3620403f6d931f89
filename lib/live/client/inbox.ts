/** What waits for a reader that is busy: every transition, and the latest events. Pure. */

export interface InboxCounts {
  received: number;
  written: number;
  /** Events that gave way to later ones. */
  replaced: number;
  invalid: number;
}

export class Inbox {
  readonly counts: InboxCounts = { received: 0, written: 0, replaced: 0, invalid: 0 };
  private readonly depth: number;
  private items: { dgram: Buffer; event: boolean }[] = [];
  private events = 0;
  /** Bytes of the first dgram that have been handed out. */
  private given = 0;

  /** @param depth events that may wait */
  constructor(depth: number) {
    this.depth = depth;
  }

  /** Dgrams that wait. */
  get inside(): number {
    return this.items.length;
  }

  add(dgram: Buffer, event: boolean): void {
    this.counts.received++;
    if (event && this.events >= this.depth) this.dropOldest();
    this.items.push({ dgram, event });
    if (event) this.events++;
  }

  refuse(): void {
    this.counts.received++;
    this.counts.invalid++;
  }

  /** Copies what waits into a block, as much as fits; whole dgrams and parts. @returns bytes */
  drainInto(into: Buffer): number {
    let filled = 0;
    let done = 0;
    while (done < this.items.length && filled < into.length) {
      const { dgram, event } = this.items[done]!;
      const bytes = dgram.copy(into, filled, this.given);
      filled += bytes;
      this.given += bytes;
      if (this.given < dgram.length) break;
      this.given = 0;
      this.counts.written++;
      if (event) this.events--;
      done++;
    }
    if (done > 0) this.items = this.items.slice(done);
    return filled;
  }

  /** Never the one that is partly handed out. */
  private dropOldest(): void {
    const at = this.items.findIndex(({ event }, i) => event && !(i === 0 && this.given > 0));
    if (at < 0) return;
    this.items.splice(at, 1);
    this.events--;
    this.counts.replaced++;
  }
}
