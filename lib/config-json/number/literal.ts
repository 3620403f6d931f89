/**
 * One number literal taken apart. The object is used again for literal after literal of a long list, so nothing is allocated for
 * the usual short ones.
 */

import { referenceDouble } from '../../json/reference.ts';

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const LOWER_CASE = 0x20;
const LETTER_E = 0x65;

/** So many digits are exact in a double, whatever they are. */
const EXACT_DIGITS = 15;
/** Powers of ten up to this one are exact in a double. */
const EXACT_POWER = 22;
const POWERS = Array.from({ length: EXACT_POWER + 1 }, (_, exponent) => Number(`1e${exponent}`));

const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);

export class NumberLiteral {
  at = 0;
  /** First position behind the literal. */
  end = 0;
  /** Has a fraction or an exponent, or is an integer beyond 64 bits (spec json2xtc.md, section 5: "floating form"). */
  floating = false;
  /** The integer itself if it is of integer form and short; NaN if `integer` must be asked. Never -0. */
  short = 0;

  private bytes: Buffer = Buffer.alloc(0);
  private negative = false;
  /** The digits before and behind the point as one number, exact up to EXACT_DIGITS. */
  private mantissa = 0;
  private digits = 0;
  private scale = 0;

  /** Reads the valid literal that starts at `at`. */
  read(bytes: Buffer, at: number): void {
    this.bytes = bytes;
    this.at = at;
    this.negative = bytes[at] === MINUS;
    this.mantissa = this.digits = this.scale = 0;
    let next = this.readDigits(this.negative ? at + 1 : at);
    this.floating = false;
    if (bytes[next] === POINT) {
      this.floating = true;
      const fraction = next + 1;
      next = this.readDigits(fraction);
      this.scale = fraction - next;
    }
    if ((bytes[next]! | LOWER_CASE) === LETTER_E) {
      this.floating = true;
      next = this.readExponent(next + 1);
    }
    this.end = next;
    if (this.floating) this.short = Number.NaN;
    else if (this.digits <= EXACT_DIGITS)
      this.short = this.negative && this.mantissa !== 0 ? -this.mantissa : this.mantissa;
    else this.readLong();
  }

  /** Exact value of a literal of integer form. */
  integer(): bigint {
    return BigInt(Number.isNaN(this.short) ? this.text() : this.short);
  }

  /** The nearest double; infinite beyond the range. The integer -0 is 0, the floating -0.0 keeps its sign. */
  nearest(): number {
    if (!Number.isNaN(this.short)) return this.short;
    const { mantissa, scale, digits } = this;
    // One operation on two exact numbers is rounded once.
    if (digits <= EXACT_DIGITS && scale >= -EXACT_POWER && scale <= EXACT_POWER) {
      const magnitude = scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!;
      return this.negative ? -magnitude : magnitude;
    }
    return Number(this.text());
  }

  /** The double the reference makes of it; may be infinite. */
  reference(): number {
    return referenceDouble(this.bytes, this.at, this.end) ?? this.nearest();
  }

  text(): string {
    return this.bytes.toString('latin1', this.at, this.end);
  }

  private readDigits(from: number): number {
    const { bytes } = this;
    let { mantissa, digits } = this;
    let at = from;
    for (let byte = bytes[at]!; byte >= ZERO && byte <= NINE; byte = bytes[++at]!) {
      if (mantissa !== 0 || byte !== ZERO) digits++;
      if (digits <= EXACT_DIGITS) mantissa = mantissa * 10 + (byte - ZERO);
    }
    this.mantissa = mantissa;
    this.digits = digits;
    return at;
  }

  private readExponent(from: number): number {
    const { bytes } = this;
    const sign = bytes[from];
    let at = sign === MINUS || sign === PLUS ? from + 1 : from;
    let exponent = 0;
    for (let byte = bytes[at]!; byte >= ZERO && byte <= NINE; byte = bytes[++at]!) {
      exponent = exponent * 10 + (byte - ZERO);
    }
    this.scale += sign === MINUS ? -exponent : exponent;
    return at;
  }

  /** More digits than a double holds: is it a 64-bit integer? */
  private readLong(): void {
    this.short = Number.NaN;
    const value = BigInt(this.text());
    this.floating = value > MAX_UINT64 || value < MIN_INT64;
  }
}
