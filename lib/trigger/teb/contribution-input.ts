/** One stream of contributions: bytes, messages or JSON lines, as records one after the other. */

import { DaqError, DataError } from '../../errors.ts';
import type { ByteSource } from '../../stream/source.ts';
import { EbDgram } from '../wire/eb-dgram.ts';
import { parseContributionLine } from '../wire/json-lines.ts';
import { isWholeMessage, RecordSplitter } from '../wire/splitter.ts';
import type { Format, InputAddress } from './types.ts';

const BLOCK = 64 * 1024;
/** A line that is longer is no contribution. */
const LONGEST_LINE = 4 << 20;

/** How an input ended: as it should, with its connection broken, or with bytes that are no records. */
export type Ending = { how: 'end' } | { how: 'lost' | 'garbled'; why: string };

export interface InputParts {
  format: Format;
  maxPayload: number;
  /** Called again to make a broken connection anew. */
  open: () => Promise<ByteSource>;
  /** A message or line was passed over. */
  bad: (why: string) => void;
}

export class ContributionInput {
  readonly name: string;
  /** Moved by `next`. */
  readonly record = new EbDgram();
  /** The record has been offered and there was no room: it must be offered again. */
  blocked = false;
  /** Sources that it carries: declared, or seen; two words. */
  sourcesLow = 0;
  sourcesHigh = 0;
  over = false;
  /** Told to end. */
  closed = false;
  private readonly parts: InputParts;
  private source: ByteSource | undefined;
  private splitter: RecordSplitter;
  private block = Buffer.allocUnsafeSlow(BLOCK);
  private readonly text = new TextDecoder();
  private lines: string[] = [];
  private lineNumber = 0;
  private rest = '';
  private problem: DataError | undefined;
  /** Something has come. */
  private begun = false;

  constructor({ url, sources }: InputAddress, parts: InputParts) {
    this.name = url;
    this.parts = parts;
    this.splitter = this.newSplitter();
    for (const source of sources) this.carries(source);
  }

  /** @throws UsageError, InputError, DaqError if it cannot be opened */
  async open(): Promise<void> {
    const source = await this.parts.open();
    if (this.closed) source.close();
    this.source = source;
  }

  /** Forgets a broken connection and makes it anew; the next bytes begin with a record. */
  async reopen(): Promise<void> {
    this.source?.close();
    this.splitter = this.newSplitter();
    this.rest = '';
    await this.open();
  }

  /** Remembers that a source speaks through this input. */
  carries(source: number): void {
    if (source < 32) this.sourcesLow |= 1 << source;
    else if (source < 64) this.sourcesHigh |= 1 << (source - 32);
  }

  /** Gets more bytes, once `next` has answered false; undefined if there are some, else how the input ended. */
  async fill(): Promise<Ending | undefined> {
    const { source } = this;
    if (!source || this.closed) return { how: 'end' };
    if (this.problem) return { how: 'garbled', why: describe(this.problem) };
    try {
      const bytes = source.message ? await source.message() : await this.read(source);
      if (bytes !== undefined && bytes.length > 0) {
        this.begun = true;
        this.take(bytes, source.message !== undefined);
        return undefined;
      }
    } catch (error) {
      // Before the first byte it is an input that cannot be read; later it is one that was lost.
      if (!this.begun) throw error;
      return { how: 'lost', why: (error as Error).message };
    }
    return this.ending(source);
  }

  /** Goes to the next record; false when more bytes are needed. */
  next(): boolean {
    if (this.parts.format === 'jsonl') return this.nextLine();
    if (this.problem) return false;
    try {
      return this.splitter.next(this.record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.problem = error;
      return false;
    }
  }

  close(): void {
    this.closed = true;
    this.source?.close();
  }

  private newSplitter(): RecordSplitter {
    return new RecordSplitter({ input: this.name, maxPayload: this.parts.maxPayload });
  }

  /** The splitter keeps what it was given, unless that is little: then it takes a copy, and the block can be used again. */
  private async read(source: ByteSource): Promise<Buffer> {
    const { block } = this;
    const bytes = await source.read(block);
    if (bytes * 4 >= BLOCK) this.block = Buffer.allocUnsafeSlow(BLOCK);
    return block.subarray(0, bytes);
  }

  private take(bytes: Buffer, isMessage: boolean): void {
    if (this.parts.format === 'jsonl') this.takeText(this.text.decode(bytes, { stream: true }));
    else if (!isMessage || isWholeMessage(bytes, this.parts.maxPayload)) this.splitter.push(bytes);
    else this.parts.bad(`${this.name}: a message of ${bytes.length} bytes is not whole records of one source`);
  }

  private takeText(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    if (this.rest.length > LONGEST_LINE) {
      this.problem = new DataError('framing', `a line is longer than ${LONGEST_LINE} characters`);
    }
    this.lines = lines.reverse();
  }

  private nextLine(): boolean {
    for (let line = this.lines.pop(); line !== undefined; line = this.lines.pop()) {
      this.lineNumber++;
      if (line.trim() === '') continue;
      try {
        const bytes = parseContributionLine(line);
        this.record.move(bytes, 0, bytes.length);
        return true;
      } catch (error) {
        if (!(error instanceof DaqError)) throw error;
        this.parts.bad(`${this.name}:${this.lineNumber}: ${error.message}`);
      }
    }
    return false;
  }

  private ending(source: ByteSource): Ending | undefined {
    if (source.lost !== undefined && !this.closed) return { how: 'lost', why: source.lost };
    if (this.rest !== '') {
      // The last line may lack its end.
      this.takeText('\n');
      return undefined;
    }
    try {
      this.splitter.end();
    } catch (error) {
      // A stop may come in the middle of a record.
      if (!this.closed) return { how: 'garbled', why: describe(error as DaqError) };
    }
    return { how: 'end' };
  }
}

function describe({ message, place }: DaqError): string {
  return place.offset === undefined ? message : `offset ${place.offset}: ${message}`;
}
