/** Blocks of bytes -> records (spec teb.md, sections 1.1 and 2.1). Views only; just a record that lies across two blocks is copied. */

import { DataError } from '../../errors.ts';
import type { EbDgram } from './eb-dgram.ts';
import { EBDGRAM, EXTENT_BASE, PID_HIGH_LIMIT, PID_HIGH_MASK } from './layout.ts';
import { int32At, uint32At } from './words.ts';

/** Bytes behind a header that one record may have, if nobody says otherwise. */
export const DEFAULT_MAX_PAYLOAD = 1 << 20;

export interface SplitterOptions {
  /** Name of the input, for errors. */
  input?: string;
  /** Largest payload; more is a framing error. */
  maxPayload?: number;
  /** Bytes before each record that belong to it: 4 in a mon stream (section 2.4). They lie at `record.at - prefix`. */
  prefix?: number;
}

const NOTHING = Buffer.alloc(0);

/**
 * Splits a byte stream.
 *
 * A block that was pushed belongs to the records in it from then on, as long as somebody looks at them: nobody may write to it again.
 * Small blocks cut from large buffers are copied, so that a record that waits does not keep a large buffer alive.
 *
 *     splitter.push(block);
 *     while (splitter.next(record)) use(record);
 */
export class RecordSplitter {
  private readonly input: string;
  private readonly maxExtent: number;
  private readonly prefix: number;
  private block: Buffer = NOTHING;
  private at = 0;
  /** The beginning of a record whose end has not come. */
  private tail: Buffer = NOTHING;
  /** Position in the stream of the first byte of `block`. */
  private base = 0;

  constructor({ input = '-', maxPayload = DEFAULT_MAX_PAYLOAD, prefix = 0 }: SplitterOptions = {}) {
    this.input = input;
    this.maxExtent = EXTENT_BASE + maxPayload;
    this.prefix = prefix;
  }

  /** Gives the next bytes; the records of the block before must have been taken. */
  push(block: Buffer): void {
    if (this.at < this.block.length) throw new RangeError('records of the block before were not taken');
    this.base += this.block.length;
    this.block = ownable(block);
    this.at = 0;
  }

  /**
   * Goes to the next record.
   * @returns false when more bytes are needed
   * @throws DataError `framing` where no record can begin; the stream is lost from there
   */
  next(record: EbDgram): boolean {
    if (this.tail.length > 0) return this.nextAcrossBlocks(record);
    const { block, at } = this;
    const start = at + this.prefix;
    const rest = block.length - start;
    if (rest < EBDGRAM.size) return this.keepTail();
    const length = this.recordLength(block, start, this.base + at);
    if (rest < length) return this.keepTail();
    this.at = start + length;
    record.move(block, start, length);
    return true;
  }

  /** Bytes of an incomplete record. */
  get pending(): number {
    return this.tail.length;
  }

  /**
   * The stream has ended.
   * @throws DataError `framing` if it ends inside a record
   */
  end(): void {
    if (this.tail.length === 0) return;
    const offset = this.base + this.block.length - this.tail.length;
    const rest = this.tail.length;
    this.tail = NOTHING;
    throw new DataError('framing', `the stream ends inside a record: ${rest} bytes of it came`, {
      place: { file: this.input, offset },
    });
  }

  private keepTail(): false {
    if (this.at < this.block.length) this.tail = Buffer.from(this.block.subarray(this.at));
    this.at = this.block.length;
    return false;
  }

  /** The one record that began in an earlier block. */
  private nextAcrossBlocks(record: EbDgram): boolean {
    const headerEnd = this.prefix + EBDGRAM.size;
    if (!this.fillTail(headerEnd)) return false;
    const offset = this.base + this.at - this.tail.length;
    const length = this.recordLength(this.tail, this.prefix, offset);
    if (!this.fillTail(this.prefix + length)) return false;
    record.move(this.tail, this.prefix, length);
    this.tail = NOTHING;
    return true;
  }

  /** Makes the tail `length` bytes long, if the block has them. */
  private fillTail(length: number): boolean {
    const lacking = length - this.tail.length;
    if (lacking <= 0) return true;
    const more = this.block.subarray(this.at, this.at + lacking);
    this.at += more.length;
    if (more.length > 0) this.tail = Buffer.concat([this.tail, more]);
    return more.length === lacking;
  }

  private recordLength(block: Buffer, start: number, offset: number): number {
    const problem = framingProblem(block, start, this.maxExtent);
    if (problem !== undefined) throw new DataError('framing', problem, { place: { file: this.input, offset } });
    return EBDGRAM.size - EXTENT_BASE + uint32At(block, start + EBDGRAM.extent);
  }
}

/**
 * The records of one zmq message (section 2.1): whole records of one source, or nothing.
 * @returns whether the message is good; a bad one must be counted `bad_frame` and not be used at all
 */
export function isWholeMessage(message: Buffer, maxPayload = DEFAULT_MAX_PAYLOAD): boolean {
  const maxExtent = EXTENT_BASE + maxPayload;
  let at = 0;
  while (at < message.length) {
    if (message.length - at < EBDGRAM.size) return false;
    if (framingProblem(message, at, maxExtent) !== undefined) return false;
    if (message.readUInt32LE(at + EBDGRAM.src) !== message.readUInt32LE(EBDGRAM.src)) return false;
    at += EBDGRAM.size - EXTENT_BASE + message.readUInt32LE(at + EBDGRAM.extent);
  }
  return at === message.length;
}

function framingProblem(block: Buffer, start: number, maxExtent: number): string | undefined {
  const extent = uint32At(block, start + EBDGRAM.extent);
  if (extent < EXTENT_BASE) return `extent ${extent} is below ${EXTENT_BASE}`;
  if (extent > maxExtent) return `extent ${extent} is above the largest allowed, ${maxExtent}`;
  const high = int32At(block, start + EBDGRAM.pidHigh) & PID_HIGH_MASK;
  if (high >= PID_HIGH_LIMIT) return 'the pulse id is above 2^53';
  return undefined;
}

/** The block itself, or a copy if it is a small part of a larger buffer. */
function ownable(block: Buffer): Buffer {
  return block.length * 4 < block.buffer.byteLength && block.buffer.byteLength > Buffer.poolSize
    ? Buffer.from(block)
    : block;
}
