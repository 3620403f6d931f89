/** What fires on one pulse, in every state of what is unknown: spec timing 13.2 and 13.3 to the letter. */

import type { RawGroup, RawPartition, RawPattern } from './random-partition.ts';
import { type ReferenceEngine, runReference } from './reference-engine.ts';

type Fires = (p: number, state: State) => boolean;

export interface State {
  readonly beam: number | null;
  readonly mains: readonly [cycle: number, slot: number] | null;
  readonly codes: ReadonlyMap<number, boolean>;
}

export interface Known {
  readonly engines: ReadonlyMap<number, ReferenceEngine>;
  readonly warmup: number;
  readonly superPeriod: number;
  readonly complete: boolean;
}

const DIVISOR: Record<string, number> = { '0_5Hz': 120, '1Hz': 60, '5Hz': 12, '10Hz': 6, '30Hz': 2, '60Hz': 1 };

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function matches(pattern: RawPattern, p: number, N: number): boolean {
  const period = pattern.period ?? N;
  const r = p % period;
  if (pattern.at) return pattern.at.includes(r);
  const d = r - (pattern.start ?? 0);
  const step = pattern.step ?? 1;
  return d >= 0 && d % step === 0 && d / step < (pattern.count ?? 1);
}

/** Everything about sources: engines, W, M. Throws BadProgram where the partition is an error. */
export function known(raw: RawPartition): Known {
  const N = raw.machine.period;
  const names = Object.values(raw.machine.markers);
  const engines = new Map<number, ReferenceEngine>();
  let [warmup, superPeriod, complete] = [0, 1, true];
  const lcm = (m: number): void => {
    if (superPeriod <= raw.maxPeriods) superPeriod = (superPeriod / gcd(superPeriod, m)) * m;
  };
  for (const [e, program] of Object.entries(raw.sequences)) {
    if (program.words.some((w) => Math.floor(w / 2 ** 29) === 3)) continue;
    let start = program.start;
    if (start === 'any') {
      const w = program.words[0] as number;
      const slow = Math.floor(w / 2 ** 29) === 2 && w % 4096 > 0 && names[Math.floor(w / 65536) % 16] === N;
      if (!slow) continue;
      start = 0;
    }
    const run = runReference(program.words, names, N, start, raw.maxPeriods);
    engines.set(Number(e), run);
    complete &&= run.complete;
    warmup = Math.max(warmup, run.warmup);
    lcm(run.superPeriod);
  }
  const runs = typeof raw.beam === 'object' && 'runs' in raw.beam ? raw.beam.runs : [];
  for (const pattern of [...Object.values(raw.codes).flat(), ...runs])
    lcm((pattern.period ?? N) / gcd(pattern.period ?? N, N));
  if (complete && warmup + superPeriod <= raw.maxPeriods) return { engines, warmup, superPeriod, complete };
  return { engines, warmup: 0, superPeriod: raw.maxPeriods, complete: false };
}

/** Whether anything in the partition can make a code, and what. */
function codeFires(raw: RawPartition, sources: Known, code: number): ((p: number) => boolean) | null {
  if (code > 287) return () => false;
  const patterns = raw.codes[code];
  if (patterns) return (p) => patterns.some((pattern) => matches(pattern, p, raw.machine.period));
  for (const [e, engine] of sources.engines) {
    const bit = code - 256 - 4 * e;
    if (bit >= 0 && bit < 4) return (p) => ((engine.words[p] as number) >> bit) % 2 === 1;
  }
  return null;
}

export function rate(raw: RawPartition, sources: Known, group: RawGroup): { known: boolean; fires: Fires } {
  if (group.fixed !== undefined) {
    const interval = raw.machine.markers[group.fixed] as number;
    return { known: true, fires: (p) => p % interval === 0 };
  }
  if (group.ac !== undefined) {
    const [divisor, slots] = [DIVISOR[group.ac] as number, group.slots ?? []];
    return {
      known: false,
      fires: (_, { mains }) => mains !== null && mains[0] % divisor === 0 && slots.includes(mains[1]),
    };
  }
  const code = group.eventcode as number;
  const made = codeFires(raw, sources, code);
  return made ? { known: true, fires: made } : { known: false, fires: (_, { codes }) => codes.get(code) === true };
}

export function beamAt(raw: RawPartition, p: number): number | null | 'unknown' {
  const { beam } = raw;
  if (beam === 'unknown' || beam === 'none') return beam === 'none' ? null : 'unknown';
  if ('always' in beam) return beam.always;
  return beam.runs.find((run) => matches(run, p, raw.machine.period))?.dest ?? null;
}

