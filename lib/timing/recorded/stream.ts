import type { ByteSource } from '../../stream/source.ts';
import { type MaskFormat, maskDecoder } from './mask-format.ts';
import { BLOCK, type MaskTally } from './mask-tally.ts';

/**
 * Counts a stream of masks. While one block is counted the next one is being read. Throws `timing-input` for a mask beyond eight
 * groups or a number that is none.
 */
export async function countMaskStream(
  source: ByteSource,
  format: MaskFormat,
  tally: MaskTally,
  stop?: AbortSignal,
): Promise<void> {
  const reader = new BlockReader(source);
  const decoder = maskDecoder(format);
  const masks = new Uint8Array(BLOCK + 4);
  const end = stop === undefined ? null : (): void => source.close();
  if (end !== null) stop?.addEventListener('abort', end, { once: true });
  try {
    for (let block = await reader.next(); block.length > 0; block = await reader.next()) {
      // One byte per pulse is counted where it was read.
      if (format === 'u8') tally.add(reader.padded, block.length);
      else tally.add(masks, decoder.decode(block, masks));
    }
    if (!stop?.aborted) tally.add(masks, decoder.finish(masks));
  } finally {
    if (end !== null) stop?.removeEventListener('abort', end);
    source.close();
  }
}

/** Two blocks that change places. */
class BlockReader {
  /** The block handed out last, with room to be padded. */
  padded: Uint8Array = new Uint8Array(0);
  readonly #source: ByteSource;
  readonly #blocks = [Buffer.alloc(BLOCK + 4), Buffer.alloc(BLOCK + 4)];
  #turn = 0;
  #pending: Promise<number> | null = null;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next bytes of the source, at most BLOCK; empty at its end. */
  async next(): Promise<Uint8Array> {
    const filled = await (this.#pending ?? this.#fill(this.#turn));
    const block = this.#blocks[this.#turn] as Buffer;
    this.#turn ^= 1;
    this.#pending = filled > 0 ? this.#fill(this.#turn) : null;
    // Awaited at the next call; an error in between must not count as unhandled.
    this.#pending?.catch(() => undefined);
    this.padded = block;
    return block.subarray(0, filled);
  }

  async #fill(index: number): Promise<number> {
    const block = this.#blocks[index] as Buffer;
    let filled = 0;
    while (filled < BLOCK) {
      const bytes = await this.#source.read(block.subarray(filled, BLOCK));
      if (bytes === 0) break;
      filled += bytes;
    }
    return filled;
  }
}
