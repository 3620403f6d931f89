import { destinationName } from '../machine.ts';
import type { Group, Partition } from '../partition.ts';
import { firstCode } from '../partition.ts';

/** The select of a group in words, for example `code 272 (engine 4 bit 0) to SoftXRay`. */
export function selectText(group: Group, partition: Partition): string {
  const rate = rateText(group, partition);
  if (partition.autoCommon && group.index === partition.common) {
    return group.select === null ? 'automatic common' : `automatic common (own select ${rate})`;
  }
  return rate + destinationText(group.destinations);
}

function rateText(group: Group, partition: Partition): string {
  const { select } = group;
  if (select === null) return 'no select';
  switch (select.kind) {
    case 'fixed':
      return `${select.label} (every ${select.interval === 1 ? 'tick' : `${select.interval} ticks`})`;
    case 'undefinedMarker':
      return `undefined marker ${select.index}`;
    case 'mains':
      return `mains ${select.rate.name} slots ${select.slots.join(',') || 'none'}`;
    case 'code':
      return `code ${select.code}${engineText(select.code, partition)}`;
  }
}

function engineText(code: number, partition: Partition): string {
  const index = code - firstCode(partition.engines, 0);
  if (index < 0 || index >= 4 * partition.engines) return '';
  return ` (engine ${index >> 2} bit ${index & 3})`;
}

function destinationText(destinations: number | null): string {
  if (destinations === null) return '';
  const names: string[] = [];
  for (let d = 0; d < 15; d++) if ((destinations >> d) & 1) names.push(destinationName(d));
  return names.length === 0 ? ' to no destination' : ` to ${names.join('|')}`;
}
