/** Kinds that deliver a few numbers per event. */

import { field } from '../fields.ts';
import { gaussianOf } from '../generators/chance.ts';
import { constantOf, counterOf, rampOf } from '../generators/numbers.ts';
import { type DetectorKind, V2 } from './kind.ts';
import { enumOf, OFF_ON } from './settings.ts';

const NO_RANGE = { min: 0 };

export const gmd: DetectorKind = {
  name: 'gmd',
  summary: 'gas monitor: raw.energy in mJ per pulse, and its position',
  keys: 'mean, sigma',
  type: 'simgmd',
  read(section) {
    const mean = section.number('mean', 1.5);
    const sigma = section.number('sigma', 0.3, NO_RANGE);
    return {
      params: { mean, sigma },
      blocks: [
        {
          alg: 'raw',
          version: V2,
          fields: [
            field('energy', gaussianOf(mean, sigma)),
            field('xpos', gaussianOf(0, 0.05)),
            field('ypos', gaussianOf(0, 0.05)),
          ],
        },
      ],
      config: [],
    };
  },
};

export const encoder: DetectorKind = {
  name: 'encoder',
  summary: 'position encoder: raw.position that moves back and forth, raw.frameCount, error counters',
  keys: 'from, to, events',
  type: 'simencoder',
  read(section) {
    const from = section.number('from', 0);
    const to = section.number('to', 10_000);
    const events = section.integer('events', 1000, 1, 0xffffffff);
    return {
      params: { from, to, events },
      blocks: [
        {
          alg: 'raw',
          version: V2,
          fields: [
            field('position', rampOf(from, to, events), { type: 'INT32' }),
            field('frameCount', counterOf(0, 1), { type: 'UINT16' }),
            field('encoderErrors', constantOf(0, 'UINT8')),
            field('missedTriggers', constantOf(0, 'UINT8')),
            field('latches', constantOf(0, 'UINT8')),
          ],
        },
      ],
      config: [field('scale', constantOf(1)), field('units', enumOf({ counts: 0, mm: 1, deg: 2 }, 'counts'))],
    };
  },
};

export const timetool: DetectorKind = {
  name: 'timetool',
  summary: 'arrival-time monitor: ttfex.ampl, fltpos, fltpos_ps, fltpos_fwhm, amplnxt, refampl',
  keys: 'position, jitter, psPerPixel',
  type: 'simtimetool',
  read(section) {
    const position = section.number('position', 500);
    const jitter = section.number('jitter', 20, NO_RANGE);
    const psPerPixel = section.number('psPerPixel', 0.0027);
    return {
      params: { position, jitter, psPerPixel },
      blocks: [
        {
          alg: 'ttfex',
          version: V2,
          fields: [
            field('ampl', gaussianOf(0.2, 0.02)),
            field('fltpos', gaussianOf(position, jitter)),
            field('fltpos_ps', gaussianOf(0, jitter * psPerPixel)),
            field('fltpos_fwhm', gaussianOf(120, 5)),
            field('amplnxt', gaussianOf(0.02, 0.005)),
            field('refampl', gaussianOf(1, 0.05)),
          ],
        },
      ],
      config: [field('psPerPixel', constantOf(psPerPixel)), field('recordImages', enumOf(OFF_ON, 'Off'))],
    };
  },
};
