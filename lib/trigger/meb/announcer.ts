/** The free-buffer stream (spec teb.md, section 2.5): words of buffers that are free, at once. */

import type { DgramSink } from '../../stream/sink.ts';

const WORD = 4;

export class Announcer {
  /** Words given to the stream. */
  words = 0;
  /** Why nothing can be announced any more: nobody listens. */
  lost: string | undefined;
  private readonly sink: DgramSink;
  private pending: number[] = [];
  private underWay: Promise<void> | undefined;

  constructor(sink: DgramSink) {
    this.sink = sink;
  }

  announce(word: number): void {
    if (this.lost !== undefined) return;
    this.words++;
    this.pending.push(word);
    this.underWay ??= this.write();
  }

  async close(): Promise<void> {
    await this.underWay;
    if (this.lost === undefined) await this.sink.close().catch((error: unknown) => this.lose(error));
  }

  abandon(): void {
    this.sink.abandon();
  }

  private async write(): Promise<void> {
    try {
      while (this.pending.length > 0 && this.lost === undefined) {
        // Everything that is free by now leaves together.
        await Promise.resolve();
        const { pending } = this;
        this.pending = [];
        const bytes = Buffer.alloc(pending.length * WORD);
        for (const [i, word] of pending.entries()) bytes.writeUInt32LE(word, i * WORD);
        this.sink.bytes(bytes);
        await this.sink.drain();
      }
    } catch (error) {
      this.lose(error);
    } finally {
      this.underWay = undefined;
    }
  }

  private lose(error: unknown): void {
    if (this.lost !== undefined) return;
    this.lost = (error as Error).message;
    this.sink.abandon();
  }
}
