/** One lane with its block, its file (or its chunks, one after the other) and its small-data file. */

import { OutputClosed } from '../cli/output.ts';
import { DaqError } from '../errors.ts';
import { type DgramSink, OutputSink } from '../stream/sink.ts';
import { Dgram } from '../xtc/dgram.ts';
import { SmdConverter } from '../xtc/smd.ts';
import { OutBlock } from './out-block.ts';
import type { LaneTarget } from './outputs.ts';
import { WholeDgrams } from './whole-dgrams.ts';

interface SmallData {
  sink: DgramSink;
  block: OutBlock;
  converter: SmdConverter;
  dgram: Dgram;
  /** Position of the next dgram in the big-data file. */
  offset: number;
}

export class LaneOutput {
  /** Where dgrams are to be written; undefined once the reader has gone. */
  block: OutBlock | undefined;
  /** Names of the files and pipes written. */
  readonly names: string[] = [];
  /** The reader of a socket has gone before it had everything. */
  lost = false;
  private readonly target: LaneTarget;
  private readonly whole: WholeDgrams | undefined;
  private sink: DgramSink;
  private small: SmallData | undefined;
  private chunk = 0;

  private constructor(target: LaneTarget, sink: DgramSink) {
    this.target = target;
    this.sink = sink;
    this.names.push(sink.name);
    // Sockets send whole dgrams; files and pipes take the pieces as they are.
    this.whole = sink instanceof OutputSink ? undefined : new WholeDgrams();
    this.block = new OutBlock(this.whole ?? { bytes: (view) => this.sink.bytes(view) });
  }

  /** @throws DaqError `output-failed`, UsageError */
  static async open(target: LaneTarget): Promise<LaneOutput> {
    const lane = new LaneOutput(target, await target.open(0));
    if (target.openSmallData) {
      const sink = await target.openSmallData();
      const block = new OutBlock(sink);
      lane.small = { sink, block, converter: new SmdConverter(), dgram: new Dgram(), offset: 0 };
      lane.names.push(sink.name);
    }
    return lane;
  }

  /** True when it is time to `flush`. */
  get full(): boolean {
    return this.block !== undefined && (this.block.full || this.sink.full || (this.small?.block.full ?? false));
  }

  /** To be told of every dgram that was written into the block. */
  written(size: number): void {
    const { block, whole, small } = this;
    if (!block) return;
    if (whole) {
      block.hand();
      const dgram = whole.take();
      if (dgram) this.sink.bytes(dgram);
    }
    if (!small) return;
    const { dgram } = small;
    dgram.attach(block.bytes, block.view);
    dgram.start = block.last;
    dgram.size = size;
    dgram.offset = small.offset;
    small.block.append(small.converter.convert(dgram));
    small.offset += size;
  }

  /**
   * Passes everything on.
   * @returns false if the reader has gone; nothing is written any more then
   * @throws DaqError `output-failed`
   */
  async flush(): Promise<boolean> {
    if (!this.block) return false;
    try {
      this.block.settle();
      await this.sink.drain();
      this.small?.block.settle();
      await this.small?.sink.drain();
      return true;
    } catch (error) {
      this.gone(error);
      return false;
    }
  }

  /** Goes on in the file of the next chunk. */
  async nextChunk(): Promise<void> {
    if (!(await this.flush())) return;
    await this.sink.close();
    this.sink = await this.target.open(++this.chunk);
    this.names.push(this.sink.name);
    if (this.small) this.small.offset = 0;
  }

  /** Ends in order: the rest is written, files are put in place. */
  async close(): Promise<void> {
    await this.flush();
    try {
      await this.sink.close();
    } catch (error) {
      this.gone(error);
    }
    await this.small?.sink.close();
  }

  /** The reader has gone; of a socket it had not taken everything. @throws what else went wrong */
  private gone(error: unknown): void {
    const ofSocket = error instanceof DaqError && error.code === 'reader-gone';
    if (!ofSocket && !(error instanceof OutputClosed)) throw error;
    if (ofSocket) this.lost = true;
    this.block = undefined;
  }

  /** Ends without an end. */
  abandon(): void {
    this.sink.abandon();
    this.small?.sink.abandon();
  }
}
