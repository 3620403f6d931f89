/** Immediate words that announce free monitor buffers (spec teb.md, sections 1.5 and 2.5). */

const BUFFER = 0x4000_0000;
const INDEX_MASK = 0xff_ffff;
const MEB_MASK = 0x3f;

/** The word of free buffer `index` of a MEB. */
export function bufferWord(meb: number, index: number): number {
  return (BUFFER | (meb << 24) | index) >>> 0;
}

/** Whether a word announces a buffer; the bit for "response wanted" may be set. */
export function isBufferWord(word: number): boolean {
  return (word & BUFFER) !== 0;
}

export function mebOf(word: number): number {
  return (word >>> 24) & MEB_MASK;
}

export function bufferOf(word: number): number {
  return word & INDEX_MASK;
}

/** 8 hexadecimal digits, as `monbuf` of decision lines. */
export function wordText(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
