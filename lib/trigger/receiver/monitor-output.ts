/**
 * Decided events for monitors (spec teb.md, section 2.4): buffer word, pid word, dgram. Events are copied: there are never more of them
 * than monitor buffers, and so nothing of the recording waits for a monitor. One that goes away, or hangs, loses its stream and nothing
 * else happens.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { OutputClosed } from '../../cli/output.ts';
import type { DgramSink } from '../../stream/sink.ts';
import { DGRAM } from '../../xtc/layout.ts';
import type { PulseId } from '../types.ts';
import { EBDGRAM, PID_HIGH_MASK } from '../wire/layout.ts';

/** Bytes before the dgram: buffer word and pid word. */
const WORD_SIZE = 4;
const HEAD_SIZE = WORD_SIZE + EBDGRAM.nanoseconds;
/** A reader that takes nothing for so long, while it should, has stopped reading. */
const PATIENCE_MS = 1000;
const TWO_32 = 0x1_0000_0000;

export class MonitorOutput {
  /** Monitored events and transitions given to the sink. */
  events = 0;
  transitions = 0;
  /** L1Accepts and transitions that came after the monitor was lost. */
  missed = 0;
  /** Why there is no reader any more. */
  lost: string | undefined;
  private readonly sink: DgramSink;
  private readonly receiver: number;
  private readonly limit: number;
  private readonly onLost: (why: string) => void;
  private waiting = 0;
  private underWay: Promise<void> | undefined;

  /**
   * @param receiver number of the detector process: the source in its records
   * @param limit dgrams that may wait: as many as there are monitor buffers, and some transitions
   */
  constructor(sink: DgramSink, receiver: number, limit: number, onLost: (why: string) => void) {
    this.sink = sink;
    this.receiver = receiver;
    this.limit = limit;
    this.onLost = onLost;
  }

  /** Takes a copy of a dgram, in two parts. @param word of the monitor buffer, 0 for a transition */
  give(word: number, pid: PulseId, bytes: Buffer, start: number, size: number, tail: Buffer | undefined): void {
    if (this.lost !== undefined) {
      this.missed++;
      return;
    }
    const copy = Buffer.allocUnsafe(HEAD_SIZE + size + (tail?.length ?? 0));
    copy.writeUInt32LE(word, 0);
    copy.writeUInt32LE(pid % TWO_32, WORD_SIZE);
    copy.writeUInt32LE(Math.floor(pid / TWO_32) & PID_HIGH_MASK, WORD_SIZE + EBDGRAM.pidHigh);
    bytes.copy(copy, HEAD_SIZE, start, start + size);
    tail?.copy(copy, HEAD_SIZE + size);
    copy.writeUInt32LE(this.receiver, HEAD_SIZE + DGRAM.src);
    this.sink.bytes(copy);
    if (word === 0) this.transitions++;
    else this.events++;
    this.waiting++;
  }

  /** More waits than there are monitor buffers for. */
  get behind(): boolean {
    return this.waiting > this.limit && this.lost === undefined;
  }

  /** Gives a reader that is behind a moment to catch up; if it does not, it has stopped reading. */
  async catchUp(): Promise<void> {
    this.flush();
    const patience = new AbortController();
    const { signal } = patience;
    const timeIsUp = sleep(PATIENCE_MS, undefined, { signal }).catch(() => {});
    while (this.behind && this.underWay) {
      const expired = await Promise.race([this.underWay.then(() => false), timeIsUp.then(() => true)]);
      if (expired && this.behind) this.lose(`it has left ${this.waiting} events unread`);
    }
    patience.abort();
  }

  /** Begins to write what has been given, unless a write is under way: then that goes on. */
  flush(): void {
    if (this.underWay || this.waiting === 0 || this.lost !== undefined) return;
    const given = this.waiting;
    this.underWay = this.sink.drain().then(
      () => this.written(given),
      (error: unknown) => this.failed(error),
    );
  }

  /** Everything has been passed on, or the reader is gone. */
  async close(): Promise<void> {
    this.flush();
    while (this.underWay && this.lost === undefined) await this.underWay;
    if (this.lost !== undefined) return;
    await this.sink.close().catch((error: unknown) => this.failed(error));
  }

  abandon(): void {
    this.sink.abandon();
  }

  private written(given: number): void {
    this.waiting -= given;
    this.underWay = undefined;
    this.flush();
  }

  private failed(error: unknown): void {
    this.underWay = undefined;
    this.lose(error instanceof OutputClosed ? 'it has gone away' : (error as Error).message);
  }

  private lose(why: string): void {
    if (this.lost !== undefined) return;
    this.lost = why;
    this.sink.abandon();
    this.onLost(why);
  }
}
