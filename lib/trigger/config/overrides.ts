/** Parts of the configuration that the command line says instead: `--meb`, `--reserve`, `--mon-throttle`. */

import { UsageError } from '../../errors.ts';
import type { MebConfig, TriggerConfig } from '../types.ts';
import { LIMIT } from '../wire/layout.ts';
import { noteEmptyGroup } from './read.ts';

const MAX_BUFFERS = 0xff_ffff;

export interface Overrides {
  /** `ID:N[:ALIAS]`; if there are any, they replace the configured monitors. */
  meb?: readonly string[] | undefined;
  /** `ROG:N`; each replaces the configured number of its group. */
  reserve?: readonly string[] | undefined;
  monThrottle?: number | undefined;
  skewTicks?: number | undefined;
}

/**
 * The configuration with what the command line says.
 * @throws UsageError that quotes the flag
 */
export function withOverrides(
  config: TriggerConfig,
  { meb, reserve, monThrottle, skewTicks }: Overrides,
): TriggerConfig {
  const notes = [...config.notes];
  const reserved = [...config.reserved];
  for (const text of reserve ?? []) {
    const parts = /^(\d+):(\d+)$/.exec(text);
    const [group, count] = [Number(parts?.[1]), Number(parts?.[2])];
    if (!parts || group >= LIMIT.groups || count > MAX_BUFFERS) {
      throw new UsageError(`--reserve ${text}: write ROG:N with a readout group 0 to ${LIMIT.groups - 1}`);
    }
    reserved[group] = count;
    noteEmptyGroup(group, count, config.drps, notes);
  }
  return {
    ...config,
    mebs: meb && meb.length > 0 ? monitorsOf(meb) : config.mebs,
    reserved,
    monThrottle: monThrottle ?? config.monThrottle,
    skewTicks: skewTicks ?? config.skewTicks,
    notes,
  };
}

function monitorsOf(texts: readonly string[]): MebConfig[] {
  const mebs: MebConfig[] = [];
  for (const text of texts) {
    const parts = /^(\d+):(\d+)(?::(.+))?$/.exec(text);
    const [id, buffers] = [Number(parts?.[1]), Number(parts?.[2])];
    if (!parts || id >= LIMIT.mebs || buffers > MAX_BUFFERS) {
      throw new UsageError(`--meb ${text}: write ID:N or ID:N:ALIAS with ID 0 to ${LIMIT.mebs - 1} and N buffers`);
    }
    const alias = parts[3] ?? `meb${id}`;
    const twin = mebs.find((other) => other.id === id || other.alias === alias);
    if (twin) throw new UsageError(`--meb ${text}: monitor ${twin.id} "${twin.alias}" is there already`);
    mebs.push({ id, alias, buffers });
  }
  return mebs.sort((a, b) => a.id - b.id);
}
