import { DaqError } from '../errors.ts';

/** A number of pulses (fiducials) of the timing system; pulse 0 is a slow marker. */
export type Ticks = number;

export interface Marker {
  /** Position in the frame's marker bits, the number a sequence program uses. */
  readonly index: number;
  /** Label in the configuration database. */
  readonly name: string;
  /** Every spelling that means this marker: enum, script, screen and old labels. */
  readonly labels: readonly string[];
  readonly interval: Ticks;
}

/** A division of the 60 Hz mains cycle. */
export interface MainsRate {
  readonly index: number;
  readonly name: string;
  readonly labels: readonly string[];
  /** Selected cycles are those with cycle mod divisor = 0. */
  readonly divisor: number;
}

export interface Machine {
  readonly name: 'sc' | 'ued' | 'custom';
  /** Ticks between two slow markers; every marker interval divides it. */
  readonly period: Ticks;
  readonly tickHz: number;
  readonly markers: readonly Marker[];
  readonly mains: readonly MainsRate[];
  /** Mains slots are released only on multiples of this (13 on sc). */
  readonly mainsBoundary: Ticks;
}

/** Mains cycles and slots after which every mains rate repeats (2 s). */
export const MAINS_CYCLES = 120;
export const MAINS_SLOTS = 6;

/** Marker numbers of the frame without a definition on the superconducting machine. */
export const UNDEFINED_MARKERS = [8, 9];

const marker = (index: number, interval: number, ...labels: string[]): Marker => ({
  index,
  name: labels[0] as string,
  labels,
  interval,
});
const rate = (index: number, divisor: number, ...labels: string[]): MainsRate => ({
  index,
  name: labels[0] as string,
  labels,
  divisor,
});

const SC_MAINS: readonly MainsRate[] = [
  rate(0, 120, '0_5Hz', '0.5Hz', '0.5H'),
  rate(1, 60, '1Hz', '1H'),
  rate(2, 12, '5Hz', '5H'),
  rate(3, 6, '10Hz', '10H'),
  rate(4, 2, '30Hz', '30H'),
  rate(5, 1, '60Hz', '60H'),
];

/** Superconducting linac, order of 2022-12 with index 7 of 2026-07 (spec timing 1.2). */
export const SC: Machine = {
  name: 'sc',
  period: 910000,
  tickHz: 13e6 / 14,
  markers: [
    marker(0, 910000, '1Hz', '1H', '1.02Hz', '1_02Hz'),
    marker(1, 91000, '10Hz', '10H', '10.2Hz', '10_2Hz'),
    marker(2, 9100, '100Hz', '100H', '102Hz'),
    marker(3, 910, '1kHz', '1kH', '1.02kHz', '1_02kHz'),
    marker(4, 91, '10kHz', '10kH', '10.2kHz', '10_2kHz'),
    marker(5, 13, '71kHz', '70kH', '71.4kHz', '71_4kHz'),
    marker(6, 1, '929kHz', '910kH'),
    marker(7, 26, '35kHz', '35kH'),
  ],
  mains: SC_MAINS,
  mainsBoundary: 13,
};

/** 500 kHz machine (spec timing 1.4). */
export const UED: Machine = {
  name: 'ued',
  period: 500000,
  tickHz: 500000,
  markers: [
    marker(0, 1, '500kHz', '500kH'),
    marker(1, 5, '100kHz', '100kH'),
    marker(2, 10, '50kHz', '50kH'),
    marker(3, 50, '10kHz', '10kH'),
    marker(4, 100, '5kHz', '5kH'),
    marker(5, 500, '1kHz', '1kH'),
    marker(6, 1000, '500Hz', '500H'),
    marker(7, 500000, '1Hz', '1H'),
  ],
  mains: [...SC_MAINS].reverse().map((r, index) => ({ ...r, index })),
  mainsBoundary: 1,
};

/** A machine by its marker table; mains rates as on sc. Throws `timing-partition` if an interval does not divide the period. */
export function customMachine(
  period: Ticks,
  tickHz: number,
  intervals: ReadonlyMap<string, Ticks>,
  mainsBoundary: Ticks,
): Machine {
  const markers: Marker[] = [];
  for (const [name, interval] of intervals) {
    if (!Number.isInteger(interval) || interval < 1 || period % interval !== 0) {
      throw new DaqError(
        'timing-partition',
        `Marker ${name}: interval ${interval} does not divide the period ${period}.`,
      );
    }
    markers.push(marker(markers.length, interval, name));
  }
  return { name: 'custom', period, tickHz, markers, mains: SC_MAINS, mainsBoundary };
}

export function markerNamed(machine: Machine, label: string): Marker | undefined {
  return machine.markers.find((m) => m.labels.includes(label));
}

export function mainsNamed(machine: Machine, label: string): MainsRate | undefined {
  return machine.mains.find((r) => r.labels.includes(label));
}

/** Destination ids by name (spec timing 4); 15 ("keep") cannot be selected and has no name here. */
export const DESTINATIONS: Readonly<Record<string, number>> = {
  Laser: 0,
  Diag0: 1,
  BsyDump: 2,
  HardXRay: 3,
  SoftXRay: 4,
  Lesa: 5,
};

export function destinationName(id: number): string {
  return Object.keys(DESTINATIONS).find((name) => DESTINATIONS[name] === id) ?? `destination ${id}`;
}
