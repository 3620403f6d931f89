import type { Partition } from '../partition.ts';
import { ruleTable } from '../rule/states.ts';
import { finish } from '../steps.ts';
import { PeriodMasks } from './masks.ts';
import { makePlan } from './plan.ts';
import { findSources } from './source.ts';

/** Masks of the groups that may fire on each of the pulses from..to-1. */
export function masksBetween(partition: Partition, from: number, to: number): Uint8Array {
  const plan = makePlan(partition, finish(findSources(partition)));
  const { mayFire } = ruleTable(plan);
  const masks = new PeriodMasks(plan);
  const excerpt = new Uint8Array(to - from);
  const firstPeriod = Math.floor(from / plan.period);
  masks.enter(firstPeriod);
  for (let k = firstPeriod; k * plan.period < to; k++) {
    const mask = masks.paint(k);
    const base = k * plan.period;
    for (let p = Math.max(from, base); p < Math.min(to, base + plan.period); p++) {
      excerpt[p - from] = mayFire[mask[p - base] as number] as number;
    }
  }
  return excerpt;
}
