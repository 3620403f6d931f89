/** Seeded random partitions on small machines, as raw partition files. */

export interface RawPattern {
  period?: number;
  start?: number;
  step?: number;
  count?: number;
  at?: number[];
}

export interface RawGroup {
  fixed?: string;
  ac?: string;
  slots?: number[];
  eventcode?: number;
  dest?: number[];
}

export interface RawPartition {
  format: 'rog-partition/1';
  machine: { period: number; tickHz: number; markers: Record<string, number>; acBoundary: number };
  common: number;
  autoCommon: boolean;
  groups: Record<number, RawGroup>;
  sequences: Record<number, { words: number[]; start: number | 'any' }>;
  codes: Record<number, RawPattern[]>;
  beam: 'unknown' | 'none' | { always: number } | { runs: (RawPattern & { dest: number })[] };
  inhibits: Record<number, { interval: number; limit: number }[]>;
  maxPeriods: number;
  transient: 'auto' | 'check' | 'report';
}

/** A small fast generator (xorshift32): the same seed gives the same partitions everywhere. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1;
  }

  /** 0..n-1 */
  below(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state % n;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const sync = (marker: number, occurrences: number): number => 2 * 2 ** 29 + marker * 65536 + occurrences;
const request = (word: number): number => 4 * 2 ** 29 + word;
const upper = (): number => 6 * 2 ** 29;
const branch = (line: number, counter: number, value: number): number =>
  2 ** 24 + counter * 2 ** 27 + value * 4096 + line;

function randomProgram(r: Random, markers: number): number[] {
  const anySync = (): number => sync(r.below(markers), 1 + r.below(9));
  const shape = r.below(6);
  if (shape === 0) return [request(r.below(16)), sync(0, 1 + r.below(20)), upper(), 0];
  if (shape === 1)
    return [
      anySync(),
      request(1 + r.below(15)),
      sync(0, 1 + r.below(5)),
      upper(),
      branch(1, 0, r.below(6)),
      upper(),
      0,
    ];
  if (shape === 2)
    return [anySync(), request(5), anySync(), request(r.below(4)), anySync(), upper(), r.chance(50) ? 6 : 5];
  if (shape === 3) {
    const inner = [
      anySync(),
      request(3),
      branch(0, 0, r.below(4)),
      request(12),
      anySync(),
      branch(0, 1, r.below(3)),
      upper(),
      1,
    ];
    return inner;
  }
  if (shape === 4 && r.chance(20))
    return [sync(0, 2), 3 * 2 ** 29 + 63 * 2 ** 23 + 5 * 65536 + 1, request(1), upper(), 0];
  // Anything goes: many of these leave their list or spin, and must be refused.
  const length = 3 + r.below(8);
  return Array.from({ length }, () => {
    const kind = r.below(9);
    if (kind < 4) return anySync();
    if (kind < 6) return request(r.below(16));
    if (kind === 6) return branch(r.below(length), r.below(4), r.below(5));
    return kind === 7 ? r.below(length) : r.pick([upper(), 2 ** 29, 5 * 2 ** 29, sync(0, 0)]);
  });
}

function randomPattern(r: Random, N: number): RawPattern {
  const period = r.chance(50) ? N : 1 + r.below(2 * N);
  if (r.chance(40)) return { period, at: Array.from({ length: 1 + r.below(4) }, () => r.below(period)) };
  const start = r.below(period);
  const step = 1 + r.below(5);
  return { period, start, step, count: 1 + r.below(Math.floor((period - 1 - start) / step) + 1) };
}

function randomGroup(r: Random, markers: readonly string[], codes: readonly number[]): RawGroup {
  const group: RawGroup = {};
  const kind = r.below(100);
  if (kind < 40) group.fixed = r.pick(markers);
  else if (kind < 48) {
    group.ac = r.pick(['0_5Hz', '1Hz', '5Hz', '10Hz', '30Hz', '60Hz']);
    group.slots = [1, 2, 3, 4, 5, 6].filter(() => r.chance(60));
  } else group.eventcode = r.chance(92) ? r.pick(codes) : r.pick([17, 18, 300]);
  if (r.chance(20)) group.dest = Array.from({ length: 1 + r.below(2) }, () => r.pick([3, 4, 15]));
  return group;
}

function randomInhibits(r: Random, groups: readonly number[]): RawPartition['inhibits'] {
  const inhibits: RawPartition['inhibits'] = {};
  if (r.chance(35)) {
    for (const g of groups) {
      if (r.chance(40))
        inhibits[g] = Array.from({ length: 1 + r.below(2) }, () => ({
          interval: 1 + r.below(40),
          limit: 1 + r.below(3),
        }));
    }
  }
  return inhibits;
}

/** Partition number `seed`. */
export function randomPartition(seed: number): RawPartition {
  const r = new Random(seed);
  const N = r.pick([12, 24, 30, 36, 60]);
  const divisors = Array.from({ length: N }, (_, i) => i + 1).filter((d) => N % d === 0);
  const intervals = [1, N, r.pick(divisors), r.pick(divisors)];
  const markers = Object.fromEntries(intervals.map((interval, i) => [`m${i}`, interval]));
  const sequences: RawPartition['sequences'] = {};
  const codes: RawPartition['codes'] = {};
  const offered = [17];
  for (let e = 0; e < r.below(4); e++) {
    const engine = r.below(8);
    const start = r.chance(75) ? 0 : r.chance(60) ? r.below(2 * N) : 'any';
    sequences[engine] = { words: randomProgram(r, intervals.length), start };
    for (let bit = 0; bit < 4; bit++) offered.push(256 + 4 * engine + bit);
  }
  for (let c = 0; c < r.below(3); c++) {
    const code = 40 + r.below(5);
    codes[code] = Array.from({ length: 1 + r.below(2) }, () => randomPattern(r, N));
    offered.push(code);
  }
  const groups: RawPartition['groups'] = {};
  const common = r.below(8);
  const autoCommon = r.chance(15);
  for (let i = 0; i < 1 + r.below(4); i++) groups[r.below(8)] = randomGroup(r, Object.keys(markers), offered);
  if (!autoCommon || r.chance(60))
    groups[common] = r.chance(40) ? { fixed: 'm0' } : randomGroup(r, Object.keys(markers), offered);
  if (Object.keys(groups).length === 0) groups[common] = { fixed: 'm0' };
  const inhibits = randomInhibits(r, Object.keys(groups).map(Number));
  const beam = r.pick<RawPartition['beam']>([
    'unknown',
    'unknown',
    'none',
    { always: r.pick([3, 4, 15]) },
    { runs: [] },
  ]);
  if (typeof beam === 'object' && 'runs' in beam) {
    for (let i = 0; i < 1 + r.below(3); i++) beam.runs.push({ ...randomPattern(r, N), dest: r.pick([3, 4, 15]) });
  }
  const transient = r.pick(['auto', 'auto', 'check', 'report'] as const);
  const machine = { period: N, tickHz: 1000, markers, acBoundary: r.pick(divisors) };
  return {
    format: 'rog-partition/1',
    machine,
    common,
    autoCommon,
    groups,
    sequences,
    codes,
    beam,
    inhibits,
    maxPeriods: 2 + r.below(30),
    transient,
  };
}
