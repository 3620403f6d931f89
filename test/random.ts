/** Seeded random numbers for schedules that can be repeated (sfc32). */

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    this.b = 0x9e3779b9;
    this.c = 0x243f6a88;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** Unsigned 32 bits. */
  next(): number {
    const sum = (this.a + this.b + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 .. n-1. */
  below(n: number): number {
    return Math.floor((this.next() / 0x100000000) * n);
  }

  chance(probability: number): boolean {
    return this.next() / 0x100000000 < probability;
  }
}
