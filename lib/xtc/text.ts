/** Texts in XTC2: bytes up to a NUL, UTF-8 if they are that, else Latin-1 (spec xtc2.md, section 9). */

import { isUtf8 } from 'node:buffer';

/** Decodes `bytes[start..end)`; no NUL handling. */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  let ascii = true;
  for (let i = start; i < end; i++) {
    if (bytes[i]! > 0x7f) {
      ascii = false;
      break;
    }
  }
  if (ascii) return bytes.toString('latin1', start, end);
  const slice = bytes.subarray(start, end);
  return isUtf8(slice) ? slice.toString('utf8') : slice.toString('latin1');
}

/** Position of the first NUL in `bytes[start..end)`, or `end` if there is none. */
export function findNul(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(0, start);
  return at < 0 || at > end ? end : at;
}
