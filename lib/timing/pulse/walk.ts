import { GROUPS } from '../partition.ts';
import type { RequestLog } from '../sequence/engine.ts';
import type { Steps } from '../steps.ts';
import { countMasks } from './bins.ts';
import { PeriodMasks } from './masks.ts';
import type { Plan } from './plan.ts';
import { appendSpan, type Span, spanOf, spansOf } from './spacing.ts';
import { Tally } from './tally.ts';

/** A period with fewer moving requests than one in this many ticks is counted by its changes instead of scanned. */
const SPARSE = 8;

/** Visits machine periods in order and counts every pulse of each (docs/timing.md, steps 4 and 5). */
export class PulseWalk {
  readonly #plan: Plan;
  readonly #masks: PeriodMasks;
  readonly #violating: Uint8Array;
  readonly #baseBins = new Float64Array(256);
  readonly #bins = new Float64Array(256);
  #baseSpans: readonly Span[] = [];
  /** Buckets changed by the sparse path, to be put back. */
  #touched = new Int32Array(0);
  #touchedCount = 0;
  /** True while the mask is the base of the phase. */
  #clean = false;

  /** `violating`: non-zero for mask values whose pulses are worth listing. */
  constructor(plan: Plan, violating: Uint8Array) {
    this.#plan = plan;
    this.#masks = new PeriodMasks(plan);
    this.#violating = violating;
  }

