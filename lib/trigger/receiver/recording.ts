/**
 * Dgrams on their way from the pebble to a sink. Neighbours leave as one piece, and large ones are never copied; what is small is
 * copied into a block, because a piece of its own costs more than its bytes (bench/eb-join.ts).
 */

import type { DgramSink } from '../../stream/sink.ts';
import { SERVICE } from '../../xtc/service.ts';
import type { Pebble, Slab } from './pebble.ts';

/** Pieces smaller than this are copied. */
const COPY_BELOW = 4096;
const BLOCK_SIZE = 256 * 1024;
const NOTHING = Buffer.alloc(0);

export class Recording {
  private at = 0;
  private configureSize = 0;
  private readonly sink: DgramSink;
  private readonly pebble: Pebble;
  private readonly messages: boolean;
  private run: Slab | undefined;
  private runStart = 0;
  private runEnd = 0;
  /** Slabs that the sink still reads from. */
  private held: Slab[] = [];
  private blocks: Buffer[] = [];
  private block: Buffer = NOTHING;
  /** Of the block: what the sink has, and what has been filled. */
  private given = 0;
  private filled = 0;

  /** @param messages true for sinks that must get every dgram whole and alone (zmq) */
  constructor(sink: DgramSink, pebble: Pebble, messages: boolean) {
    this.sink = sink;
    this.pebble = pebble;
    this.messages = messages;
  }

  get full(): boolean {
    return this.sink.full;
  }

  /** The position of the next dgram in the output. */
  get position(): number {
    return this.at;
  }

  /** A transition comes next: some begin a file of their own. */
  transition(service: number, size: number): void {
    if (!this.sink.perRun) return;
    if (service === SERVICE.Configure) {
      this.configureSize = size;
      this.at = 0;
    } else if (service === SERVICE.BeginRun) this.at = this.configureSize;
  }

  /**
   * Takes an event, and its hold on the slab.
   * @param tail children that its extent counts already
   */
  event(slab: Slab, start: number, size: number, tail: Buffer = NOTHING): void {
    this.at += size + tail.length;
    if (this.messages) {
      this.sink.bytes(Buffer.concat([slab.bytes.subarray(start, start + size), tail]));
      return this.pebble.release(slab);
    }
    if (slab === this.run && start === this.runEnd) {
      this.runEnd += size;
      this.pebble.release(slab);
    } else {
      this.endRun();
      this.run = slab;
      this.runStart = start;
      this.runEnd = start + size;
    }
    if (tail.length > 0) {
      this.endRun();
      this.copy(tail, 0, tail.length);
    }
  }

  /** Takes a whole dgram that nobody will write to any more. */
  whole(bytes: Buffer): void {
    this.at += bytes.length;
    this.endRun();
    this.giveBlock();
    this.sink.bytes(bytes);
  }

  /** Passes on everything; slabs and blocks are free again. @throws what the sink throws */
  async drain(): Promise<void> {
    this.endRun();
    this.giveBlock();
    const { held, blocks } = this;
    this.held = [];
    this.blocks = [];
    await this.sink.drain();
    for (const slab of held) this.pebble.release(slab);
    if (blocks.length > 0) {
      this.block = blocks[0]!;
      this.given = this.filled = 0;
    }
  }

  /** A run has one hold on its slab. */
  private endRun(): void {
    const { run } = this;
    if (!run) return;
    this.run = undefined;
    if (this.runEnd - this.runStart < COPY_BELOW) {
      this.copy(run.bytes, this.runStart, this.runEnd);
      return this.pebble.release(run);
    }
    this.giveBlock();
    this.sink.bytes(run.bytes.subarray(this.runStart, this.runEnd));
    this.held.push(run);
  }

  private copy(from: Buffer, start: number, end: number): void {
    if (end - start > this.block.length - this.filled) {
      this.giveBlock();
      this.block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
      this.given = this.filled = 0;
    }
    this.filled += from.copy(this.block, this.filled, start, end);
  }

  private giveBlock(): void {
    if (this.filled === this.given) return;
    if (this.given === 0) this.blocks.push(this.block);
    this.sink.bytes(this.block.subarray(this.given, this.filled));
    this.given = this.filled;
  }
}
