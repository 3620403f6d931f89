import { GROUPS, type Inhibit } from '../partition.ts';
import { countMasks } from '../pulse/bins.ts';
import { PeriodMasks } from '../pulse/masks.ts';
import type { Plan } from '../pulse/plan.ts';
import { appendSpan, type Span, spansOf } from '../pulse/spacing.ts';
import { Tally } from '../pulse/tally.ts';
import type { Steps } from '../steps.ts';
import { plainTable } from './states.ts';

/** Counts of accepted pulses and the window they stand for (spec timing 13.4). */
export interface AcceptedTallies {
  readonly warmup: number;
  readonly superPeriod: number;
  readonly complete: boolean;
  readonly transient: Tally;
  readonly steady: Tally;
}

/** Accepted pulses that can matter: a group under its own inhibits has at most the largest limit of them within the interval. */
const HISTORY = 16;
/** An automatic common group is not held back by its inhibits unless its own select fires: as many as the longest interval. */
const AUTO_HISTORY = 4096;

/**
 * Walks the pulses once more with the programmable inhibits until the state of the inhibits repeats at a boundary of the super-period.
 * Every group must be known.
 */
export function* acceptedPass(plan: Plan): Steps<AcceptedTallies> {
  const { warmup, superPeriod, complete } = plan.sources;
  const { maxPeriods } = plan.partition;
  const pass = new AcceptedPass(plan);
  if (!complete) return unfinished(maxPeriods, [yield* pass.periods(0, maxPeriods)]);
  const seen = new Map<string, number>();
  // Tallies between boundaries; the first one is the warm-up.
  const blocks = [yield* pass.periods(0, warmup)];
  for (let k = warmup; ; k += superPeriod) {
    const state = pass.state(k);
    const before = seen.get(state);
    if (before !== undefined) {
      const first = 1 + (before - warmup) / superPeriod;
      return {
        warmup: before,
        superPeriod: k - before,
        complete: true,
        transient: joined(blocks.slice(0, first)),
        steady: joined(blocks.slice(first)),
      };
    }
    seen.set(state, k);
    const next = Math.min(k + superPeriod, maxPeriods);
    blocks.push(yield* pass.periods(k, next));
    if (k + superPeriod > maxPeriods) return unfinished(maxPeriods, blocks);
  }
}

function unfinished(maxPeriods: number, blocks: readonly Tally[]): AcceptedTallies {
  return { warmup: 0, superPeriod: maxPeriods, complete: false, transient: new Tally(), steady: joined(blocks) };
}

function joined(blocks: readonly Tally[]): Tally {
  const all = new Tally();
  for (const block of blocks) all.append(block);
  return all;
}

