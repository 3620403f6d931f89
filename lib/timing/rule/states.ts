import { MAINS_CYCLES, MAINS_SLOTS } from '../machine.ts';
import { GROUPS, type Group } from '../partition.ts';
import type { Plan } from '../pulse/plan.ts';

/** What each value of the candidate mask means, over all unknown states (spec timing 13.2); bits are groups. */
export interface RuleTable {
  /** Groups that fire in every state. */
  readonly fires: Uint8Array;
  /** Groups that fire in some state. */
  readonly mayFire: Uint8Array;
  readonly certain: Uint8Array;
  readonly possible: Uint8Array;
}

const ALL = 0xff;
const BEAM_STATES = 17;

/** Builds the 256 entries for a plan. */
export function ruleTable(plan: Plan): RuleTable {
  return tableFor(openMasks(plan), plan.partition.common, plan.inUse, plan.partition.autoCommon);
}

/** The table when everything is known: masks of recorded pulses, accepted pulses. */
export function plainTable(common: number, inUse: number): RuleTable {
  return tableFor([ALL], common, inUse, false);
}

function tableFor(open: readonly number[], common: number, inUse: number, autoCommon: boolean): RuleTable {
  const table: RuleTable = {
    fires: new Uint8Array(256),
    mayFire: new Uint8Array(256),
    certain: new Uint8Array(256),
    possible: new Uint8Array(256),
  };
  const commonBit = 1 << common;
  const others = inUse & ~commonBit;
  for (let candidates = 0; candidates < 256; candidates++) {
    let fires = ALL;
    let mayFire = 0;
    let certain = ALL;
    let possible = 0;
    for (const mask of open) {
      let fired = candidates & mask & inUse;
      if (autoCommon) fired = fired & others ? fired | commonBit : 0;
      const violating = fired & commonBit ? 0 : fired & others;
      fires &= fired;
      mayFire |= fired;
      certain &= violating;
      possible |= violating;
    }
    // An automatic common group counts as the union of what the others do for certain (spec timing 13.3).
    if (autoCommon && fires & others) fires |= commonBit;
    table.fires[candidates] = fires;
    table.mayFire[candidates] = mayFire;
    table.certain[candidates] = certain;
    table.possible[candidates] = possible;
  }
  return table;
}

/** Every mask of groups that some state leaves open; groups that are fully known are open in all of them. */
export function openMasks(plan: Plan): number[] {
  const rates = combine(codeMasks(plan), mainsMasks(plan.mains));
  return combine(rates, beamMasks(plan));
}

function combine(a: readonly number[], b: readonly number[]): number[] {
  const all = new Set<number>();
  for (const x of a) for (const y of b) all.add(x & y);
  return [...all];
}

/** Each unknown code is 0 or 1, the same for all groups that use it. */
function codeMasks(plan: Plan): number[] {
  let masks = [ALL];
  for (const groups of plan.unknownRates.values()) masks = masks.flatMap((mask) => [mask, mask & ~groups]);
  return masks;
}

function mainsMasks(mains: readonly Group[]): number[] {
  let none = ALL;
  for (const group of mains) none &= ~(1 << group.index);
  const masks = new Set([none]);
  if (mains.length === 0) return [...masks];
  const tables = mains.map((group) => ({ bit: 1 << group.index, slots: mainsSlots(group) }));
  for (let state = 0; state < MAINS_CYCLES * MAINS_SLOTS; state++) {
    let mask = none;
    for (const { bit, slots } of tables) if (slots[state]) mask |= bit;
    masks.add(mask);
  }
  return [...masks];
}

/** The 720 mains states (cycle x 6 + slot - 1) in which a mains group fires. */
export function mainsSlots(group: Group): Uint8Array {
  const states = new Uint8Array(MAINS_CYCLES * MAINS_SLOTS);
  if (group.select?.kind !== 'mains') return states;
  const { rate, slots } = group.select;
  for (let cycle = 0; cycle < MAINS_CYCLES; cycle += rate.divisor) {
    for (const slot of slots) states[cycle * MAINS_SLOTS + slot - 1] = 1;
  }
  return states;
}

/** With an unknown beam, the groups open for no beam and for each of the 16 destinations. */
function beamMasks(plan: Plan): number[] {
  if (plan.partition.beam.kind !== 'unknown') return [ALL];
  const masks = new Set<number>();
  for (let state = 0; state < BEAM_STATES; state++) {
    let mask = ALL;
    for (const group of plan.partition.groups) {
      const open = group.destinations === null || (state > 0 && (group.destinations >> (state - 1)) & 1);
      if (!open) mask &= ~(1 << group.index);
    }
    masks.add(mask);
  }
  return [...masks];
}

/** Mains states of g that are not in c's; undefined unless both wait for mains (spec timing 13.2). */
export function mainsSlotsOutside(plan: Plan, g: number): number | undefined {
  const { partition } = plan;
  const group = plan.mains.find((m) => m.index === g);
  const common = plan.mains.find((m) => m.index === partition.common);
  if (!group || !common || partition.autoCommon || g >= GROUPS) return undefined;
  const outside = mainsSlots(common);
  return mainsSlots(group).reduce((n, fires, state) => n + (fires && !outside[state] ? 1 : 0), 0);
}
