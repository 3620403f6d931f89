/** A set of whole numbers that mostly come in order: kept as intervals, so that a long run needs no more room than it has gaps. */
export class Intervals {
  /** First and last of each interval, ascending and not touching. */
  readonly #ends: [number, number][] = [];

  /** @param ends as `ends` gave them */
  constructor(ends: readonly (readonly [number, number])[] = []) {
    for (const [from, to] of ends) this.#ends.push([from, to]);
  }

  /** First and last of each interval, ascending. */
  get ends(): readonly (readonly [number, number])[] {
    return this.#ends;
  }

  /** How many numbers there are. */
  get count(): number {
    return this.#ends.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  /** Adds all from `from` to `to`, both included; nothing if `to` is lower. */
  fill(from: number, to: number): void {
    if (to < from) return;
    const ends = this.#ends;
    let end = ends.length;
    while (end > 0 && ends[end - 1]![0] > to + 1) end--;
    let first = end;
    while (first > 0 && ends[first - 1]![1] >= from - 1) first--;
    const touched = ends.slice(first, end);
    const low = Math.min(from, touched[0]?.[0] ?? from);
    ends.splice(first, end - first, [low, Math.max(to, touched.at(-1)?.[1] ?? to)]);
  }

  has(n: number): boolean {
    const ends = this.#ends;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]![0] <= n) low = middle + 1;
      else high = middle;
    }
    return low > 0 && n <= ends[low - 1]![1];
  }

  /** @returns false if `n` was there already */
  add(n: number): boolean {
    const ends = this.#ends;
    let at = ends.length;
    while (at > 0 && ends[at - 1]![0] > n) at--;
    const before = ends[at - 1];
    if (before && n <= before[1]) return false;
    const after = ends[at];
    const joinsBefore = before?.[1] === n - 1;
    const joinsAfter = after?.[0] === n + 1;
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      ends.splice(at, 1);
    } else if (joinsBefore) before[1] = n;
    else if (joinsAfter) after[0] = n;
    else ends.splice(at, 0, [n, n]);
    return true;
  }
}
