import { GROUPS } from '../partition.ts';
import type { Tally } from '../pulse/tally.ts';
import type { GroupStatistics, GroupViolations, Violations } from '../verdict.ts';
import type { RuleTable } from './states.ts';

/** What a phase is judged with. */
export interface Judge {
  readonly table: RuleTable;
  readonly inUse: number;
  readonly known: number;
  readonly common: number;
  /** Mains states outside the common group's, by group, where both wait for mains. */
  readonly slotsOutside: ReadonlyMap<number, number>;
}

/** Sum of the bins whose entry in `table` has any of `bits`. */
export function binSum(tally: Tally, table: Uint8Array, bits: number): number {
  let sum = 0;
  for (let v = 0; v < 256; v++) if ((table[v] as number) & bits) sum += tally.bins[v] as number;
  return sum;
}

function binFirst(tally: Tally, table: Uint8Array, bits: number): number | null {
  let first = Number.POSITIVE_INFINITY;
  for (let v = 0; v < 256; v++) {
    const pulse = tally.firstOf[v] as number;
    if ((table[v] as number) & bits && pulse >= 0 && pulse < first) first = pulse;
  }
  return first === Number.POSITIVE_INFINITY ? null : first;
}

export function groupStatistics(tally: Tally, judge: Judge, g: number): GroupStatistics {
  const { table, known } = judge;
  const sum = binSum(tally, table.fires, 1 << g);
  const sumMax = binSum(tally, table.mayFire, 1 << g);
  const span = tally.spans[g];
  if (((known >> g) & 1) === 0 || span === undefined || span.first < 0) {
    return { sum, sumMax, first: null, last: null, minIntv: null, maxIntv: null };
  }
  const several = span.last > span.first;
  return {
    sum,
    sumMax,
    first: span.first,
    last: span.last,
    minIntv: several ? span.min : null,
    maxIntv: several ? span.max : null,
  };
}

/** 36 coincidence counts in the order of the live counters; null where a group in use is not known. */
export function coincidences(tally: Tally, judge: Judge): (number | null)[] {
  const { table, inUse, known } = judge;
  const unknown = inUse & ~known;
  const counts: (number | null)[] = [];
  for (let i = 0; i < GROUPS; i++) {
    for (let j = i; j < GROUPS; j++) {
      const pair = (1 << i) | (1 << j);
      counts.push(unknown & pair ? null : (inUse & pair) === pair ? bothCount(tally, table.fires, pair) : 0);
    }
  }
  return counts;
}

function bothCount(tally: Tally, fires: Uint8Array, pair: number): number {
  let sum = 0;
  for (let v = 0; v < 256; v++) if (((fires[v] as number) & pair) === pair) sum += tally.bins[v] as number;
  return sum;
}

/** Index of pair (i, j), i <= j, in the 36 counts. */
export function pairIndex(i: number, j: number): number {
  return i * GROUPS - (i * (i - 1)) / 2 + (j - i);
}

export function violations(tally: Tally, judge: Judge): Violations {
  const { table, inUse, common, slotsOutside } = judge;
  const groups: Record<string, GroupViolations> = {};
  for (let g = 0; g < GROUPS; g++) {
    const bit = 1 << g;
    if (g === common || !(inUse & bit)) continue;
    const acSlots = slotsOutside.get(g);
    groups[g] = {
      certain: binSum(tally, table.certain, bit),
      possible: binSum(tally, table.possible, bit),
      first: binFirst(tally, table.certain, bit),
      firstPossible: binFirst(tally, table.possible, bit),
      ...(acSlots === undefined ? {} : { acSlots }),
    };
  }
  return {
    pulses: { certain: binSum(tally, table.certain, 255), possible: binSum(tally, table.possible, 255) },
    first: binFirst(tally, table.certain, 255),
    firstPossible: binFirst(tally, table.possible, 255),
    groups,
  };
}