/** All states of one pulse. */
function statesAt(raw: RawPartition, sources: Known, p: number): State[] {
  const groups = Object.values(raw.groups);
  const beam = beamAt(raw, p);
  const beams = beam === 'unknown' ? [null, ...Array.from({ length: 16 }, (_, d) => d)] : [beam];
  const mains: (readonly [number, number] | null)[] = [null];
  if (groups.some((g) => g.ac !== undefined) && p % raw.machine.acBoundary === 0) {
    for (let cycle = 0; cycle < 120; cycle++) for (let slot = 1; slot <= 6; slot++) mains.push([cycle, slot]);
  }
  const unknown = [
    ...new Set(
      groups.flatMap((g) => (g.eventcode !== undefined && !codeFires(raw, sources, g.eventcode) ? [g.eventcode] : [])),
    ),
  ];
  let codes: Map<number, boolean>[] = [new Map()];
  for (const code of unknown)
    codes = codes.flatMap((map) => [new Map(map).set(code, false), new Map(map).set(code, true)]);
  return beams.flatMap((b) => mains.flatMap((a) => codes.map((x) => ({ beam: b, mains: a, codes: x }))));
}

/** Masks that the states of one pulse can produce. */
export function possibleMasks(raw: RawPartition, sources: Known, p: number, memo: Map<string, number[]>): number[] {
  const entries = Object.entries(raw.groups).map(([g, group]) => ({
    g: Number(g),
    group,
    ...rate(raw, sources, group),
  }));
  const empty: State = { beam: null, mains: null, codes: new Map() };
  const key = [
    beamAt(raw, p),
    p % raw.machine.acBoundary === 0,
    ...entries.map((e) => (e.known ? e.fires(p, empty) : '?')),
  ].join();
  const before = memo.get(key);
  if (before) return before;
  const masks = new Set<number>();
  for (const state of statesAt(raw, sources, p)) {
    let mask = 0;
    for (const { g, group, fires } of entries) {
      if (raw.autoCommon && g === raw.common) continue;
      const dest = (group.dest ?? []).filter((d) => d !== 15);
      const open = (group.dest ?? []).length === 0 || (state.beam !== null && dest.includes(state.beam));
      if (open && fires(p, state)) mask |= 1 << g;
    }
    if (raw.autoCommon && mask !== 0) mask |= 1 << raw.common;
    masks.add(mask);
  }
  memo.set(key, [...masks]);
  return [...masks];
}

export function groupKnown(raw: RawPartition, sources: Known, group: RawGroup): boolean {
  const dest = group.dest ?? [];
  const beamKnown = raw.beam !== 'unknown' || dest.length === 0 || dest.every((d) => d === 15);
  return rate(raw, sources, group).known && beamKnown;
}

/** Sum, sumMax, first, last, steps of the pulses from..to-1. */
export function statistics(certain: readonly number[], possible: number, isKnown: boolean) {
  const steps = certain.slice(1).map((p, i) => p - (certain[i] as number));
  const few = !isKnown || certain.length === 0;
  return {
    sum: certain.length,
    sumMax: possible,
    first: few ? null : (certain[0] as number),
    last: few ? null : (certain[certain.length - 1] as number),
    minIntv: few || steps.length === 0 ? null : Math.min(...steps),
    maxIntv: few || steps.length === 0 ? null : Math.max(...steps),
  };
}

export interface Found {
  pulses: { certain: number; possible: number };
  first: number | null;
  firstPossible: number | null;
  groups: Record<
    string,
    { certain: number; possible: number; first: number | null; firstPossible: number | null; acSlots?: number }
  >;
}

export function phaseViolations(
  raw: RawPartition,
  indices: readonly number[],
  pulses: readonly number[][],
  from: number,
  to: number,
): Found {
  const found: Found = { pulses: { certain: 0, possible: 0 }, first: null, firstPossible: null, groups: {} };
  for (const g of indices) {
    if (g === raw.common) continue;
    const slots = slotsOutside(raw, g);
    found.groups[g] = {
      certain: 0,
      possible: 0,
      first: null,
      firstPossible: null,
      ...(slots === null ? {} : { acSlots: slots }),
    };
  }
  for (let p = from; p < to; p++) {
    let [anyCertain, anyPossible] = [false, false];
    for (const [g, entry] of Object.entries(found.groups)) {
      const violating = (pulses[p] as number[]).map(
        (mask) => ((mask >> Number(g)) & 1) === 1 && ((mask >> raw.common) & 1) === 0,
      );
      if (violating.every(Boolean)) {
        entry.certain++;
        entry.first ??= p;
        anyCertain = true;
      }
      if (violating.some(Boolean)) {
        entry.possible++;
        entry.firstPossible ??= p;
        anyPossible = true;
      }
    }
    if (anyCertain) {
      found.pulses.certain++;
      found.first ??= p;
    }
    if (anyPossible) {
      found.pulses.possible++;
      found.firstPossible ??= p;
    }
  }
  return found;
}

function slotsOutside(raw: RawPartition, g: number): number | null {
  const [group, common] = [raw.groups[g], raw.groups[raw.common]];
  if (raw.autoCommon || group?.ac === undefined || common?.ac === undefined) return null;
  const inside = (r: RawGroup, cycle: number, slot: number): boolean =>
    cycle % (DIVISOR[r.ac as string] as number) === 0 && (r.slots ?? []).includes(slot);
  let count = 0;
  for (let cycle = 0; cycle < 120; cycle++) {
    for (let slot = 1; slot <= 6; slot++) if (inside(group, cycle, slot) && !inside(common, cycle, slot)) count++;
  }
  return count;
}
