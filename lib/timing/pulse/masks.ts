import type { RequestLog } from '../sequence/engine.ts';
import { EnginePulses, paintLog, strideOr } from './engine-source.ts';
import { paintPattern, stampPattern } from './pattern.ts';
import { type Gate, NO_BEAM, type Plan } from './plan.ts';

/** An engine that changes from period to period. */
export interface MovingEngine {
  readonly pulses: EnginePulses;
  readonly bitsOf: Uint8Array;
  readonly groups: number;
}

/**
 * The candidate bits of every tick of one machine period after another. `enter(k)` starts a phase: what looks the same in every
 * period from k on is painted once, into `base`. Periods must be asked in rising order.
 */
export class PeriodMasks {
  readonly plan: Plan;
  /** One byte per tick, padded with zeros to a multiple of four. */
  readonly base: Uint8Array;
  readonly mask: Uint8Array;
  readonly words: Uint32Array;
  /** Destination gate of the phase, or of the period painted last when it is not periodic. */
  readonly gate: Uint8Array | null;
  moving: readonly MovingEngine[] = [];
  /** Groups that differ between periods of this phase. */
  movingBits = 0;
  readonly #engines: readonly MovingEngine[];

  constructor(plan: Plan) {
    this.plan = plan;
    const size = (plan.period + 3) & ~3;
    this.base = new Uint8Array(size);
    this.mask = new Uint8Array(size);
    this.words = new Uint32Array(this.mask.buffer);
    this.gate = plan.gate === null ? null : new Uint8Array(size);
    this.#engines = plan.engines.map((feed) => ({
      pulses: new EnginePulses(feed.source),
      bitsOf: feed.bitsOf,
      groups: feed.groups,
    }));
  }

  /** Begins a phase at period k. */
  enter(k: number): void {
    const { base, plan } = this;
    const { sources } = plan;
    base.fill(0);
    for (const { interval, bits } of plan.strides) strideOr(base, 0, plan.period, interval, bits);
    for (const { pattern, bits, periodic } of plan.patterns) {
      if (periodic) paintPattern(base, pattern, 0, plan.period, bits);
    }
    // In the steady phase an engine of period 1 repeats its own first period.
    const settled = (i: number): boolean =>
      sources.complete && k >= sources.warmup && plan.engines[i]?.source.steady.superPeriod === 1;
    this.#engines.forEach((engine, i) => {
      if (settled(i)) engine.pulses.paint(base, k, engine.bitsOf);
    });
    this.moving = this.#engines.filter((_, i) => !settled(i));
    if (plan.gate?.periodic) this.#applyGate(plan.gate, base, 0);
    this.mask.set(base);
    this.movingBits = this.#bitsThatMove();
  }

  #bitsThatMove(): number {
    let bits = groupsOf(this.moving);
    for (const { bits: group, periodic } of this.plan.patterns) if (!periodic) bits |= group;
    if (this.plan.gate !== null && !this.plan.gate.periodic) bits |= this.plan.gate.bits;
    const { common, autoCommon } = this.plan.partition;
    // An automatic common group moves with any other.
    if (autoCommon) bits = bits & ~(1 << common) ? bits | (1 << common) : 0;
    return bits;
  }

  /** True when only engines move, so that their requests are all that distinguishes a period from `base`. */
  get onlyEnginesMove(): boolean {
    return this.plan.patterns.every((p) => p.periodic) && (this.plan.gate === null || this.plan.gate.periodic);
  }

  /** Paints period k in full into `mask`. `logs` may hold requests already listed, by moving engine. */
  paint(k: number, logs: readonly (RequestLog | null)[] = []): Uint8Array {
    const { mask, plan } = this;
    mask.set(this.base);
    this.moving.forEach((engine, i) => {
      const log = logs[i];
      if (log) paintLog(mask, log, engine.bitsOf);
      else engine.pulses.paint(mask, k, engine.bitsOf);
    });
    for (const { pattern, bits, periodic } of plan.patterns) {
      if (!periodic) paintPattern(mask, pattern, k, plan.period, bits);
    }
    if (plan.gate !== null) {
      if (!plan.gate.periodic) this.#applyGate(plan.gate, mask, k);
      else andInto(mask, this.gate as Uint8Array);
    }
    return mask;
  }

  #applyGate(gate: Gate, mask: Uint8Array, k: number): void {
    const open = this.gate as Uint8Array;
    open.fill(gate.openFor[NO_BEAM] as number);
    // Stamped from the last run to the first, because the first run of the list decides.
    for (let i = gate.runs.length - 1; i >= 0; i--) {
      const run = gate.runs[i];
      if (run) stampPattern(open, run.pattern, k, this.plan.period, gate.openFor[run.destination] as number);
    }
    andInto(mask, open);
  }
}

function groupsOf(engines: readonly MovingEngine[]): number {
  let bits = 0;
  for (const engine of engines) bits |= engine.groups;
  return bits;
}

function andInto(mask: Uint8Array, other: Uint8Array): void {
  const words = new Uint32Array(mask.buffer);
  const others = new Uint32Array(other.buffer);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) & (others[i] as number);
}
