/** The accepted pass by brute force: every inhibit looks back over all accepted pulses (spec timing 13.4). */

import type { RawPartition } from './random-partition.ts';
import {
  beamAt,
  type Found,
  type Known,
  phaseViolations,
  possibleMasks,
  rate,
  type State,
  statistics,
} from './reference-states.ts';

export interface Accepted {
  readonly window: { warmup: number; superPeriod: number; complete: boolean };
  readonly groups: Record<string, { transient: unknown; steady: unknown }>;
  readonly violations: { transient: Found; steady: Found };
}

/** Accepted pulses by group from pulse 0 to the limit, and the window found from the histories at the boundaries. */
export function acceptedReference(raw: RawPartition, sources: Known, indices: readonly number[]): Accepted {
  const N = raw.machine.period;
  const ticks = raw.maxPeriods * N;
  const history = new Map(indices.map((g): [number, number[]] => [g, []]));
  const masks: number[][] = [];
  const isInhibited = (g: number, p: number): boolean =>
    (raw.inhibits[g] ?? []).some(
      ({ interval, limit }) => (history.get(g) ?? []).filter((a) => a >= p - interval + 1 && a < p).length >= limit,
    );
  const memo = new Map<string, number[]>();
  for (let p = 0; p < ticks; p++) {
    const [fired] = possibleMasks(raw, sources, p, memo) as [number];
    let mask = 0;
    for (const g of indices) {
      if (g === raw.common && raw.autoCommon) continue;
      if ((fired >> g) & 1 && !isInhibited(g, p)) mask |= 1 << g;
    }
    const own = raw.groups[raw.common];
    if (raw.autoCommon && mask !== 0) {
      const dest = own?.dest ?? [];
      const beam = beamAt(raw, p);
      const open = dest.length === 0 || (typeof beam === 'number' && beam !== 15 && dest.includes(beam));
      const state: State = { beam: null, mains: null, codes: new Map() };
      const selected = own !== undefined && open && rate(raw, sources, own).fires(p, state);
      if (!(selected && isInhibited(raw.common, p))) mask |= 1 << raw.common;
    }
    for (const g of indices) if ((mask >> g) & 1) keep(history.get(g) as number[], p);
    masks.push([mask]);
  }
  const window = acceptedWindow(raw, sources, masks);
  const split = window.warmup * N;
  const end = split + window.superPeriod * N;
  const phase = (g: number, from: number, to: number) => {
    const list: number[] = [];
    for (let p = from; p < to; p++) if (((masks[p] as number[])[0] as number) & (1 << g)) list.push(p);
    return statistics(list, list.length, true);
  };
  const groups = Object.fromEntries(
    indices.map((g) => [g, { transient: phase(g, 0, split), steady: phase(g, split, end) }]),
  );
  const plain = { ...raw, autoCommon: true };
  return {
    window,
    groups,
    violations: {
      transient: phaseViolations(plain, indices, masks, 0, split),
      steady: phaseViolations(plain, indices, masks, split, end),
    },
  };
}

/** Only the last 4096 ticks can matter. */
function keep(list: number[], p: number): void {
  list.push(p);
  while ((list[0] as number) < p - 4096) list.shift();
}

function acceptedWindow(raw: RawPartition, sources: Known, masks: readonly number[][]) {
  const N = raw.machine.period;
  const none = { warmup: 0, superPeriod: raw.maxPeriods, complete: false };
  if (!sources.complete) return none;
  const seen = new Map<string, number>();
  for (let k = sources.warmup; k <= raw.maxPeriods; k += sources.superPeriod) {
    const distances = Object.entries(raw.inhibits).map(([g, list]) => {
      const reach = Math.max(...list.map((inhibit) => inhibit.interval)) - 1;
      const found: number[] = [];
      for (let d = 1; d <= reach && k * N - d >= 0; d++)
        if (((masks[k * N - d] as number[])[0] as number) & (1 << Number(g))) found.push(d);
      return found;
    });
    const key = JSON.stringify(distances);
    const before = seen.get(key);
    if (before !== undefined) return { warmup: before, superPeriod: k - before, complete: true };
    seen.set(key, k);
  }
  return none;
}
