/** Bit-shuffled LZ4, as detectors send it and HDF5 stores it (spec mapreduce.md 7). */

import { BadBlock, decodeLz4 } from './lz4.ts';

const HEADER = 12;
const MAX_BLOCK = 1 << 26;

/**
 * Decodes a blob.
 * @param elements how many, from shape and type; the size in the blob must agree
 * @param size bytes of one element
 * @returns the raw elements, little endian
 * @throws BadBlock for anything that is not exactly such a blob
 */
export function decodeBslz4(blob: Uint8Array, elements: number, size: number): Uint8Array {
  if (blob.length < HEADER) throw new BadBlock(`a blob of ${blob.length} bytes has no header`);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const total = Number(view.getBigUint64(0));
  if (total !== elements * size)
    throw new BadBlock(`the blob announces ${total} bytes, shape and type ${elements * size}`);
  const blockBytes = view.getUint32(8);
  if (blockBytes === 0 || blockBytes > MAX_BLOCK || blockBytes % (8 * size) !== 0)
    throw new BadBlock(`blocks of ${blockBytes} bytes do not hold eights of ${size} bytes`);
  const perBlock = blockBytes / size;
  const raw = new Uint8Array(total);
  const shuffled = new Uint8Array(Math.min(blockBytes, total));
  let at = HEADER;
  let done = 0;
  while (elements - done >= 8) {
    // Full blocks, then the largest multiple of 8 that is left.
    const count = Math.min(perBlock, (elements - done) & ~7);
    if (blob.length - at < 4) throw new BadBlock('the blob ends before a block');
    const length = view.getUint32(at);
    at += 4;
    if (length > blob.length - at) throw new BadBlock('a block runs past the end of the blob');
    const block = shuffled.subarray(0, count * size);
    decodeLz4(blob.subarray(at, at + length), block);
    unshuffle(block, raw.subarray(done * size, (done + count) * size), count, size);
    at += length;
    done += count;
  }
  const rest = (elements - done) * size;
  if (blob.length - at !== rest) throw new BadBlock(`${blob.length - at} bytes follow the blocks, not ${rest}`);
  raw.set(blob.subarray(at), done * size);
  return raw;
}

/**
 * Undoes the transposition of bits: row 8 j + k holds bit k of byte j of every element. Eight elements at a time: an 8 by 8 matrix of
 * bits in two words.
 */
function unshuffle(rows: Uint8Array, raw: Uint8Array, elements: number, size: number): void {
  const rowBytes = elements / 8;
  for (let j = 0; j < size; j++) {
    const base = 8 * j * rowBytes;
    for (let group = 0; group < rowBytes; group++) {
      const at = base + group;
      let low =
        rows[at]! | (rows[at + rowBytes]! << 8) | (rows[at + 2 * rowBytes]! << 16) | (rows[at + 3 * rowBytes]! << 24);
      let high =
        rows[at + 4 * rowBytes]! |
        (rows[at + 5 * rowBytes]! << 8) |
        (rows[at + 6 * rowBytes]! << 16) |
        (rows[at + 7 * rowBytes]! << 24);
      // Swap single bits, pairs and nibbles across the diagonal.
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low = low ^ swap ^ (swap << 7);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high = high ^ swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low = low ^ swap ^ (swap << 14);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high = high ^ swap ^ (swap << 14);
      const first = (low & 0x0f0f0f0f) | ((high << 4) & 0xf0f0f0f0);
      const second = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
      let to = group * 8 * size + j;
      for (let shift = 0; shift < 32; shift += 8, to += size) raw[to] = first >>> shift;
      for (let shift = 0; shift < 32; shift += 8, to += size) raw[to] = second >>> shift;
    }
  }
}
