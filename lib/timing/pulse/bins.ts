/** Four interleaved tables of 256 bins: neighbouring pulses with the same value do not wait for each other's store. */
const scratch = new Uint32Array(4 * 256);

/** Adds the number of ticks with each mask value; `ticks` may be less than the padded array holds. */
export function countMasks(words: Uint32Array, ticks: number, bins: Float64Array): void {
  scratch.fill(0);
  for (let i = 0; i < words.length; i++) {
    const v = words[i] as number;
    const a = v & 255;
    const b = 256 + ((v >>> 8) & 255);
    const c = 512 + ((v >>> 16) & 255);
    const d = 768 + (v >>> 24);
    scratch[a] = (scratch[a] as number) + 1;
    scratch[b] = (scratch[b] as number) + 1;
    scratch[c] = (scratch[c] as number) + 1;
    scratch[d] = (scratch[d] as number) + 1;
  }
  for (let v = 0; v < 256; v++) {
    const n =
      (scratch[v] as number) +
      (scratch[v + 256] as number) +
      (scratch[v + 512] as number) +
      (scratch[v + 768] as number);
    bins[v] = (bins[v] as number) + n;
  }
  bins[0] = (bins[0] as number) - (words.length * 4 - ticks);
}

/**
 * True when some tick has a group bit without the common bit, four pulses at a time (spec timing 15.3). `bits` selects the groups
 * that count, `common` is the number of the common group.
 */
export function anyWithout(words: Uint32Array, bits: number, common: number): boolean {
  const others = Math.imul(bits & ~(1 << common), 0x01010101);
  for (let i = 0; i < words.length; i++) {
    const v = words[i] as number;
    const low = v & others;
    const some = ((low & 0x7f7f7f7f) + 0x7f7f7f7f) | low;
    if (((some >>> 7) & ~(v >>> common) & 0x01010101) !== 0) return true;
  }
  return false;
}
