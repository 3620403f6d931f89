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

/** Bytes that are looked at one by one; texts are short, and a native search costs as much as these. */
const SHORT = 48;

/**
 * Position of the first NUL in `bytes[start..end)`, or `end` if there is none. Nothing behind `end` is looked at: a search
 * that ran on through megabytes of pixels for every short text would take quadratic time.
 */
export function findNul(bytes: Buffer, start: number, end: number): number {
  const near = Math.min(start + SHORT, end);
  for (let i = start; i < near; i++) if (bytes[i] === 0) return i;
  if (near === end) return end;
  const at = bytes.subarray(near, end).indexOf(0);
  return at < 0 ? end : near + at;
}
