/** Writes recordings and raw captures: items are appended, in order, each whole (spec mapreduce.md 10). */

import { type FileHandle, open } from 'node:fs/promises';
import { DaqError } from '../../errors.ts';
import { explain } from '../../stream/source.ts';
import { byteStringPieces, eventPieces, type RecordedEvent } from './event-item.ts';

/** Pieces of one system call. */
const MOST_PIECES = 512;
/** Bytes that wait for the disk above which `full` asks the writer to wait. */
const PRESSURE = 64 << 20;

export class ItemWriter {
  readonly name: string;
  items = 0;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #failure: DaqError | undefined;
  readonly #file: FileHandle;

  private constructor(name: string, file: FileHandle) {
    this.name = name;
    this.#file = file;
  }

  /** @throws DaqError `output-failed` */
  static async open(name: string): Promise<ItemWriter> {
    try {
      return new ItemWriter(name, await open(name, 'a', 0o640));
    } catch (error) {
      throw new DaqError('output-failed', `cannot write: ${explain(error)}`, { place: { file: name }, cause: error });
    }
  }

  /** Whoever can wait should, with `drain`. */
  get full(): boolean {
    return this.#bytes > PRESSURE;
  }

  event(event: RecordedEvent): void {
    this.#put(eventPieces(event));
  }

  message(parts: readonly Buffer[]): void {
    this.#put(byteStringPieces(parts));
  }

  #put(pieces: readonly Buffer[]): void {
    this.items++;
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.#bytes += piece.length;
    }
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      // Items of one turn of the event loop go together.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#waiting.length > 0) {
        const pieces = this.#waiting.splice(0, MOST_PIECES);
        await writeAll(this.#file, pieces);
        for (const piece of pieces) this.#bytes -= piece.length;
      }
    } catch (error) {
      const options = { place: { file: this.name }, cause: error };
      this.#failure ??= new DaqError('output-failed', `the recording cannot be written: ${explain(error)}`, options);
    } finally {
      this.#writing = undefined;
    }
  }

  /** Everything so far is with the system. @throws DaqError `output-failed` */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  /** @throws DaqError `output-failed` */
  async close(): Promise<void> {
    try {
      await this.drain();
    } finally {
      await this.#file.close();
    }
  }
}

/** A write may take less than it was given. */
async function writeAll(file: FileHandle, pieces: Buffer[]): Promise<void> {
  let rest = pieces;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    const left: Buffer[] = [];
    for (const piece of rest) {
      if (bytesWritten >= piece.length) bytesWritten -= piece.length;
      else {
        left.push(bytesWritten > 0 ? piece.subarray(bytesWritten) : piece);
        bytesWritten = 0;
      }
    }
    rest = left.filter((piece) => piece.length > 0);
  }
}
