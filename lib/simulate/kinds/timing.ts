/** The timing detector: what the timing system says about each pulse (spec timing.md, section 11.7). */

import { MARKERS } from '../clock.ts';
import type { Content } from '../content.ts';
import { field } from '../fields.ts';
import { constantOf, PULSE_ID, TIMESTAMP } from '../generators/numbers.ts';
import { type DetectorKind, V2 } from './kind.ts';

const MARKER_BITS = 10;
/** Marker intervals by index in the frame: 1 Hz first, 35 kHz in place 7. */
const INTERVALS = [910_000, 91_000, 9_100, 910, 91, 13, 1, 26];

/** Ten marker bits, the highest first, as recorded. */
const FIXED_RATES: Content = {
  generator: 'markers',
  params: {},
  type: 'UINT8',
  ranks: 'array',
  direct: () => (_bytes, view, at, moment) => {
    for (let index = 0; index < MARKER_BITS; index++) {
      const interval = INTERVALS[index];
      view.setUint8(at + MARKER_BITS - 1 - index, interval !== undefined && moment.pulseId % interval === 0 ? 1 : 0);
    }
  },
};

const zeros = (elements: number, type: 'UINT8' | 'UINT16' | 'UINT32') =>
  field('', constantOf(0, type), { shape: [elements] });

export const timing: DetectorKind = {
  name: 'timing',
  summary: 'timing system: raw.pulseId, timeStamp, fixedRates and the other words of the frame',
  keys: '',
  type: 'ts',
  read() {
    return {
      params: {},
      blocks: [
        {
          alg: 'raw',
          version: V2,
          fields: [
            field('pulseId', PULSE_ID),
            field('timeStamp', TIMESTAMP),
            field('fixedRates', FIXED_RATES, { shape: [MARKER_BITS] }),
            { ...zeros(6, 'UINT8'), name: 'acRates' },
            field('timeSlot', constantOf(0, 'UINT8')),
            field('beamPresent', constantOf(1, 'UINT8')),
            field('destination', constantOf(4, 'UINT8')),
            { ...zeros(18, 'UINT16'), name: 'sequenceValues' },
            { ...zeros(8, 'UINT32'), name: 'inhibitCounts' },
          ],
        },
      ],
      config: [field('markers', constantOf(MARKERS.length, 'UINT32'))],
    };
  },
};
