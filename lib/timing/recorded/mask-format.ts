import { DaqError } from '../../errors.ts';

export const MASK_FORMATS = ['u8', 'u16', 'u32', 'hex'] as const;
export type MaskFormat = (typeof MASK_FORMATS)[number];

/** Turns the bytes of a format into one mask per byte. Eight groups exist, so a higher bit is an error. */
export interface MaskDecoder {
  /** Decodes all of `bytes` into `out` from 0 on; returns the number of masks. `out` must hold bytes.length + 1 of them. */
  decode(bytes: Uint8Array, out: Uint8Array): number;
  /** Called at the end of the input: the masks still to come. */
  finish(out: Uint8Array): number;
}

export function maskDecoder(format: MaskFormat): MaskDecoder {
  switch (format) {
    case 'u8':
      return new WideDecoder(1);
    case 'u16':
      return new WideDecoder(2);
    case 'u32':
      return new WideDecoder(4);
    case 'hex':
      return new HexDecoder();
  }
}

function tooHigh(pulse: number): DaqError {
  return new DaqError('timing-input', `The mask of pulse ${pulse} has a bit above 7; there are eight groups.`, {
    place: { file: '-' },
  });
}

/** Little endian, `width` bytes per mask; a mask may be split between reads. */
class WideDecoder implements MaskDecoder {
  readonly #width: number;
  /** Bytes of an unfinished mask seen so far. */
  #phase = 0;
  #pulse = 0;

  constructor(width: number) {
    this.#width = width;
  }

  decode(bytes: Uint8Array, out: Uint8Array): number {
    const width = this.#width;
    if (width === 1) {
      out.set(bytes);
      return bytes.length;
    }
    let count = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (this.#phase === 0) out[count++] = bytes[i] as number;
      else if (bytes[i] !== 0) throw tooHigh(this.#pulse + count - 1);
      this.#phase = (this.#phase + 1) & (width - 1);
    }
    this.#pulse += count;
    return count;
  }

  finish(): number {
    if (this.#phase !== 0) {
      throw new DaqError('timing-input', `The input ends inside mask ${this.#pulse - 1}.`, { place: { file: '-' } });
    }
    return 0;
  }
}

const NEWLINE = 10;
const NOT_A_DIGIT = 0xff;
const SKIPPED = 0xfe;
const DIGITS = digitTable();

/** One hexadecimal number per line, with or without 0x; empty lines do not count. */
class HexDecoder implements MaskDecoder {
  #value = 0;
  #digits = 0;
  #pulse = 0;

  decode(bytes: Uint8Array, out: Uint8Array): number {
    let count = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte === NEWLINE) {
        count += this.#end(out, count);
        continue;
      }
      const digit = DIGITS[byte] as number;
      if (digit < 16) {
        this.#value = (this.#value << 4) | digit;
        this.#digits++;
        if (this.#value > 255) throw tooHigh(this.#pulse);
      } else if (digit === NOT_A_DIGIT && !this.#isPrefix(byte)) {
        throw new DaqError('timing-input', `${JSON.stringify(String.fromCharCode(byte))} is no hexadecimal digit.`, {
          place: { file: '-', line: this.#pulse + 1 },
        });
      }
    }
    return count;
  }

  finish(out: Uint8Array): number {
    return this.#end(out, 0);
  }

  /** The x of 0x, after exactly one zero. */
  #isPrefix(byte: number): boolean {
    return (byte === 0x78 || byte === 0x58) && this.#digits === 1 && this.#value === 0;
  }

  #end(out: Uint8Array, at: number): number {
    if (this.#digits === 0) return 0;
    out[at] = this.#value;
    this.#value = 0;
    this.#digits = 0;
    this.#pulse++;
    return 1;
  }
}

function digitTable(): Uint8Array {
  const table = new Uint8Array(256).fill(NOT_A_DIGIT);
  for (const blank of ' \t\r') table[blank.charCodeAt(0)] = SKIPPED;
  for (let digit = 0; digit < 16; digit++) {
    const text = digit.toString(16);
    table[text.charCodeAt(0)] = digit;
    table[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}
