/** Mutants of recordings and of compressed blobs: whatever the bytes are, readers answer in the terms they have. */

import assert from 'node:assert/strict';
import { decodeBslz4 } from '../../../lib/mapreduce/frames/bslz4.ts';
import { BadBlock } from '../../../lib/mapreduce/frames/lz4.ts';
import { BadItem, CborCursor, CutShort } from '../../../lib/mapreduce/record/cbor.ts';
import { eventPieces, readEvent } from '../../../lib/mapreduce/record/event-item.ts';
import type { Random } from '../../random.ts';

/** Bytes that mean something in CBOR. */
const HEADS = [0x18, 0x1b, 0x3b, 0x40, 0x5b, 0x5f, 0x7f, 0x80, 0x9b, 0x9f, 0xa1, 0xbb, 0xbf, 0xc0, 0xd9, 0xdb, 0xff];

export function mutate(sound: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(random.chance(0.2) ? sound.subarray(0, random.below(sound.length)) : sound);
  for (let n = 1 + random.below(4); n > 0 && bytes.length > 0; n--) {
    const at = random.below(bytes.length);
    if (random.chance(0.4)) bytes[at] = HEADS[random.below(HEADS.length)]!;
    else if (random.chance(0.5)) bytes[at] = random.below(256);
    else if (random.chance(0.45))
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(5))]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 9))]);
  }
  return bytes;
}

/** Reads items until one is bad or cut. What is read lies in the bytes, and what is written of it reads the same. */
export function readMutant(bytes: Buffer): 'whole' | 'bad' | 'cut' {
  const cursor = new CborCursor(bytes);
  while (cursor.at < bytes.length) {
    const start = cursor.at;
    try {
      const event = readEvent(cursor);
      assert.ok(cursor.at > start && cursor.at <= bytes.length);
      const size = [...event.streams.values()].reduce(
        (sum, { frames }) => sum + frames.reduce((n, f) => n + f.length, 0),
        0,
      );
      assert.ok(size <= cursor.at - start, 'frames lie in the item');
      assert.deepEqual(readEvent(new CborCursor(Buffer.concat(eventPieces(event)))), event);
    } catch (error) {
      if (error instanceof CutShort) {
        assert.ok(error.position > bytes.length);
        return 'cut';
      }
      if (error instanceof BadItem) return 'bad';
      throw error;
    }
  }
  return 'whole';
}

export interface Blob {
  readonly bytes: Buffer;
  readonly elements: number;
  readonly size: number;
}

export function decodeMutant({ elements, size }: Blob, bytes: Buffer): boolean {
  try {
    assert.equal(decodeBslz4(bytes, elements, size).length, elements * size);
    return true;
  } catch (error) {
    if (error instanceof BadBlock) return false;
    throw error;
  }
}
