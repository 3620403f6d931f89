/**
 * Which parts of a memory are free: the lowest one that is large enough is given away, so memory that was used a moment ago, and is in the
 * cache of the processor, is used again. Pure.
 */
export class Extents {
  readonly capacity: number;
  /** First byte and byte behind the last one of what is free; ascending, not touching. */
  readonly #free: [number, number][];
  #used = 0;

  /** @param capacity bytes */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity > 0 ? [[0, capacity]] : [];
  }

  get used(): number {
    return this.#used;
  }

  /** @returns the offset; undefined if there is no room in one piece */
  take(bytes: number): number | undefined {
    for (const [i, extent] of this.#free.entries()) {
      const [from, to] = extent;
      if (to - from < bytes) continue;
      if (to - from === bytes) this.#free.splice(i, 1);
      else extent[0] = from + bytes;
      this.#used += bytes;
      return from;
    }
    return undefined;
  }

  /** Gives back what `take` gave. @throws RangeError if it is not taken */
  give(offset: number, bytes: number): void {
    const free = this.#free;
    const end = offset + bytes;
    let at = free.length;
    while (at > 0 && free[at - 1]![0] >= offset) at--;
    const before = free[at - 1];
    const after = free[at];
    if (offset < 0 || end > this.capacity || (before && before[1] > offset) || (after && after[0] < end))
      throw new RangeError(`${bytes} bytes at ${offset} are free already`);
    this.#used -= bytes;
    const joinsBefore = before?.[1] === offset;
    const joinsAfter = after?.[0] === end;
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      free.splice(at, 1);
    } else if (joinsBefore) before[1] = end;
    else if (joinsAfter) after[0] = offset;
    else free.splice(at, 0, [offset, end]);
  }
}
