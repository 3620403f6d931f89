import { DESTINATIONS, type Machine, type MainsRate, mainsNamed, markerNamed, UNDEFINED_MARKERS } from '../machine.ts';
import type { Group, Select, Warning } from '../partition.ts';
import type { Field } from './field.ts';

const RATE_KEYS = ['fixed', 'ac', 'eventcode', 'sequence'];
const KEYS = [...RATE_KEYS, 'slots', 'dest', 'l0Delay', 'keepRawRate'];
const UNREACHABLE = 15;

/** A SELECT of spec timing 12 with what is worth saying about it. */
export function readGroupSelect(field: Field, index: number, machine: Machine): { group: Group; warnings: Warning[] } {
  field.members(KEYS);
  const given = RATE_KEYS.filter((key) => field.at(key).present);
  if (given.length !== 1)
    field.fail(`expected exactly one of ${RATE_KEYS.join(', ')}, found ${given.join(' and ') || 'none'}`);
  if (field.at('slots').present && given[0] !== 'ac') field.at('slots').fail('slots belong to "ac"');
  const warnings: Warning[] = [];
  const select = readSelect(field, index, machine, warnings);
  const destinations = readDestinations(field.at('dest'), index, warnings);
  const group: Group = {
    index,
    select,
    destinations,
    detectors: [],
    ...(field.at('l0Delay').present ? { l0Delay: field.at('l0Delay').number() } : {}),
    ...(field.at('keepRawRate').present ? { keepRawRate: field.at('keepRawRate').number() } : {}),
  };
  return { group, warnings };
}

function readSelect(field: Field, index: number, machine: Machine, warnings: Warning[]): Select {
  if (field.at('fixed').present) return readFixed(field.at('fixed'), index, machine, warnings);
  if (field.at('ac').present) return readMains(field, index, machine, warnings);
  if (field.at('eventcode').present) return { kind: 'code', code: field.at('eventcode').integer(0, 0xffff) };
  const [word, bit, ...more] = field.at('sequence').items();
  if (!word || !bit || more.length > 0) throw field.at('sequence').fail('expected [word, bit]');
  return sequenceSelect(word.integer(0, 0xffff), bit.integer(0, 15));
}

/** "Sequence" (word, bit) is event code 16 x word + bit. */
export function sequenceSelect(word: number, bit: number): Select {
  return { kind: 'code', code: 16 * word + bit, sequence: [word, bit] };
}

function readFixed(field: Field, index: number, machine: Machine, warnings: Warning[]): Select {
  if (typeof field.value !== 'number') return fixedByLabel(field, field.text(), machine);
  const number = field.integer(0, Math.max(...UNDEFINED_MARKERS, machine.markers.length - 1));
  warnings.push(...numericWarnings(machine, index, `Group ${index}: marker ${number}`));
  return fixedByIndex(number, machine);
}

export function fixedByLabel(field: Field, label: string, machine: Machine): Select {
  const marker = markerNamed(machine, label);
  if (!marker)
    field.fail(
      `${JSON.stringify(label)} is no marker of machine ${machine.name} (${machine.markers.map((m) => m.name).join(', ')})`,
    );
  return { kind: 'fixed', label: marker.name, interval: marker.interval };
}

export function fixedByIndex(index: number, machine: Machine): Select {
  const marker = machine.markers[index];
  return marker ? { kind: 'fixed', label: marker.name, interval: marker.interval } : { kind: 'undefinedMarker', index };
}

/** The order of marker numbers has changed: a number without its enum is a guess (spec timing 1.3, 1.4). */
export function numericWarnings(machine: Machine, group: number | null, what: string): Warning[] {
  const text = `${what} is given by number; read in the present order. Before 2022-12 the order was the reverse.`;
  const warnings: Warning[] = [{ code: 'numeric-marker', group, text }];
  if (machine.name === 'ued') {
    warnings.push({
      code: 'ued-order',
      group,
      text: `${what}: the order of numbers on this machine is contradictory upstream.`,
    });
  }
  return warnings;
}

function readMains(field: Field, index: number, machine: Machine, warnings: Warning[]): Select {
  const ac = field.at('ac');
  const rate =
    typeof ac.value === 'number'
      ? machine.mains[ac.integer(0, machine.mains.length - 1)]
      : mainsNamed(machine, ac.text());
  if (!rate)
    throw ac.fail(`${JSON.stringify(ac.value)} is no mains rate (${machine.mains.map((r) => r.name).join(', ')})`);
  if (typeof ac.value === 'number')
    warnings.push(...numericWarnings(machine, index, `Group ${index}: mains rate ${ac.value}`));
  const slots = field.at('slots').present
    ? field
        .at('slots')
        .items()
        .map((slot) => slot.integer(1, 6))
    : [1, 2, 3, 4, 5, 6];
  return mainsSelect(rate, slots);
}

export function mainsSelect(rate: MainsRate, slots: readonly number[]): Select {
  return { kind: 'mains', rate, slots: [...new Set(slots)].sort((a, b) => a - b) };
}

/** Destination mask, or null for "do not care" (absent or empty). */
function readDestinations(field: Field, index: number, warnings: Warning[]): number | null {
  if (!field.present) return null;
  const ids = field.items().map(readDestination);
  return ids.length === 0 ? null : destinationMask(ids, index, warnings);
}

/** Bit 15 of the register is the don't-care flag, so that destination cannot be selected. */
export function destinationMask(ids: readonly number[], index: number, warnings: Warning[]): number {
  let mask = 0;
  for (const id of ids) {
    if (id !== UNREACHABLE) mask |= 1 << id;
    else
      warnings.push({
        code: 'dest15-unreachable',
        group: index,
        text: `Group ${index}: destination 15 cannot be selected.`,
      });
  }
  return mask;
}

export function readDestination(field: Field): number {
  if (typeof field.value === 'number') return field.integer(0, 15);
  const id = DESTINATIONS[field.text()];
  if (id === undefined)
    field.fail(`${JSON.stringify(field.value)} is no destination (${Object.keys(DESTINATIONS).join(', ')} or 0..15)`);
  return id;
}
