/** The free-buffer stream: words that announce monitor buffers (spec teb.md, 2.5). */

import type { ByteSource } from '../../stream/source.ts';
import { isBufferWord } from '../wire/buffer-word.ts';
import { uint32At } from '../wire/words.ts';

const BLOCK = 4096;
const WORD = 4;

/**
 * Reads until the stream ends.
 * @param onWord told of every word that announces a buffer
 * @param onBad told of words that do not
 */
export async function readFreeBuffers(
  source: ByteSource,
  onWord: (word: number) => void,
  onBad: () => void,
): Promise<void> {
  const block = Buffer.allocUnsafeSlow(BLOCK);
  let held = 0;
  for (;;) {
    const bytes = await source.read(block.subarray(held));
    if (bytes === 0) return;
    const end = held + bytes;
    let at = 0;
    for (; at + WORD <= end; at += WORD) {
      const word = uint32At(block, at);
      if (isBufferWord(word)) onWord(word);
      else onBad();
    }
    block.copy(block, 0, at, end);
    held = end - at;
  }
}
