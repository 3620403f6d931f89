/** Reads recordings and raw captures: concatenated CBOR items, plain or gzipped (spec mapreduce.md 10). */

import { createGunzip } from 'node:zlib';
import { InputError } from '../../errors.ts';
import { openStream } from '../../stream/open.ts';
import type { ByteSource } from '../../stream/source.ts';
import { BadItem, CborCursor, CutShort } from './cbor.ts';
import { type RecordedEvent, readByteStrings, readEvent } from './event-item.ts';

/** Where the readable part of a file ends before the file does. */
export interface Damage {
  readonly kind: 'cut' | 'bad';
  /** Position of the item, in the unpacked bytes. */
  readonly offset: number;
  readonly message: string;
}

const BLOCK = 1 << 20;
const GZIP = Buffer.from([0x1f, 0x8b]);

export class ItemReader<T> {
  readonly name: string;
  /** Items so far. */
  items = 0;
  /** Known at the end. */
  damage: Damage | undefined;
  readonly #source: ByteSource;
  readonly #read: (cursor: CborCursor) => T;

  constructor(source: ByteSource, read: (cursor: CborCursor) => T) {
    this.name = source.name;
    this.#source = source;
    this.#read = read;
  }

  /** Items in order; their frames are views that stay valid. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let block: Buffer = Buffer.alloc(0);
    let offset = 0;
    let wanted = BLOCK;
    try {
      for await (const piece of this.#pieces(() => wanted)) {
        block = block.length === 0 ? piece : Buffer.concat([block, piece]);
        const cursor = new CborCursor(block);
        wanted = BLOCK;
        let start = 0;
        while (start < block.length) {
          const item = this.#next(cursor, start, offset);
          if (item === undefined) return;
          if (typeof item === 'number') {
            // A large item is not looked at again before all of it may be there.
            wanted = Math.max(BLOCK, item - block.length);
            break;
          }
          start = cursor.at;
          this.items++;
          yield item.item;
        }
        offset += start;
        block = block.subarray(start);
      }
      if (block.length > 0)
        this.damage = { kind: 'cut', offset, message: `the last item is cut off after ${block.length} bytes` };
    } finally {
      this.#source.close();
    }
  }

  /** An item, the position up to which bytes are needed, or undefined for what cannot be read. */
  #next(cursor: CborCursor, start: number, offset: number): { item: T } | number | undefined {
    cursor.at = start;
    try {
      return { item: this.#read(cursor) };
    } catch (error) {
      if (error instanceof CutShort) return error.position;
      if (!(error instanceof BadItem)) throw error;
      this.damage = { kind: 'bad', offset: offset + start, message: `byte ${offset + error.at}: ${error.message}` };
      return undefined;
    }
  }

  async *#pieces(wanted: () => number): AsyncGenerator<Buffer> {
    const plain = this.#plain(wanted);
    const first = await plain.next();
    if (first.done) return;
    if (!first.value.subarray(0, GZIP.length).equals(GZIP)) {
      yield first.value;
      yield* plain;
    } else yield* this.#unpacked(first.value, plain);
  }

  async *#plain(wanted: () => number): AsyncGenerator<Buffer> {
    for (;;) {
      const block = Buffer.allocUnsafeSlow(wanted());
      let filled = 0;
      while (filled < block.length) {
        const bytes = await this.#source.read(block.subarray(filled));
        if (bytes === 0) break;
        filled += bytes;
        // What a pipe has given is worth looking at.
        if (this.#source.size === undefined) break;
      }
      if (filled === 0) return;
      yield block.subarray(0, filled);
    }
  }

  async *#unpacked(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const gunzip = createGunzip();
    const feed = async () => {
      gunzip.write(first);
      for await (const piece of rest) {
        if (!gunzip.write(piece)) await new Promise((resolve) => gunzip.once('drain', resolve));
        if (gunzip.destroyed) return;
      }
      gunzip.end();
    };
    feed().catch((error: Error) => gunzip.destroy(error));
    try {
      for await (const piece of gunzip) yield piece as Buffer;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (error instanceof InputError || code === undefined || !code.startsWith('Z_')) throw error;
      // A packed file that is cut or damaged: what came out is kept, and the item that is missing tells.
      this.damage = { kind: 'cut', offset: 0, message: `the packed data end early: ${(error as Error).message}` };
    }
  }
}

/** Opens a recording: events in order. @throws InputError if it cannot be read */
export async function openRecording(name: string): Promise<ItemReader<RecordedEvent>> {
  return new ItemReader(await openStream(name), readEvent);
}

/** Opens a capture of a source: messages as lists of parts. @throws InputError if it cannot be read */
export async function openCapture(name: string): Promise<ItemReader<Buffer[]>> {
  return new ItemReader(await openStream(name), readByteStrings);
}
