/**
 * The reference's conversion of a number literal to a double (spec json2xtc.md, section 6). It is quick and not always correctly
 * rounded; `--compat` needs its results bit for bit, so the order of the operations below is part of the format.
 */

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const EXPONENTS = 0x20;
const LETTER_E = 0x65;

const MAX_UNSIGNED = 2n ** 64n - 1n;
const MAX_NEGATIVE = 2n ** 63n;
/** The double that is also written 1.7976931348623157e307. */
const BEFORE_OVERFLOW = 1.7976931348623158e307;
const MAX_DIGITS = 17;
/** Up to here another digit can be appended without leaving the exact integers of a double. */
const ROOM_FOR_DIGIT = Math.floor(Number.MAX_SAFE_INTEGER / 10) - 1;
const LOWEST_EXPONENT = -1_000_000_000;

const POWERS = Array.from({ length: 309 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * The double that the reference stores for a valid JSON number literal.
 * @returns `undefined` for an exact 64-bit integer, NaN where the reference fails with "number too big", else the double, which may be
 *   infinite
 */
export function referenceDouble(bytes: Uint8Array, at: number, end: number): number | undefined {
  return new Scan(bytes, at, end).run();
}

/** The state of section 6: `u` (in two forms), `d`, `sig`, `shift`. */
class Scan {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private readonly negative: boolean;
  private at: number;
  /** The exact integer while a double can hold it ... */
  private small = 0;
  /** ... and from then on. */
  private big: bigint | undefined;
  private d: number | undefined;
  private sig = 0;
  private shift = 0;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.end = end;
    this.negative = bytes[at] === MINUS;
    this.at = this.negative ? at + 1 : at;
  }

  run(): number | undefined {
    this.integerDigits();
    if (this.d !== undefined && !this.longInteger()) return Number.NaN;
    if (this.bytes[this.at] === POINT && this.at < this.end) this.fraction();
    const exponent = this.exponent();
    if (Number.isNaN(exponent)) return Number.NaN;
    if (this.d === undefined) return undefined;
    const p = exponent + this.shift;
    const magnitude = p < -308 ? scale(scale(this.d, -308), p + 308) : scale(this.d, p);
    return this.negative ? -magnitude : magnitude;
  }

  /** Step 1. */
  private integerDigits(): void {
    const limit = this.negative ? MAX_NEGATIVE : MAX_UNSIGNED;
    this.append(this.digit());
    this.at++;
    for (let c = this.digit(); c >= 0; c = this.digit()) {
      if (this.small > ROOM_FOR_DIGIT && this.exact() * 10n + BigInt(c) > limit) {
        this.d = this.rounded();
        return;
      }
      this.append(c);
      this.sig++;
      this.at++;
    }
  }

  /** Step 2; false for "number too big". */
  private longInteger(): boolean {
    for (let c = this.digit(); c >= 0; c = this.digit()) {
      if (this.d! >= BEFORE_OVERFLOW) return false;
      this.d = this.d! * 10 + c;
      this.at++;
    }
    return true;
  }

  /** Step 3. */
  private fraction(): void {
    this.at++;
    if (this.d === undefined) {
      for (let c = this.digit(); c >= 0 && this.rounded() <= Number.MAX_SAFE_INTEGER; c = this.digit()) {
        this.append(c);
        this.shift--;
        if (this.rounded() !== 0) this.sig++;
        this.at++;
      }
      this.d = this.rounded();
    }
    for (let c = this.digit(); c >= 0; c = this.digit()) {
      if (this.sig < MAX_DIGITS) {
        this.d = this.d * 10 + c;
        this.shift--;
        if (this.d > 0) this.sig++;
      }
      this.at++;
    }
  }

  /** Step 4; NaN for "number too big". */
  private exponent(): number {
    if (this.at >= this.end || (this.bytes[this.at]! | EXPONENTS) !== LETTER_E) return 0;
    this.d ??= this.rounded();
    const sign = this.bytes[++this.at];
    if (sign === MINUS || sign === PLUS) this.at++;
    let exponent = 0;
    for (let c = this.digit(), first = true; c >= 0; c = this.digit(), first = false) {
      exponent = exponent * 10 + c;
      if (sign === MINUS) exponent = Math.min(exponent, -LOWEST_EXPONENT);
      else if (!first && exponent > 308 - this.shift) return Number.NaN;
      this.at++;
    }
    return sign === MINUS ? -exponent : exponent;
  }

  /** The digit at hand, or -1. */
  private digit(): number {
    if (this.at >= this.end) return -1;
    const byte = this.bytes[this.at]!;
    return byte >= ZERO && byte <= NINE ? byte - ZERO : -1;
  }

  private append(c: number): void {
    if (this.small <= ROOM_FOR_DIGIT) {
      this.small = this.small * 10 + c;
    } else {
      this.big = this.exact() * 10n + BigInt(c);
    }
  }

  private exact(): bigint {
    return this.big ?? BigInt(this.small);
  }

  /** double(u). */
  private rounded(): number {
    return this.big === undefined ? this.small : Number(this.big);
  }
}

/** Step 6. */
function scale(value: number, power: number): number {
  if (power < -308) return 0;
  return power >= 0 ? value * POWERS[power]! : value / POWERS[-power]!;
}