class AcceptedPass {
  readonly #plan: Plan;
  readonly #masks: PeriodMasks;
  readonly #gates: readonly InhibitGate[];
  readonly #words: Uint32Array;
  readonly #violating: Uint8Array;
  readonly #bins = new Float64Array(256);
  /** Spans of groups that are the same in every period of a phase. */
  #still: readonly Span[] | null = null;
  /** Groups whose accepted pulses depend on what came before. */
  readonly #inhibited: number;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#masks = new PeriodMasks(plan);
    this.#words = this.#masks.words;
    this.#violating = plainTable(plan.partition.common, plan.inUse).certain;
    const { common, autoCommon } = plan.partition;
    this.#inhibited = [...plan.partition.inhibits.keys()].reduce(
      (bits, g) => bits | (1 << g),
      autoCommon ? 1 << common : 0,
    );
    this.#gates = [...plan.partition.inhibits].map(
      ([group, inhibits]) => new InhibitGate(group, inhibits, autoCommon && group === common ? AUTO_HISTORY : HISTORY),
    );
  }

  /** Distances of the accepted pulses that still count at the start of period k. */
  state(k: number): string {
    return this.#gates.map((gate) => gate.state(k * this.#plan.period)).join(';');
  }

  *periods(from: number, to: number): Steps<Tally> {
    const tally = new Tally();
    if (to <= from) return tally;
    this.#masks.enter(from);
    this.#still = null;
    for (let k = from; k < to; k++) {
      this.#period(k, tally);
      yield;
    }
    return tally;
  }

  #period(k: number, tally: Tally): void {
    const { period, inUse, partition } = this.#plan;
    const offset = k * period;
    const mask = this.#masks.paint(k);
    for (const gate of this.#gates) {
      if (!(partition.autoCommon && gate.group === partition.common)) gate.pass(mask, this.#words, offset);
    }
    if (partition.autoCommon) this.#acceptCommon(mask, offset);
    const bins = this.#bins;
    bins.fill(0);
    countMasks(this.#words, period, bins);
    for (let v = 0; v < 256; v++) tally.bins[v] = (tally.bins[v] as number) + (bins[v] as number);
    tally.noteFirst(mask, bins, offset);
    tally.noteSites(mask, period, bins, this.#violating, offset);
    const changing = inUse & (this.#masks.movingBits | this.#inhibited);
    this.#still ??= spansOf(this.#words, inUse & ~changing);
    const moved = spansOf(this.#words, changing);
    for (let g = 0; g < GROUPS; g++) {
      const span = (changing >> g) & 1 ? moved[g] : this.#still[g];
      appendSpan(tally.spans[g] as Span, span as Span, offset);
    }
  }

  /** The common group takes what the others accept, unless its own select fires while it is inhibited. */
  #acceptCommon(mask: Uint8Array, offset: number): void {
    const { common } = this.#plan.partition;
    const bit = 1 << common;
    const others = this.#plan.inUse & ~bit;
    const gate = this.#gates.find((g) => g.group === common);
    for (let p = 0; p < this.#plan.period; p++) {
      const v = mask[p] as number;
      if (v === 0) continue;
      if ((v & others) === 0 || (v & bit && gate?.isInhibited(offset + p))) mask[p] = v & others;
      else {
        mask[p] = v | bit;
        gate?.accept(offset + p);
      }
    }
  }
}

/** The programmable inhibits of one group and the accepted pulses they remember. */
class InhibitGate {
  readonly group: number;
  readonly #inhibits: readonly Inhibit[];
  readonly #reach: number;
  /** Ring of the last accepted pulses. */
  readonly #accepted: Float64Array;
  #count = 0;

  /** `history`: accepted pulses to remember, a power of two. */
  constructor(group: number, inhibits: readonly Inhibit[], history: number) {
    this.group = group;
    this.#accepted = new Float64Array(history).fill(Number.NEGATIVE_INFINITY);
    this.#inhibits = inhibits;
    this.#reach = Math.max(1, ...inhibits.map((inhibit) => inhibit.interval)) - 1;
  }

  /** True when some inhibit has its limit of accepted pulses within its interval. */
  isInhibited(pulse: number): boolean {
    for (const { interval, limit } of this.#inhibits) {
      const oldest = this.#accepted[(this.#count - limit) & (this.#accepted.length - 1)] as number;
      if (pulse - oldest < interval) return true;
    }
    return false;
  }

  accept(pulse: number): void {
    this.#accepted[this.#count++ & (this.#accepted.length - 1)] = pulse;
  }

  /** Clears the group's bit on refused pulses. */
  pass(mask: Uint8Array, words: Uint32Array, offset: number): void {
    const bit = 1 << this.group;
    const selected = Math.imul(bit, 0x01010101);
    for (let i = 0; i < words.length; i++) {
      for (let v = (words[i] as number) & selected; v !== 0; v &= v - 1) {
        const p = (i << 2) + ((31 - Math.clz32(v & -v)) >> 3);
        if (this.isInhibited(offset + p)) mask[p] = (mask[p] as number) & ~bit;
        else this.accept(offset + p);
      }
    }
  }

  state(boundary: number): string {
    const distances = [...this.#accepted]
      .map((pulse) => boundary - pulse)
      .filter((distance) => distance <= this.#reach);
    return distances.sort((a, b) => a - b).join();
  }
}
