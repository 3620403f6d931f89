import { lowerBound, modulo } from '../arithmetic.ts';
import { Engine, RequestLog } from '../sequence/engine.ts';
import type { KnownEngine } from './source.ts';

const EVER = Number.MAX_SAFE_INTEGER;

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
    const cycle = this.#known.steady.cycle;
    const { period } = this.#known.program;
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

  /** Steps through period k up to the origin of the cycle, if there is one. */
  #step(k: number): RequestLog {
    const engine = this.#engine;
    const log = this.#log;
    const lead = this.#known.steady.cycle?.lead ?? EVER;
    while (engine.period < k && !engine.halted && engine.wakeups < lead) {
      log.length = 0;
      engine.run(engine.period, lead - engine.wakeups, log);
    }
    log.length = 0;
    if (engine.period === k) engine.run(k, lead - engine.wakeups, log);
    return log;
  }

  #paintCycle(mask: Uint8Array, base: number, bitsOf: Uint8Array): void {
    const cycle = this.#known.steady.cycle;
    if (cycle === null) return;
    const from = Math.max(0, cycle.origin - base);
    const phase = modulo(base + from - cycle.origin, cycle.length);
    for (let i = 0; i < cycle.offsets.length; i++) {
      const bits = bitsOf[(cycle.words[i] as number) & 15] as number;
      const first = from + modulo((cycle.offsets[i] as number) - phase, cycle.length);
      if (bits !== 0) strideOr(mask, first, this.#known.program.period, cycle.length, bits);
    }
  }
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
  for (let p = first; p < end; p += step) mask[p] = (mask[p] as number) | bits;
}
