/** What mutants are made of. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventPieces } from '../../../lib/mapreduce/record/event-item.ts';
import { SHARED } from '../../golden.ts';
import type { Blob } from './mutants.ts';

const FOLDER = join(SHARED, 'data/mapreduce');
const SIZES: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, uint32: 4, float32: 4, float64: 8 };

/** One small recording of our own, and the shared ones. */
export function recordings(): Buffer[] {
  const data = (typ: string, ...frames: string[]) => ({ typ, frames: frames.map((text) => Buffer.from(text)) });
  const own = [0, 1, 70_000].map((event_number) => ({
    event_number,
    streams: new Map([
      ['det', data('STINS', '{"htype":"image"}', 'blob')],
      ['none', data('T')],
    ]),
    created_at: event_number === 1 ? undefined : '2026-01-01T00:00:00Z',
  }));
  const names = readdirSync(join(FOLDER, 'dump')).filter(
    (name) => name.endsWith('.cbors') && !name.startsWith('run7-det'),
  );
  return [Buffer.concat(own.flatMap(eventPieces)), ...names.map((name) => readFileSync(join(FOLDER, 'dump', name)))];
}

export function blobs(): Blob[] {
  const expected = JSON.parse(readFileSync(join(FOLDER, 'stins/expected.json'), 'utf8')) as {
    images: { shape: number[]; type: string; compression: string }[];
  };
  return expected.images.flatMap(({ shape, type, compression }, i) => {
    if (compression !== 'bslz4') return [];
    const elements = shape.reduce((product, length) => product * length, 1);
    return [{ bytes: readFileSync(join(FOLDER, `stins/0${i + 1}-image${i}.part1`)), elements, size: SIZES[type]! }];
  });
}
