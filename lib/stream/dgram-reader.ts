/**
 * Dgrams from a source of bytes. The inner loop is synchronous and allocates nothing; the outer one waits for bytes:
 *
 *     const reader = new DgramReader(await openBytes('run.xtc2'));
 *     do {
 *       while (reader.next()) use(reader.dgram);      // views end at the next fill
 *     } while (await reader.fill());
 *     report(reader.findings);
 */

import type { Dgram } from '../xtc/dgram.ts';
import type { Finding } from '../xtc/finding.ts';
import { Framer, type FramerOptions, STEP, type Step } from '../xtc/framer.ts';
import type { ByteSource } from './source.ts';

export interface DgramReaderOptions extends FramerOptions {
  /** Ends the stream in order, as if the input had ended, but without calling the rest incomplete. */
  stop?: AbortSignal;
}

/** After a skipped payload only a header is wanted; small dgrams behind it bring the size back up. */
const SMALL_READ = 4096;
const FILLS_PER_TURN = 32;

export class DgramReader {
  private readonly framer: Framer;
  private readonly source: ByteSource;
  private readonly stop: AbortSignal | undefined;
  private readonly onStop = () => this.source.close();
  private step: Step = STEP.need;
  private skippedOne = false;
  private readSize = Number.MAX_SAFE_INTEGER;
  private fills = 0;

  constructor(source: ByteSource, options: DgramReaderOptions = {}) {
    this.source = source;
    this.framer = new Framer({ ...(source.size === undefined ? {} : { inputSize: source.size }), ...options });
    this.stop = options.stop;
    this.stop?.addEventListener('abort', this.onStop, { once: true });
  }

  /** The dgram that `next` moved to; its memory is valid until the next `fill`. */
  get dgram(): Dgram {
    return this.framer.dgram;
  }

  /** Framing faults so far. */
  get findings(): readonly Finding[] {
    return this.framer.findings;
  }

  get name(): string {
    return this.source.name;
  }

  /** Dgrams framed so far. */
  get framed(): number {
    return this.framer.framed;
  }

  /** Bytes that have been read but belong to no framed dgram yet. */
  get pending(): number {
    return this.framer.pending;
  }

  /** Input position behind the last framed dgram. */
  get position(): number {
    return this.framer.position;
  }

  /** Moves to the next dgram; false when more bytes are needed or the input is over: call `fill`. */
  next(): boolean {
    if (this.skippedOne) {
      this.skippedOne = false;
      return true;
    }
    this.step = this.framer.next();
    return this.step === STEP.dgram;
  }

  /** Gets more bytes; false when the input is over. Ends the validity of all views. */
  async fill(): Promise<boolean> {
    if (this.step === STEP.end || this.stop?.aborted) return this.ended();
    // Files answer synchronously; signals and timers want a turn now and then.
    if (++this.fills % FILLS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    if (this.step === STEP.skip) {
      const { toSkip } = this.framer;
      const answer = this.source.skip(toSkip);
      const bytes = typeof answer === 'number' ? answer : await answer;
      if (this.stop?.aborted && bytes < toSkip) return this.ended();
      this.skippedOne = this.framer.skipped(bytes);
      this.readSize = SMALL_READ;
      this.step = STEP.need;
      return true;
    }
    const space = this.framer.space();
    const answer = this.source.read(space.length > this.readSize ? space.subarray(0, this.readSize) : space);
    const bytes = typeof answer === 'number' ? answer : await answer;
    if (this.stop?.aborted) return this.ended();
    if (this.readSize < space.length) this.readSize *= 4;
    if (bytes === 0) this.framer.finish();
    else this.framer.filled(bytes);
    return true;
  }

  private ended(): false {
    this.close();
    return false;
  }

  /** Works any number of times. */
  close(): void {
    this.stop?.removeEventListener('abort', this.onStop);
    this.source.close();
  }
}
