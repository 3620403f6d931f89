/** One result stream: records are collected while a write is under way, and everything collected leaves as one batch (spec teb.md, 2.3). */

import type { DgramSink } from '../../stream/sink.ts';
import { setEndOfList } from '../wire/eb-dgram.ts';

/** Collected results at which the decider waits for the reader. */
const PRESSURE = 1 << 20;
const FIRST_BYTES = 1 << 14;

export class ResultOutput {
  readonly name: string;
  /** Batches written. */
  batches = 0;
  /** Records that were not passed on, once the output is broken. */
  undelivered = 0;
  private records = 0;
  private readonly onBroken: (error: unknown) => void;
  private readonly sink: DgramSink;
  /** Batches end with a record that says so; lines of text do not. */
  private readonly marksEnd: boolean;
  private filling: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private filled = 0;
  private lastRecord = 0;
  private writing: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private underWay: Promise<void> | undefined;
  private broken = false;
  private reason: unknown;

  /**
   * @param onBroken told once, when the first record cannot be passed on any more. A reader that goes away when it has everything
   *   breaks nothing.
   */
  constructor(sink: DgramSink, marksEnd: boolean, onBroken: (error: unknown) => void) {
    this.onBroken = onBroken;
    this.sink = sink;
    this.name = sink.name;
    this.marksEnd = marksEnd;
  }

  /** Nothing can be passed on any more. */
  get isBroken(): boolean {
    return this.broken;
  }

  /** More is collected than is good: wait for `written`. */
  get full(): boolean {
    return this.filled > PRESSURE;
  }

  /**
   * Room for one record.
   * @returns the buffer to write into, from `at` on; the record is taken by `advance`
   */
  reserve(bytes: number): Buffer {
    if (this.filled + bytes > this.filling.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.filling.length, this.filled + bytes));
      this.filling.copy(grown, 0, 0, this.filled);
      this.filling = grown;
    }
    return this.filling;
  }

  /** Where the next record begins. */
  get at(): number {
    return this.filled;
  }

  /** The record at `at` is written, and has this many bytes. */
  advance(bytes: number): void {
    if (this.broken) return this.dropped(1);
    this.records++;
    this.lastRecord = this.filled;
    this.filled += bytes;
  }

  /** Begins to write what is collected, unless a write is under way: then it leaves with the next one. */
  flush(): void {
    if (this.underWay || this.filled === 0 || this.broken) return;
    if (this.marksEnd) setEndOfList(this.filling, this.lastRecord);
    const batch = this.filling.subarray(0, this.filled);
    [this.filling, this.writing] = [this.writing, this.filling];
    const { records } = this;
    this.filled = 0;
    this.records = 0;
    this.batches++;
    this.sink.bytes(batch);
    this.underWay = this.sink.drain().then(
      () => this.done(),
      (error: unknown) => this.breaks(error, records),
    );
  }

  /** Resolves when everything collected so far has been passed on, or cannot be any more. */
  async written(): Promise<void> {
    this.flush();
    while (this.underWay) await this.underWay;
  }

  /** Passes on the rest, and ends the stream. */
  async close(): Promise<void> {
    await this.written();
    if (!this.broken) await this.sink.close().catch((error: unknown) => this.breaks(error, 0));
  }

  abandon(): void {
    this.sink.abandon();
  }

  private breaks(error: unknown, underWay: number): void {
    this.underWay = undefined;
    this.broken = true;
    this.reason = error;
    this.filled = 0;
    this.sink.abandon();
    this.dropped(underWay + this.records);
  }

  private dropped(records: number): void {
    const isFirst = this.undelivered === 0 && records > 0;
    this.undelivered += records;
    if (isFirst) this.onBroken(this.reason);
  }

  private done(): void {
    this.underWay = undefined;
    // What came meanwhile does not wait for a later event.
    this.flush();
  }
}
