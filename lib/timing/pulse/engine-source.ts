import { lowerBound, modulo } from '../arithmetic.ts';
import { Engine, NO_LIMIT, RequestLog } from '../sequence/engine.ts';
import type { Cycle } from '../sequence/steady.ts';
import type { KnownEngine } from './source.ts';

const NO_REQUESTS = new RequestLog(0);

/** Requests of one engine, machine period by machine period in rising order; a short cycle is painted instead of simulated. */
export class EnginePulses {
  readonly #known: KnownEngine;
  readonly #engine: Engine;
  readonly #log = new RequestLog();

  constructor(known: KnownEngine) {
    this.#known = known;
    this.#engine = new Engine(known.program, known.start);
  }

  /** True when period k lies, at least from some tick on, in a cycle shorter than a period, so that it can be painted by stride. */
  isCyclic(k: number): boolean {
    const cycle = this.#known.steady.cycle;
    const { period } = this.#known.program;
    return cycle !== null && cycle.length < period && cycle.origin < (k + 1) * period;
  }

  /** Requests in a cyclic period, to within one cycle. */
  estimate(): number {
    const cycle = this.#known.steady.cycle;
    return cycle === null ? 0 : (cycle.words.length * this.#known.program.period) / cycle.length;
  }

  /** ORs the group bits of each request into the masks of period k; `bitsOf` maps the four routed request bits to groups. */
  paint(mask: Uint8Array, k: number, bitsOf: Uint8Array): void {
    const cyclic = this.isCyclic(k);
    paintLog(mask, cyclic ? this.#step(k) : this.list(k), bitsOf);
    if (cyclic) this.#paintCycle(mask, k * this.#known.program.period, bitsOf);
  }

  /** Requests of period k in pulse order; valid until the next call. */
  list(k: number): RequestLog {
    const { cycle, history } = this.#known.steady;
    const { period } = this.#known.program;
    if (history !== null) return this.#recall(history, k);
    const log = this.#step(k);
    if (cycle === null || cycle.offsets.length === 0 || cycle.origin >= (k + 1) * period) return log;
    const from = Math.max(0, cycle.origin - k * period);
    const phase = modulo(k * period + from - cycle.origin, cycle.length);
    let index = lowerBound(cycle.offsets, phase);
    let turn = from - phase;
    for (;;) {
      if (index === cycle.offsets.length) {
        index = 0;
        turn += cycle.length;
      }
      const p = turn + (cycle.offsets[index] as number);
      if (p >= period) return log;
      log.add(p, cycle.words[index++] as number);
    }
  }

  /** What the analysis has seen already; from the warm-up on it repeats. */
  #recall(history: readonly RequestLog[], k: number): RequestLog {
    const { warmup, superPeriod, complete, halt } = this.#known.steady;
    const seen = complete && halt === null && k >= warmup ? warmup + ((k - warmup) % superPeriod) : k;
    return history[seen] ?? NO_REQUESTS;
  }

  /** Steps through period k up to the origin of the cycle, if there is one. */
  #step(k: number): RequestLog {
    const engine = this.#engine;
    const log = this.#log;
    const lead = this.#known.steady.cycle?.lead ?? null;
    const left = (): number => (lead === null ? NO_LIMIT : lead - engine.wakeups);
    while (engine.period < k && !engine.halted && left() > 0) {
      log.length = 0;
      engine.run(engine.period, left(), log);
    }
    log.length = 0;
    if (engine.period === k) engine.run(k, left(), log);
    return log;
  }

  #paintCycle(mask: Uint8Array, base: number, bitsOf: Uint8Array): void {
    const cycle = this.#known.steady.cycle;
    if (cycle === null) return;
    const { period } = this.#known.program;
    const from = Math.max(0, cycle.origin - base);
    const phase = modulo(base + from - cycle.origin, cycle.length);
    if (cycle.length <= TILED_CYCLE && cycle.offsets.length * TILED_SHARE > cycle.length) {
      tileOr(mask, from, period, cycleTile(cycle, phase, bitsOf));
      return;
    }
    for (let i = 0; i < cycle.offsets.length; i++) {
      const bits = bitsOf[(cycle.words[i] as number) & 15] as number;
      const first = from + modulo((cycle.offsets[i] as number) - phase, cycle.length);
      if (bits !== 0) strideOr(mask, first, period, cycle.length, bits);
    }
  }
}

/** Cycles up to this length with a request in one tick of so many are laid as a tile, four ticks at a time, instead of by stride. */
const TILED_CYCLE = 4096;
const TILED_SHARE = 16;

/** Group bits of one cycle from `phase` on. */
function cycleTile(cycle: Cycle, phase: number, bitsOf: Uint8Array): Uint8Array {
  const tile = new Uint8Array(cycle.length);
  cycle.offsets.forEach((offset, i) => {
    tile[modulo(offset - phase, cycle.length)] = bitsOf[(cycle.words[i] as number) & 15] as number;
  });
  return tile;
}

/** ORs a repeated tile into mask[from..end). */
export function tileOr(mask: Uint8Array, from: number, end: number, tile: Uint8Array): void {
  const aligned = Math.min(end, (from + 3) & ~3);
  for (let p = from; p < aligned; p++) mask[p] = (mask[p] as number) | (tile[(p - from) % tile.length] as number);
  // Four copies side by side are a whole number of words, whatever the length.
  const four = new Uint8Array(4 * tile.length);
  for (let i = 0; i < four.length; i++) four[i] = tile[(aligned - from + i) % tile.length] as number;
  const words = new Uint32Array(four.buffer);
  const target = new Uint32Array(mask.buffer, mask.byteOffset, mask.length >> 2);
  const last = end >> 2;
  for (let w = aligned >> 2, i = 0; w < last; w++) {
    target[w] = (target[w] as number) | (words[i] as number);
    if (++i === words.length) i = 0;
  }
  for (let p = Math.max(aligned, last << 2); p < end; p++)
    mask[p] = (mask[p] as number) | (tile[(p - from) % tile.length] as number);
}

/** ORs the group bits of listed requests into the masks. */
export function paintLog(mask: Uint8Array, log: RequestLog, bitsOf: Uint8Array): void {
  const { buckets, words, length } = log;
  for (let i = 0; i < length; i++) {
    const p = buckets[i] as number;
    mask[p] = (mask[p] as number) | (bitsOf[(words[i] as number) & 15] as number);
  }
}

export function strideOr(mask: Uint8Array, first: number, end: number, step: number, bits: number): void {
  if (step === 1) {
    tileOr(mask, first, end, Uint8Array.of(bits));
    return;
  }
  for (let p = first; p < end; p += step) mask[p] = (mask[p] as number) | bits;
}
