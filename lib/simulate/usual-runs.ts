/** Runs that need no description. */

import { UsageError } from '../errors.ts';

/** What a newcomer gets: a digitiser and a gas monitor at 102 Hz, and two EPICS variables. */
export const DEFAULT_RUN: Readonly<Record<string, unknown>> = {
  experiment: 'tst000126',
  run: 1,
  seed: 1,
  events: 200,
  groups: { 0: '102Hz' },
  detectors: [
    { name: 'hsd', kind: 'waveform', samples: 256, pulses: 2 },
    { name: 'gmd', kind: 'gmd', mean: 1.5, sigma: 0.3 },
  ],
  epics: {
    pressure: { pv: 'SIM:VAC:GCC:01:PMON', generator: 'gaussian', mean: 2e-8, sigma: 1e-9 },
    operator: { pv: 'SIM:OPR:NAME', value: 'nobody' },
  },
};

/** Bytes of an event with one `bytes` detector and no data. */
const EMPTY_EVENT = 88;
const LARGEST = 0x4000_0000;

/**
 * A run in which every L1Accept has exactly `size` bytes.
 * @throws UsageError if that cannot be
 */
export function runOfSize(size: number): Readonly<Record<string, unknown>> {
  if (size < EMPTY_EVENT || size > LARGEST) {
    throw new UsageError(`--size ${size}: dgrams have ${EMPTY_EVENT} to ${LARGEST} bytes`);
  }
  return {
    events: 10_000,
    groups: { 0: '1.02kHz' },
    detectors: [{ name: 'bytes', kind: 'bytes', size: size - EMPTY_EVENT }],
  };
}
