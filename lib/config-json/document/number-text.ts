/** Numbers as literals that come back to the same bits (spec json2xtc.md, section 5). */

import { CODE } from '../../xtc/layout.ts';
import { readNumber } from '../../xtc/shapes-data.ts';

/** Six digits and then trimming finds every shorter literal of a float too; nine are always enough. */
const FIRST_DIGITS = 6;
const MOST_DIGITS = 9;
/** Below, floats have fewer digits than that. */
const SMALLEST_NORMAL = 2 ** -126;
/** The nearest double to this is beyond what the reference takes; the other literal of eight digits is not (section 5). */
const LARGEST_FLOAT = 3.4028234663852886e38;
const LARGEST_TAKEN = 3.4028234e38;
/** An infinity for the reference, which does not refuse such literals (spec json2xtc.md, section 6, step 7). */
export const INFINITE = '9e308';

/**
 * The literal of an element. Floating types always have a fraction or an exponent, because the reference wants to see one. JSON has
 * no NaN, which becomes `null`, and no infinity, which becomes a literal that overflows.
 */
export function elementText(view: DataView, type: number, at: number): string {
  if (type === CODE.UINT64) return String(view.getBigUint64(at, true));
  if (type === CODE.INT64) return String(view.getBigInt64(at, true));
  const value = readNumber(view, type, at);
  if (type !== CODE.FLOAT && type !== CODE.DOUBLE) return String(value);
  if (Number.isNaN(value)) return 'null';
  if (!Number.isFinite(value)) return value < 0 ? `-${INFINITE}` : INFINITE;
  return floatingForm(type === CODE.FLOAT ? shortestFloat(value) : value);
}

const INTEGER_ARRAYS = {
  [CODE.UINT8]: Uint8Array,
  [CODE.UINT16]: Uint16Array,
  [CODE.UINT32]: Uint32Array,
  [CODE.UINT64]: BigUint64Array,
  [CODE.INT8]: Int8Array,
  [CODE.INT16]: Int16Array,
  [CODE.INT32]: Int32Array,
  [CODE.INT64]: BigInt64Array,
  [CODE.ENUMVAL]: Int32Array,
  [CODE.ENUMDICT]: Int32Array,
} as const;

/**
 * The literals of an array of integers, separated by commas. The stored bytes are copied, because they lie at any position; the copy
 * is read in the byte order of this machine, which is that of XTC2 wherever Node runs on Linux with LCLS software.
 */
export function integersText(bytes: Buffer, type: number): string {
  const { buffer } = Uint8Array.from(bytes);
  return new INTEGER_ARRAYS[type as keyof typeof INTEGER_ARRAYS](buffer).join(', ');
}

/** The double with the fewest digits that is nearest to the same float. */
function shortestFloat(value: number): number {
  // The sign of -0 would not survive.
  if (value === 0) return value;
  if (Math.abs(value) === LARGEST_FLOAT) return Math.sign(value) * LARGEST_TAKEN;
  for (let digits = Math.abs(value) < SMALLEST_NORMAL ? 1 : FIRST_DIGITS; digits <= MOST_DIGITS; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function floatingForm(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
