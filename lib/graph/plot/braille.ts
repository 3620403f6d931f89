/** A canvas of braille dots: two by four in each character. Pure. */

/** Bits of a braille character by row and column of the dot (Unicode, block U+2800). */
const BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const BLANK = 0x2800;

export class Braille {
  /** In dots. */
  readonly width: number;
  readonly height: number;
  readonly #columns: number;
  readonly #cells: Uint8Array;

  /** @param columns and rows in characters */
  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.width = columns * 2;
    this.height = rows * 4;
    this.#cells = new Uint8Array(columns * rows);
  }

  /** Sets a dot; x to the right, y downwards, from 0. What lies outside is left out. */
  dot(x: number, y: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    this.#cells[(y >> 2) * this.#columns + (x >> 1)]! |= BITS[y & 3]![x & 1]!;
  }

  /** Sets the dots from one row to another, both included. */
  vertical(x: number, from: number, to: number): void {
    for (let y = Math.min(from, to); y <= Math.max(from, to); y++) this.dot(x, y);
  }

  lines(): string[] {
    const lines: string[] = [];
    for (let at = 0; at < this.#cells.length; at += this.#columns) {
      const row = this.#cells.subarray(at, at + this.#columns);
      lines.push(Array.from(row, (bits) => (bits === 0 ? ' ' : String.fromCharCode(BLANK + bits))).join(''));
    }
    return lines;
  }
}