  /** Counts the periods from..to-1 as one phase; phases must follow each other. */
  *phase(from: number, to: number): Steps<Tally> {
    const tally = new Tally();
    if (to <= from) return tally;
    const masks = this.#masks;
    masks.enter(from);
    this.#clean = true;
    this.#baseBins.fill(0);
    countMasks(masks.words, this.#plan.period, this.#baseBins);
    this.#baseSpans = this.#spans(this.#plan.known & ~masks.movingBits, this.#baseBins);
    for (let k = from; k < to; k++) {
      this.#period(k, tally);
      yield;
    }
    return tally;
  }

  #period(k: number, tally: Tally): void {
    const masks = this.#masks;
    const { period, known } = this.#plan;
    const offset = k * period;
    const logs = this.#requests(k);
    if (logs !== null) this.#countChanges(logs, offset, tally);
    else this.#countAll(k, tally);
    for (let v = 0; v < 256; v++) tally.bins[v] = (tally.bins[v] as number) + (this.#bins[v] as number);
    tally.noteFirst(masks.mask, this.#bins, offset);
    tally.noteSites(masks.mask, period, this.#bins, this.#violating, offset);
    const still = known & ~masks.movingBits;
    for (let g = 0; g < GROUPS; g++) {
      if ((still >> g) & 1) appendSpan(tally.spans[g] as Span, this.#baseSpans[g] as Span, offset);
    }
    if (logs !== null) this.#restore();
    this.#clean = logs !== null;
  }

  /** The requests of all moving engines when they are few, else null; what was listed on the way is painted. */
  #requests(k: number): RequestLog[] | null {
    const masks = this.#masks;
    const limit = this.#plan.period / SPARSE;
    if (!masks.onlyEnginesMove) {
      masks.paint(k);
      return null;
    }
    let total = 0;
    const logs = masks.moving.map(({ pulses }) => {
      if (pulses.isCyclic(k) && pulses.estimate() > limit) {
        total += pulses.estimate();
        return null;
      }
      const log = pulses.list(k);
      total += log.length;
      return log;
    });
    const listed = logs.filter((log) => log !== null);
    if (total <= limit && listed.length === logs.length) return listed;
    masks.paint(k, logs);
    return null;
  }

  /** Dense: one histogram over the painted period, one scan per moving group. */
  #countAll(k: number, tally: Tally): void {
    const masks = this.#masks;
    this.#bins.fill(0);
    countMasks(masks.words, this.#plan.period, this.#bins);
    const spans = this.#spans(this.#plan.known & masks.movingBits, this.#bins);
    spans.forEach((span, g) => {
      appendSpan(tally.spans[g] as Span, span, k * this.#plan.period);
    });
  }

  /** Sparse: each request moves one pulse from one bin to another. */
  #countChanges(logs: readonly RequestLog[], offset: number, tally: Tally): void {
    const masks = this.#masks;
    this.#bins.set(this.#baseBins);
    this.#reserve(logs);
    this.#touchedCount = 0;
    if (!this.#clean) masks.mask.set(masks.base);
    logs.forEach((log, i) => {
      const engine = masks.moving[i];
      if (engine) this.#moveLog(log, engine.bitsOf);
      for (let bits = engine?.groups ?? 0; bits !== 0; bits &= bits - 1) {
        const g = 31 - Math.clz32(bits & -bits);
        if ((this.#counted >> g) & 1)
          appendSpan(
            tally.spans[g] as Span,
            spanOfRequests(log, engine?.bitsOf as Uint8Array, 1 << g, masks.gate),
            offset,
          );
      }
    });
    this.#countUnion(tally, offset);
  }

  /** Groups whose spans follow from requests; the own select of an automatic common group is no firing of it. */
  get #counted(): number {
    const { common, autoCommon } = this.#plan.partition;
    return this.#plan.known & (autoCommon ? ~(1 << common) : 255);
  }

  #moveLog(log: RequestLog, bitsOf: Uint8Array): void {
    const { mask, gate } = this.#masks;
    const { buckets, words, length } = log;
    const bins = this.#bins;
    const touched = this.#touched;
    let count = this.#touchedCount;
    for (let j = 0; j < length; j++) {
      const p = buckets[j] as number;
      let bits = bitsOf[(words[j] as number) & 15] as number;
      if (gate !== null) bits &= gate[p] as number;
      if (bits === 0) continue;
      const before = mask[p] as number;
      const after = before | bits;
      bins[before] = (bins[before] as number) - 1;
      bins[after] = (bins[after] as number) + 1;
      mask[p] = after;
      touched[count++] = p;
    }
    this.#touchedCount = count;
  }

  /** The automatic common group is a union over engines and markers: only a scan has its pulses in order. */
  #countUnion(tally: Tally, offset: number): void {
    const { common, autoCommon } = this.#plan.partition;
    const bit = 1 << common;
    if (!autoCommon || (this.#plan.known & this.#masks.movingBits & bit) === 0) return;
    appendSpan(tally.spans[common] as Span, this.#spans(bit, this.#bins)[common] as Span, offset);
  }

  #reserve(logs: readonly RequestLog[]): void {
    const total = logs.reduce((sum, log) => sum + log.length, 0);
    if (this.#touched.length < total) this.#touched = new Int32Array(2 * total);
  }

  #restore(): void {
    const { mask, base } = this.#masks;
    const touched = this.#touched;
    for (let i = 0; i < this.#touchedCount; i++) {
      const p = touched[i] as number;
      mask[p] = base[p] as number;
    }
  }

  /** Spans of the groups in `bits` in the painted period; a full group needs no scan. */
  #spans(bits: number, counts: Float64Array): Span[] {
    const { common, autoCommon } = this.#plan.partition;
    const { period, inUse } = this.#plan;
    const union = autoCommon ? bits & (1 << common) : 0;
    let full = 0;
    for (let g = 0; g < GROUPS; g++) {
      let fired = 0;
      for (let v = 0; v < 256; v++) if ((v >> g) & 1) fired += counts[v] as number;
      if (fired === period && period > 1) full |= 1 << g;
    }
    const spans = spansOf(this.#masks.words, bits & ~full & ~union);
    if (union !== 0) spans[common] = spanOf(this.#masks.words, inUse & ~(1 << common));
    return spans.map((span, g) => {
      const everyTick = (bits & full & ~union) >> g;
      return everyTick & 1 ? { first: 0, last: period - 1, min: 1, max: 1 } : span;
    });
  }
}

/** Span of the requests of one engine that reach a group. */
function spanOfRequests(log: RequestLog, bitsOf: Uint8Array, bit: number, gate: Uint8Array | null): Span {
  const { buckets, words, length } = log;
  let first = -1;
  let last = -1;
  let min = 0x7fffffff;
  let max = 0;
  for (let j = 0; j < length; j++) {
    const p = buckets[j] as number;
    if (
      ((bitsOf[(words[j] as number) & 15] as number) & bit) === 0 ||
      (gate !== null && ((gate[p] as number) & bit) === 0)
    )
      continue;
    const step = p - last;
    last = p;
    if (first < 0) {
      first = p;
      continue;
    }
    if (step < min) min = step;
    if (step > max) max = step;
  }
  return { first, last, min: max === 0 ? Number.POSITIVE_INFINITY : min, max };
}
