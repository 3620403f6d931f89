/** Who is expected for an event, and who gets its decision (spec teb.md, section 0): tables by readout groups, made once. */

import { SERVICE } from '../../xtc/service.ts';
import type { DrpConfig, TriggerConfig } from '../types.ts';
import { ENV, LIMIT } from '../wire/layout.ts';
import { maskOf } from '../wire/masks.ts';

const GROUP_SETS = 1 << LIMIT.groups;
const GROUPS_IN_USE = GROUP_SETS - 1;
/** Index of a source that is not configured. */
export const FOREIGN = -1;

/** Low and high words of a mask for each set of groups. */
interface MaskTable {
  low: Int32Array;
  high: Int32Array;
}

export class Contracts {
  readonly commonBit: number;
  /** Groups other than the common one that have sources. */
  readonly slowGroups: number;
  /** Source numbers of the contributors, ascending; the builder works with their indices. */
  readonly sources: readonly number[];
  readonly aliases: readonly string[];
  /** Everybody who gets transitions. */
  readonly allReceivers: { readonly low: number; readonly high: number };
  private readonly indices = new Int32Array(LIMIT.sources).fill(FOREIGN);
  /** Bit of the readout group, by index. */
  readonly groupBit: Int32Array;
  private readonly expected: MaskTable;
  private readonly informed: MaskTable;
  private readonly allSources: { low: number; high: number };

  constructor({ common, drps, contributors }: Pick<TriggerConfig, 'common' | 'drps' | 'contributors'>) {
    const contributing = drps.filter((drp) => contributors.includes(drp.id));
    this.commonBit = 1 << common;
    this.slowGroups = drps.reduce((groups, drp) => groups | (1 << drp.rog), 0) & ~this.commonBit;
    this.sources = contributing.map((drp) => drp.id);
    this.aliases = contributing.map((drp) => drp.alias);
    for (const [index, source] of this.sources.entries()) this.indices[source] = index;
    this.groupBit = Int32Array.from(contributing, (drp) => 1 << drp.rog);
    this.expected = tableOf(contributing);
    this.informed = tableOf(drps);
    this.allSources = maskOf(this.sources);
    this.allReceivers = maskOf(drps.map((drp) => drp.id));
  }

  /** Index of a source number; FOREIGN if it is not configured. */
  indexOf(source: number): number {
    return source < LIMIT.sources ? this.indices[source]! : FOREIGN;
  }

  /** Whether everybody contributes and is informed, whatever env says: transitions other than SlowUpdate. */
  static isBarrier(env: number): boolean {
    const service = (env >>> ENV.serviceShift) & 0xf;
    return service !== SERVICE.L1Accept && service !== SERVICE.SlowUpdate;
  }

  expectedLow(env: number): number {
    return Contracts.isBarrier(env) ? this.allSources.low : this.expected.low[env & GROUPS_IN_USE]!;
  }

  expectedHigh(env: number): number {
    return Contracts.isBarrier(env) ? this.allSources.high : this.expected.high[env & GROUPS_IN_USE]!;
  }

  receiversLow(env: number): number {
    return Contracts.isBarrier(env) ? this.allReceivers.low : this.informed.low[env & GROUPS_IN_USE]!;
  }

  receiversHigh(env: number): number {
    return Contracts.isBarrier(env) ? this.allReceivers.high : this.informed.high[env & GROUPS_IN_USE]!;
  }
}

function tableOf(drps: readonly DrpConfig[]): MaskTable {
  const low = new Int32Array(GROUP_SETS);
  const high = new Int32Array(GROUP_SETS);
  for (let groups = 0; groups < GROUP_SETS; groups++) {
    const mask = maskOf(drps.filter((drp) => groups & (1 << drp.rog)).map((drp) => drp.id));
    low[groups] = mask.low;
    high[groups] = mask.high;
  }
  return { low, high };
}
