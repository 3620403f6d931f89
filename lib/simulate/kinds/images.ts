/** Kinds with large arrays: cameras and digitisers. */

import { field } from '../fields.ts';
import { RANDOM_BYTES } from '../generators/chance.ts';
import { constantOf, counterOf, PULSE_ID } from '../generators/numbers.ts';
import { photons } from '../generators/photons.ts';
import { trace } from '../generators/trace.ts';
import { type DetectorKind, readPool, V2 } from './kind.ts';
import { enumOf, OFF_ON } from './settings.ts';

const PIXEL_TYPES = ['uint8', 'uint16', 'float'] as const;

export const camera: DetectorKind = {
  name: 'camera',
  summary: 'area camera: raw.image with noise and photons, and how many there are in truth.photons',
  keys: `rows, columns, pixel (${PIXEL_TYPES.join(', ')}), truth, pool, ${photons.keys}`,
  type: 'simcamera',
  read(section) {
    const rows = section.integer('rows', 512, 1, 65536);
    const columns = section.integer('columns', 512, 1, 65536);
    const pixel = section.choice('pixel', PIXEL_TYPES, 'uint16');
    const truth = section.flag('truth', true);
    const content = photons.read(section, { motors: new Map() });
    const pool = readPool(section);
    const type = pixel === 'float' ? 'FLOAT' : pixel === 'uint8' ? 'UINT8' : 'UINT16';
    const image = field('image', content, { type, shape: [rows, columns], ...(pool === undefined ? {} : { pool }) });
    const counted = field('photons', { ...constantOf(0, 'UINT32'), constant: false, countOf: 'raw.image' });
    return {
      params: { rows, columns, pixel, truth, ...content.params, pool: image.pool },
      blocks: [
        { alg: 'raw', version: V2, fields: [image] },
        ...(truth ? [{ alg: 'truth', version: V2, fields: [counted] }] : []),
      ],
      config: [
        field('rows', constantOf(rows, 'UINT32')),
        field('columns', constantOf(columns, 'UINT32')),
        field('pedestal', constantOf(Number(content.params.pedestal))),
        field('noise', constantOf(Number(content.params.noise))),
        field('aduPerPhoton', constantOf(Number(content.params.adu))),
        field('gainMode', enumOf({ High: 0, Medium: 1, Low: 2 }, 'High')),
        field('testPattern', enumOf(OFF_ON, 'Off')),
      ],
    };
  },
};

export const waveform: DetectorKind = {
  name: 'waveform',
  summary: 'digitiser such as hsd: raw.waveform of channels x samples with decaying pulses',
  keys: `channels, samples, pool, ${trace.keys}`,
  type: 'simhsd',
  read(section) {
    const channels = section.integer('channels', 1, 1, 1024);
    const samples = section.integer('samples', 1024, 1, 1 << 24);
    const content = trace.read(section, { motors: new Map() });
    const pool = readPool(section);
    const wave = field('waveform', content, { shape: [channels, samples], ...(pool === undefined ? {} : { pool }) });
    return {
      params: { channels, samples, ...content.params, pool: wave.pool },
      blocks: [{ alg: 'raw', version: V2, fields: [field('eventCount', counterOf(0, 1)), wave] }],
      config: [
        field('channels', constantOf(channels, 'UINT32')),
        field('samples', constantOf(samples, 'UINT32')),
        field('sampleRate', constantOf(5.2e9)),
        field('fullScale', enumOf({ '0_5V': 0, '1V': 1, '2V': 2 }, '1V')),
      ],
    };
  },
};

export const bytes: DetectorKind = {
  name: 'bytes',
  summary: 'raw.data of a number of bytes, and raw.pulseId: for benchmarks and transport tests',
  keys: 'size, pool',
  type: 'simbytes',
  read(section) {
    const size = section.integer('size', 1024, 0, 0x4000_0000);
    const pool = readPool(section);
    const data = field('data', RANDOM_BYTES, { shape: [size], ...(pool === undefined ? {} : { pool }) });
    return {
      params: { size, pool: data.pool },
      blocks: [{ alg: 'raw', version: V2, fields: [field('pulseId', PULSE_ID), data] }],
      config: [],
    };
  },
};
