/** What the command line says, as values. */

import { UsageError } from '../errors.ts';
import type { Overrides } from './overrides.ts';
import type { Pace } from './pacer.ts';
import { EXPERIMENT } from './read-run.ts';

/** The flags that change a description. */
export interface RunFlags {
  events?: number | undefined;
  steps?: number | undefined;
  seed?: number | undefined;
  group?: readonly string[] | undefined;
  exp?: string | undefined;
  run?: number | undefined;
  streams?: number | undefined;
  'event-built'?: boolean | undefined;
  partition?: number | undefined;
}

const MAX_PARTITION = 7;

/** @throws UsageError */
export function overridesOf(flags: RunFlags): Overrides {
  const { events, steps, seed, exp, run, streams, partition } = flags;
  if (exp !== undefined && !EXPERIMENT.pattern.test(exp)) {
    throw new UsageError(`--exp must be ${EXPERIMENT.what}, not "${exp}"`);
  }
  if (partition !== undefined && partition > MAX_PARTITION) {
    throw new UsageError(`-p ${partition}: the partition is its common readout group, 0 to ${MAX_PARTITION}`);
  }
  const groups = flags.group && Object.fromEntries(flags.group.map(groupRate));
  const given = { experiment: exp, run, seed, events, steps, streams, partition, groups };
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(flags['event-built'] ? { eventBuilt: true } : {}),
  };
}

function groupRate(text: string): [string, string] {
  const parts = /^([0-7])=(.+)$/.exec(text);
  if (!parts) throw new UsageError(`--group must be N=RATE with a group 0 to 7, for example 1=10.2Hz, not "${text}"`);
  return [parts[1]!, parts[2]!];
}

/** @throws UsageError if the rate is no positive number */
export function paceOf({ rate, realtime }: { rate?: string | undefined; realtime: boolean }): Pace | undefined {
  if (realtime) return { kind: 'realtime' };
  if (rate === undefined) return undefined;
  const hz = Number(rate);
  if (rate.trim() === '' || !Number.isFinite(hz) || hz <= 0) {
    throw new UsageError(`--rate must be a number of events per second above 0, not "${rate}"`);
  }
  return { kind: 'rate', hz };
}
