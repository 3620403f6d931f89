/** LZ4 blocks (raw block format), decoded with a check of every length: the input comes from a network. */

/** A block that is none: the frame cannot be decoded. */
export class BadBlock extends Error {}

const MIN_MATCH = 4;

/**
 * Decodes one block into exactly `into`.
 * @throws BadBlock for a length past either end, a match before the start, or bytes left over
 */
export function decodeLz4(block: Uint8Array, into: Uint8Array): void {
  let at = 0;
  let out = 0;
  const end = block.length;
  for (;;) {
    if (at >= end) throw new BadBlock('the block ends within a sequence');
    const token = block[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw new BadBlock('the block ends within a length');
        more = block[at++]!;
        literals += more;
      }
    }
    if (literals > end - at || literals > into.length - out) throw new BadBlock('literals run past the end');
    into.set(block.subarray(at, at + literals), out);
    at += literals;
    out += literals;
    if (at === end) break;
    if (end - at < 2) throw new BadBlock('the block ends within an offset');
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    if (offset === 0 || offset > out) throw new BadBlock(`a match ${offset} bytes back, with ${out} bytes decoded`);
    let length = (token & 15) + MIN_MATCH;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw new BadBlock('the block ends within a length');
        more = block[at++]!;
        length += more;
      }
    }
    if (length > into.length - out) throw new BadBlock('a match runs past the end');
    copyMatch(into, out, offset, length);
    out += length;
  }
  if (out !== into.length) throw new BadBlock(`${out} bytes decoded, ${into.length} announced`);
}

/** Source and target may overlap: what was just written is repeated. */
function copyMatch(bytes: Uint8Array, to: number, offset: number, length: number): void {
  if (offset >= length) {
    bytes.copyWithin(to, to - offset, to - offset + length);
    return;
  }
  for (let i = 0; i < length; i++) bytes[to + i] = bytes[to + i - offset]!;
}
