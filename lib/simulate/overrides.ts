/** What the command line changes in a description, before it is checked. */

import { UsageError } from '../errors.ts';

export interface Overrides {
  experiment?: string;
  run?: number;
  seed?: number;
  events?: number;
  /** Number of steps; motors stay. */
  steps?: number;
  streams?: number;
  eventBuilt?: boolean;
  /** Rates by group; others stay. */
  groups?: Readonly<Record<string, unknown>>;
  /** Number of the partition: the common group gets this number. */
  partition?: number;
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The description with the overrides in it.
 * @throws UsageError if the partition number is that of another readout group
 */
export function withOverrides(description: Mapping, overrides: Overrides): Mapping {
  const { steps, groups, partition, ...plain } = overrides;
  let result: Mapping = { ...description, ...plain };
  if (partition !== undefined) result = renumber(result, partition);
  if (steps !== undefined)
    result = { ...result, steps: isMapping(result.steps) ? { ...result.steps, count: steps } : steps };
  if (groups !== undefined) {
    const before = isMapping(result.groups) ? result.groups : { [String(result.partition ?? 0)]: '102Hz' };
    result = { ...result, groups: { ...before, ...groups } };
  }
  return result;
}

/** Moves the common group, and every detector in it, to the number of the partition. */
function renumber(description: Mapping, partition: number): Mapping {
  const before = description.partition ?? 0;
  const moved = { ...description, partition };
  if (before === partition) return moved;
  const { groups, detectors } = description;
  if (isMapping(groups) && Object.hasOwn(groups, String(partition))) {
    throw new UsageError(
      `-p ${partition}: the description has a readout group ${partition} beside its common group ${String(before)}`,
    );
  }
  return {
    ...moved,
    ...(isMapping(groups)
      ? {
          groups: Object.fromEntries(
            Object.entries(groups).map(([key, rate]) => [key === String(before) ? String(partition) : key, rate]),
          ),
        }
      : {}),
    ...(Array.isArray(detectors)
      ? {
          detectors: detectors.map((detector: unknown) =>
            isMapping(detector) && detector.group === before ? { ...detector, group: partition } : detector,
          ),
        }
      : {}),
  };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
